//! A future that is dropped, wherever it was: the login is as it was, and can be driven again.

use oauth_proto::drive::{self, DriveError};
use oauth_proto::{Error, Over, Phase};

use crate::world::{by_issuer, code, drop_after, entropy, finish, App, Comes, Sent, World};

const STEPS: &[Sent] = &[Sent::Metadata, Sent::Status(503), Sent::Tokens];

fn world(sends: &[Sent], redirects: &[Comes]) -> World {
    World::new(sends, redirects).slow()
}

#[test]
fn a_future_that_is_dropped_loses_nothing_and_sends_no_code_twice() {
    let whole = world(STEPS, &[code()]);
    let mut login = by_issuer();
    let (tokens, polls) = finish(drive::login(&mut login, entropy(), &App(&whole), &mut App(&whole), &App(&whole)));
    assert!(tokens.is_ok() && polls > 5, "{polls}");
    let mut seen = vec![];
    for after in 0..polls {
        let mut login = by_issuer();
        let first = world(STEPS, &[code()]);
        drop_after(after, drive::login(&mut login, entropy(), &App(&first), &mut App(&first), &App(&first)));
        let (phase, pending) = (login.phase(), login.pending_action().is_some());
        assert_eq!(pending, phase != Phase::Ready, "{after}: it goes on");
        seen.push(phase);
        let codes = |world: &World| world.log().iter().filter(|line| *line == "POST /token").count();
        let again = world(&[Sent::Metadata, Sent::Tokens][usize::from(phase == Phase::AwaitingRedirect)..], &[code()]);
        let outcome = finish(drive::login(&mut login, entropy(), &App(&again), &mut App(&again), &App(&again))).0;
        if phase == Phase::ExchangingCode {
            assert_eq!(outcome.unwrap_err(), DriveError::Login(Error::Over(Over::OutcomeUnknown)), "{after}");
            assert_eq!(codes(&again), 0, "{after}: the code was sent once more");
        } else {
            assert_eq!(outcome.unwrap().access_token().reveal(), "AT", "{after}: {phase:?}");
            assert_eq!(codes(&first), 0);
        }
    }
    for phase in [Phase::Ready, Phase::Discovering, Phase::AwaitingRedirect, Phase::ExchangingCode] {
        assert!(seen.contains(&phase), "{phase:?} was never seen: {seen:?}");
    }
}

/// The code is used up by then, and the tokens are kept: nothing is lost, however long the keys do not come.
#[cfg(feature = "openid")]
#[test]
fn keys_are_asked_for_until_the_user_gives_up() {
    let mut sends = vec![Sent::Metadata, Sent::IdToken];
    sends.extend([Sent::Fails(oauth_proto::Delivered::Maybe); 9]);
    sends.extend([Sent::Status(503); 3]);
    let first = world(&sends, &[code()]);
    let mut login = crate::world::openid();
    {
        let (transport, mut browser) = (App(&first), App(&first));
        let mut task = std::pin::pin!(drive::login(&mut login, entropy(), &transport, &mut browser, &transport));
        while !first.sends.borrow().is_empty() {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let polled = std::future::Future::poll(task.as_mut(), &mut context);
            assert!(polled.is_pending(), "{polled:?}");
        }
    }
    assert_eq!(login.phase(), Phase::FetchingKeys);
    let (asked, waits): (Vec<_>, Vec<_>) =
        first.log().into_iter().skip(4).partition(|line| !line.starts_with("sleep "));
    assert!(asked.len() == 12 && asked.iter().all(|line| line == "GET /keys"), "{asked:?}");
    assert_eq!(waits.len(), 11, "{waits:?}");
    assert!(waits.iter().all(|line| line[6..].parse::<u64>().is_ok_and(|secs| (1..=64).contains(&secs))), "{waits:?}");

    let again = world(&[Sent::Status(404)], &[]);
    let outcome = finish(drive::login(&mut login, entropy(), &App(&again), &mut App(&again), &App(&again))).0;
    assert!(matches!(outcome, Err(DriveError::Login(error)) if error.is_fatal()));
    assert_eq!(again.log(), ["GET /keys"]);
}

/// A task may be moved from thread to thread if its parts may.
#[test]
fn the_future_is_send_if_its_parts_are() {
    struct Parts;
    impl drive::Transport for Parts {
        async fn send(&self, _: &oauth_proto::Request) -> Result<drive::OwnedResponse, oauth_proto::Delivered> {
            Err(oauth_proto::Delivered::No)
        }
    }
    impl drive::Browser for Parts {
        type Error = ();
        async fn open(&mut self, _: &oauth_proto::AuthorizationUrl) -> Result<(), ()> {
            Ok(())
        }
        async fn redirect(&mut self, _: oauth_proto::UnixTime) -> Result<Option<String>, ()> {
            Ok(None)
        }
    }
    impl drive::Clock for Parts {
        fn now(&self) -> oauth_proto::UnixTime {
            oauth_proto::UnixTime::from_secs(0)
        }
        async fn sleep_until(&self, _: oauth_proto::UnixTime) {}
    }
    fn assert_send(future: impl std::future::Future + Send) {
        drop(future);
    }
    let (mut login, mut browser) = (by_issuer(), Parts);
    assert_send(drive::login(&mut login, entropy(), &Parts, &mut browser, &Parts));
}
