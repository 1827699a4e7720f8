//! The recipe of `Session::adopt`: two sessions on one store refresh once.

use std::collections::BTreeMap;
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::Duration;

use oauth_native::store::{File, Memory, Store, StoreError};
use oauth_proto::{Access, Adopted, Event, Headers, Request, Response, Secret, Session, SignOut, Tokens, UnixTime};

use crate::tools::{client, Folder, NOW};

/// A token endpoint that accepts each refresh token once, and is slow.
struct Server {
    state: Mutex<(u32, BTreeMap<String, u32>)>,
}

impl Server {
    fn new() -> Self {
        Self { state: Mutex::new((1, BTreeMap::new())) }
    }

    fn send(&self, request: &Request) -> (u16, String) {
        let body = std::str::from_utf8(request.body()).unwrap();
        let (_, token) = body.split_once("refresh_token=RT").unwrap();
        let number = token.split('&').next().unwrap().to_owned();
        let answer = {
            let mut state = self.state.lock().unwrap();
            *state.1.entry(number.clone()).or_default() += 1;
            if number == state.0.to_string() {
                state.0 += 1;
                let next = state.0;
                let members = format!(r#""access_token":"AT{next}","refresh_token":"RT{next}","expires_in":3600"#);
                (200, format!(r#"{{{members},"token_type":"Bearer"}}"#))
            } else {
                (400, r#"{"error":"invalid_grant"}"#.to_owned())
            }
        };
        thread::sleep(Duration::from_millis(50));
        answer
    }

    /// How often each refresh token was used.
    fn uses(&self) -> Vec<(String, u32)> {
        self.state.lock().unwrap().1.clone().into_iter().collect()
    }
}

fn refresh(session: &mut Session, store: &dyn Store, server: &Server, now: UnixTime) -> Result<Access, StoreError> {
    let mut locked = store.lock()?;
    match locked.load()? {
        Some(saved) => assert_ne!(session.adopt(saved).unwrap(), Adopted::OtherLogin),
        None => drop(session.sign_out(SignOut::new())),
    }
    loop {
        let access = session.access(now);
        let Access::SendRequest(request) = access else { return Ok(access) };
        let (status, body) = server.send(&request);
        let response = Response::new(status, Headers::NONE, body.as_bytes());
        drop(session.handle(Event::ResponseReceived(request.id(), response), now));
        locked.save(session.save().as_ref())?;
    }
}

fn token(access: Access) -> String {
    match access {
        Access::Ready(bearer) => bearer.token().reveal().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Each of two threads has a store and a session of its own. In each round, the tokens of both have expired.
fn two_sessions(stores: [&dyn Store; 2]) {
    let server = Server::new();
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(NOW), "read");
    let session = Session::new(client(), tokens);
    stores[0].lock().unwrap().save(session.save().as_ref()).unwrap();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        for store in stores {
            let mut session = Session::restore(client(), store.lock().unwrap().load().unwrap().unwrap()).unwrap();
            let (server, barrier) = (&server, &barrier);
            scope.spawn(move || {
                for round in 1..=5_u32 {
                    barrier.wait();
                    let now = NOW.saturating_add(u64::from(round) * 4000);
                    let access = refresh(&mut session, store, server, now).unwrap();
                    assert_eq!(token(access), format!("AT{}", round + 1));
                }
            });
        }
    });
    let once: Vec<_> = (1..=5).map(|number| (number.to_string(), 1)).collect();
    assert_eq!(server.uses(), once);
    // One signs out, and the other one finds nothing.
    let mut session = Session::restore(client(), stores[1].lock().unwrap().load().unwrap().unwrap()).unwrap();
    stores[0].lock().unwrap().save(None).unwrap();
    let access = refresh(&mut session, stores[1], &server, NOW).unwrap();
    assert!(matches!(access, Access::LoginRequired(_)));
    assert!(stores[0].lock().unwrap().load().unwrap().is_none());
}

#[test]
fn in_one_file() {
    let folder = Folder::new();
    let path = folder.join("session.json");
    two_sessions([&File::new(&path), &File::new(&path)]);
}

#[test]
fn in_memory() {
    let store = Memory::new();
    two_sessions([&store, &store.clone()]);
}
