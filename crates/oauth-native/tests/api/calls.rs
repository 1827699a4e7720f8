//! Calls, and what the API's refusals mean.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::Barrier;
use std::thread;

use oauth_native::api::{ApiError, CallError, Reply};
use oauth_proto::{CallHeaders, LoginRequired};

use crate::executor::block_on;
use crate::world::{turn, Canned, World, API};

const INVALID: [(&str, &str); 2] =
    [("Content-Type", "text/plain"), ("WWW-Authenticate", r#"Bearer error="invalid_token""#)];
const SCOPE: [(&str, &str); 1] = [("WWW-Authenticate", r#"Bearer error="insufficient_scope", scope="write""#)];

fn shown(headers: CallHeaders) -> String {
    let all: Vec<_> = headers.map(|(name, value)| format!("{name}: {}", value.as_str())).collect();
    all.join("\n")
}

type Answer = Result<Reply<String>, std::io::Error>;

/// An API that accepts this number of access token and later ones.
#[allow(clippy::unnecessary_wraps)] // as a closure returns it
fn api(accepts: u32, headers: CallHeaders) -> Answer {
    let shown = shown(headers);
    let number: u32 = shown.strip_prefix("authorization: Bearer AT").unwrap().parse().unwrap();
    Ok(if number < accepts { Reply::new(401, INVALID).with(shown) } else { Reply::new(200, [("a", "b")]).with(shown) })
}

#[test]
fn a_call_gets_the_header() {
    let world = World::new();
    let called = world.threads(9000).call("GET", API, |headers| api(1, headers));
    assert_eq!(called.unwrap(), "authorization: Bearer AT1");
    let called = block_on(world.other_tasks().call("GET", API, |headers| async { api(1, headers) }));
    assert_eq!(called.unwrap(), "authorization: Bearer AT1");
}

#[test]
fn other_origins_get_nothing() {
    let world = World::new();
    let mut calls = 0;
    let called = world.threads(9000).call("GET", "https://evil.example/me", |headers| {
        calls += 1;
        api(1, headers)
    });
    let Err(CallError::Api(error @ ApiError::Bearer(_))) = called else { panic!() };
    assert_eq!((calls, error.code()), (0, "origin_not_allowed"));
}

#[test]
fn after_a_401_comes_one_refresh_and_one_more_call() {
    let world = World::new();
    let handle = world.threads(9000);
    let mut calls = 0;
    let called = handle.call("GET", API, |headers| {
        calls += 1;
        api(2, headers)
    });
    assert_eq!((called.unwrap().as_str(), calls), ("authorization: Bearer AT2", 2));
    assert_eq!(world.server.refreshes(), 1);

    let world = World::new();
    let called = block_on(world.tasks(9000).call("GET", API, |headers| async {
        turn().await;
        api(2, headers)
    }));
    assert_eq!(called.unwrap(), "authorization: Bearer AT2");
    assert_eq!(world.server.refreshes(), 1);
    assert!(world.store.has("AT2"));
}

#[test]
fn two_401_mean_a_login() {
    let world = World::new();
    let handle = world.threads(9000);
    let mut calls = 0;
    let mut call = || {
        handle.call("GET", API, |headers| {
            calls += 1;
            api(99, headers)
        })
    };
    let Err(CallError::Api(error @ ApiError::LoginRequired { .. })) = call() else { panic!() };
    assert_eq!(error.code(), "token_refused");
    assert!(error.login().is_some());
    assert!(call().is_err());
    assert_eq!((calls, world.server.refreshes()), (3, 1), "no loop");
    assert!(handle.bearer().is_ok(), "the token may be good elsewhere");
}

/// A refusal of a token that somebody else's refusal has brought: the session would refresh once more.
#[test]
fn a_call_is_made_twice_at_most() {
    let world = World::new();
    let handle = world.threads(9000);
    let mut calls = 0;
    let called = handle.call("GET", API, |headers| {
        calls += 1;
        world.clock.advance(1000);
        api(99, headers)
    });
    assert!(matches!(called, Err(CallError::Api(ApiError::LoginRequired { why: LoginRequired::TokenRefused, .. }))));
    assert_eq!(calls, 2);
    assert!(handle.bearer().is_ok(), "nobody waits for a request that was not sent");
}

#[test]
fn a_request_that_cannot_be_repeated_is_not() {
    let world = World::new();
    let handle = world.threads(9000);
    let mut calls = 0;
    let called = handle.call("POST", API, |headers| {
        calls += 1;
        api(2, headers).map(Reply::once)
    });
    assert_eq!((called.unwrap().as_str(), calls), ("authorization: Bearer AT1", 1));
    assert_eq!(handle.bearer().unwrap().token().reveal(), "AT2", "the next call has the new one");
}

#[test]
fn many_401_at_once_mean_one_refresh() {
    let world = World::new();
    let handle = world.threads(9000);
    world.server.delay(20);
    let (all_called, first, calls) = (Barrier::new(10), AtomicUsize::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let mut is_first = true;
                let called = handle.call("GET", API, |headers| {
                    calls.fetch_add(1, Ordering::SeqCst);
                    if std::mem::take(&mut is_first) {
                        first.fetch_add(1, Ordering::SeqCst);
                        all_called.wait();
                    }
                    api(2, headers)
                });
                assert_eq!(called.unwrap(), "authorization: Bearer AT2");
            });
        }
    });
    assert_eq!((first.into_inner(), calls.into_inner()), (10, 20));
    assert_eq!(world.server.sent().refreshes, ["RT1"]);
}

#[test]
fn a_refresh_that_fails_after_a_401_means_later() {
    let world = World::new();
    let handle = world.threads(9000);
    world.server.answers(Canned::Answer(503, ""));
    let mut calls = 0;
    let called = handle.call("GET", API, |headers| {
        calls += 1;
        api(2, headers)
    });
    assert!(matches!(called, Err(CallError::Api(ApiError::Later(_)))));
    assert_eq!(calls, 1, "not again with the refused token");
}

#[test]
fn a_403_may_demand_more_scope() {
    let world = World::new();
    let handle = world.threads(9000);
    let called =
        handle.call("GET", API, |headers| Ok::<_, std::io::Error>(Reply::new(403, SCOPE).with(shown(headers))));
    let Err(CallError::Api(error)) = called else { panic!() };
    assert_eq!(error.code(), "insufficient_scope");
    let request = error.login().unwrap();
    assert!(request.requested_scope().contains("write"), "{request:?}");
    assert_eq!(world.server.refreshes(), 0);
    // A 403 that says nothing about the token.
    let called = handle.call("GET", API, |headers| {
        drop(headers);
        Ok::<_, std::io::Error>(Reply::new(403, [("a", "b")]).with(403))
    });
    assert_eq!(called.unwrap(), 403);
}

#[test]
fn the_closures_own_error_is_returned() {
    let world = World::new();
    let called: Result<(), _> = world.threads(9000).call("GET", API, |_| Err(std::io::Error::other("no network")));
    let Err(error @ CallError::Call(_)) = called else { panic!() };
    assert_eq!(error.to_string(), "no network");
}

#[test]
fn a_closure_that_panics_does_not_matter_to_others() {
    let world = World::new();
    let handle = world.threads(9000);
    let panics = handle.clone();
    let joined =
        thread::spawn(move || panics.call("GET", API, |_| -> Answer { panic!("the app's own") }).is_ok()).join();
    assert!(joined.is_err());
    let panics = handle.clone();
    assert!(thread::spawn(move || panics.session(|_| panic!("the app's own"))).join().is_err());
    assert!(handle.call("GET", API, |headers| api(2, headers)).is_ok());
}
