//! The loop with a receiver on loopback as its browser.

use std::collections::VecDeque;
use std::convert::Infallible;

use oauth_proto::drive::blocking::{self, Browser};
use oauth_proto::loopback::{Answer, Connection, Page, Receiver, Step};
use oauth_proto::{AuthorizationRequest, AuthorizationServer, AuthorizationUrl, Client, Error, Login, UnixTime};

use crate::blocking::Blocking;
use crate::world::{entropy, Sent, World, STATE};

/// A listener: requests that come one after the other, each on a connection of its own, and the answers.
struct Listener {
    receiver: Receiver,
    requests: VecDeque<String>,
    waiting: Option<Connection>,
    answers: Vec<String>,
}

impl Listener {
    fn answer(&mut self, answer: Answer) {
        self.answers.push(String::from_utf8(answer.into_octets()).unwrap());
    }
}

impl Browser for Listener {
    type Error = Infallible;

    fn open(&mut self, _: &AuthorizationUrl) -> Result<(), Infallible> {
        Ok(())
    }

    fn redirect(&mut self, _: UnixTime) -> Result<Option<String>, Infallible> {
        while let Some(request) = self.requests.pop_front() {
            let mut connection = self.receiver.connection();
            match connection.receive(&mut request.as_bytes()) {
                Step::NeedMore => {}
                Step::Answer(answer) => self.answer(answer),
                Step::Redirect(url) => {
                    self.waiting = Some(connection);
                    return Ok(Some(url.as_str().to_owned()));
                }
            }
        }
        Ok(None)
    }

    fn heard(&mut self, _: &AuthorizationUrl, verdict: Result<(), &Error>) -> Result<(), Infallible> {
        if let Some(mut connection) = self.waiting.take() {
            self.answer(connection.answer(&Page::of(&verdict)));
        }
        Ok(())
    }
}

#[test]
fn each_request_gets_its_page() {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    let client = Client::new(server, "app", "http://127.0.0.1:51004/cb").unwrap();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:51004\r\n\r\n");
    let mut listener = Listener {
        receiver: Receiver::new(client.redirect_uri()).unwrap(),
        requests: [
            String::new(),
            get("/favicon.ico"),
            get("/cb?code=C&state=x"),
            get(&format!("/cb?code=C&state={STATE}")),
        ]
        .into(),
        waiting: None,
        answers: vec![],
    };
    let mut login = Login::new(client, AuthorizationRequest::new().scope("read")).unwrap();
    let world = World::new(&[Sent::Tokens], &[]);
    let tokens = blocking::login(&mut login, entropy(), &Blocking(&world), &mut listener, &Blocking(&world)).unwrap();
    assert_eq!(tokens.access_token().reveal(), "AT");
    for (answer, (status, title)) in listener.answers.iter().zip([
        ("404", "There is no page here"),
        ("400", "This is not the answer that the app waits for"),
        ("200", "Return to the app"),
    ]) {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(title), "{answer}");
    }
    assert_eq!(listener.answers.len(), 3);
}
