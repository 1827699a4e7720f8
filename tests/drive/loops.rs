//! What the loop does with each action and each outcome.

use oauth_proto::drive::{self, DriveError};
use oauth_proto::login::CODE_LIFETIME_SECS;
use oauth_proto::{Delivered, Error, Login, Over, Phase, Tokens};

use crate::world::{by_issuer, code, entropy, finish, known, redirect, App, Comes, Sent, World};

fn drive(login: &mut Login, world: &World) -> Result<Tokens, DriveError<&'static str>> {
    finish(drive::login(login, entropy(), &App(world), &mut App(world), &App(world))).0
}

fn log_in(login: &mut Login, world: &World) -> Vec<String> {
    let tokens = drive(login, world).unwrap();
    assert_eq!((tokens.access_token().reveal(), login.phase()), ("AT", Phase::Finished));
    assert!(world.sends.borrow().is_empty() && world.redirects.borrow().is_empty(), "it stopped early");
    world.log()
}

#[test]
fn from_nothing_to_tokens() {
    let world = World::new(&[Sent::Tokens], &[code()]);
    assert_eq!(log_in(&mut known(), &world), ["open", "heard ok", "POST /token"]);
    let metadata = "GET /.well-known/openid-configuration";
    let world = World::new(&[Sent::Metadata, Sent::Tokens], &[code()]).slow();
    assert_eq!(log_in(&mut by_issuer(), &world), [metadata, "open", "heard ok", "POST /token"]);
}

#[test]
fn a_redirect_of_another_login_is_waited_out_in_the_same_browser() {
    let others =
        [redirect("code=C&state=other"), redirect("code=C"), Comes::Url("https://other.example/".into()), code()];
    let world = World::new(&[Sent::Tokens], &others);
    let expected =
        ["open", "heard state_mismatch", "heard state_missing", "heard not_our_redirect", "heard ok", "POST /token"];
    assert_eq!(log_in(&mut known(), &world), expected);
}

#[test]
fn a_request_that_was_not_sent_is_sent_again_after_a_growing_while() {
    let mut sends = vec![Sent::Fails(Delivered::No); 7];
    sends.push(Sent::Tokens);
    let waits: Vec<String> =
        world_log(&mut known(), &sends).into_iter().filter(|line| line.starts_with("sleep")).collect();
    assert_eq!(waits, ["sleep 1", "sleep 2", "sleep 4", "sleep 8", "sleep 16", "sleep 30", "sleep 30"]);

    // Whether metadata were sent does not matter, and after a response the waits begin anew.
    let maybe = Sent::Fails(Delivered::Maybe);
    let sends = [maybe, maybe, Sent::Metadata, Sent::Fails(Delivered::No), Sent::Tokens];
    let waits: Vec<String> =
        world_log(&mut by_issuer(), &sends).into_iter().filter(|line| line.starts_with("sleep")).collect();
    assert_eq!(waits, ["sleep 1", "sleep 2", "sleep 1"]);
}

fn world_log(login: &mut Login, sends: &[Sent]) -> Vec<String> {
    log_in(login, &World::new(sends, &[code()]))
}

/// Each request that was sent, in seconds since the start.
fn sent_at(log: &[String], oversleeps: u64) -> Vec<u64> {
    let (mut now, mut sent) = (0, vec![]);
    for line in log {
        match line.strip_prefix("sleep ") {
            Some(secs) => now += secs.parse::<u64>().unwrap() + oversleeps,
            None if line.starts_with("GET ") || line.starts_with("POST ") => sent.push(now),
            None => {}
        }
    }
    sent
}

#[test]
fn nothing_is_sent_after_its_deadline() {
    let expired = DriveError::Login(Error::Over(Over::Expired));
    // The network is gone for good.
    let world = World::new(&[Sent::Fails(Delivered::No); 100], &[code()]);
    assert_eq!(drive(&mut known(), &world).unwrap_err(), expired);
    let sent = sent_at(&world.log(), 0);
    assert!((20..30).contains(&sent.len()) && sent.iter().all(|secs| *secs <= CODE_LIFETIME_SECS), "{sent:?}");
    let world = World::new(&[Sent::Fails(Delivered::Maybe); 200], &[]);
    assert_eq!(drive(&mut by_issuer(), &world).unwrap_err(), expired);
    let sent = sent_at(&world.log(), 0);
    assert!(sent.len() > 100 && sent.iter().all(|secs| *secs <= 3600), "{sent:?}");

    // The machine was asleep while the login waited.
    for (mut login, sends, redirects) in [
        (known(), [Sent::Fails(Delivered::No), Sent::Tokens], &[code()][..]),
        (known(), [Sent::Status(503), Sent::Tokens], &[code()]),
        (by_issuer(), [Sent::Fails(Delivered::No), Sent::Metadata], &[]),
    ] {
        let world = World { oversleeps: 4000, ..World::new(&sends, redirects) };
        assert_eq!(drive(&mut login, &world).unwrap_err(), expired, "{sends:?}");
        assert_eq!(sent_at(&world.log(), 4000), [0], "{sends:?}");
    }
}

#[test]
fn a_login_whose_time_is_over_opens_no_browser() {
    let mut login = known();
    let world = World::new(&[], &[Comes::Broken]);
    assert_eq!(drive(&mut login, &world).unwrap_err(), DriveError::Browser("no listener"));
    *world.now.borrow_mut() += 3600;
    world.redirects.borrow_mut().push_back(Comes::Broken);
    assert_eq!(drive(&mut login, &world).unwrap_err(), DriveError::Browser("no listener"), "its last second");
    *world.now.borrow_mut() += 1;
    assert_eq!(drive(&mut login, &world).unwrap_err(), DriveError::Login(Error::Over(Over::Expired)));
    assert_eq!(world.log(), ["open", "open"]);
}

#[test]
fn a_user_who_does_not_come_back_has_not_cancelled() {
    for (secs, over) in [(3599, Over::Cancelled), (3600, Over::Expired), (3601, Over::Expired)] {
        let world = World::new(&[], &[Comes::NothingUntil(secs)]);
        assert_eq!(drive(&mut known(), &world).unwrap_err(), DriveError::Login(Error::Over(over)), "{secs}");
    }
}

#[test]
fn a_page_that_cannot_be_shown_does_not_end_a_login() {
    let world = World { shows_no_page: true, ..World::new(&[Sent::Tokens], &[code()]) };
    assert_eq!(log_in(&mut known(), &world), ["open", "heard ok", "POST /token"]);

    // Nor does it hide how a login has ended.
    let denied = redirect(&format!("error=access_denied&state={}", crate::world::STATE));
    let world = World { shows_no_page: true, ..World::new(&[], &[denied]) };
    assert_eq!(drive(&mut known(), &world).unwrap_err().code(), "authorization_error");

    // While the redirect is awaited, a browser that is gone is an error.
    let world = World { shows_no_page: true, ..World::new(&[], &[redirect("code=C")]) };
    let mut login = known();
    assert_eq!(drive(&mut login, &world).unwrap_err(), DriveError::Browser("no page"));
    assert_eq!(login.phase(), Phase::AwaitingRedirect);
}

#[test]
fn a_busy_server_is_left_alone_until_the_machine_says_so() {
    let log = world_log(&mut known(), &[Sent::Status(503), Sent::Status(429), Sent::Tokens]);
    let sent = log.iter().filter(|line| *line == "POST /token").count();
    let slept: Vec<u64> = log.iter().filter_map(|line| line.strip_prefix("sleep ")?.parse().ok()).collect();
    assert_eq!((sent, slept.len()), (3, 2), "{log:?}");
    assert!(slept.iter().all(|secs| (1..=64).contains(secs)), "{log:?}");
}

#[test]
fn a_code_that_may_have_been_used_ends_the_login() {
    let world = World::new(&[Sent::Fails(Delivered::Maybe)], &[code()]);
    let mut login = known();
    assert_eq!(drive(&mut login, &world).unwrap_err(), DriveError::Login(Error::Over(Over::OutcomeUnknown)));
    assert_eq!(login.phase(), Phase::Failed);
    // Driven again, it says the same.
    assert_eq!(drive(&mut login, &world).unwrap_err(), DriveError::Login(Error::Over(Over::OutcomeUnknown)));
    assert_eq!(world.log(), ["open", "heard ok", "POST /token"]);
}

#[test]
fn a_user_who_gives_up_or_says_no() {
    let world = World::new(&[], &[Comes::Nothing]);
    let error = drive(&mut known(), &world).unwrap_err();
    assert_eq!(error, DriveError::Login(Error::Over(Over::Cancelled)));
    assert!(error.code() == "cancelled" && error.to_string().contains("was cancelled"), "{error}");

    let denied = redirect(&format!("error=access_denied&state={}", crate::world::STATE));
    let world = World::new(&[], &[denied]);
    let error = drive(&mut known(), &world).unwrap_err();
    assert!(
        matches!(&error, DriveError::Login(Error::Refused(refused)) if refused.oauth_error() == Some("access_denied"))
    );
    assert_eq!(world.log(), ["open", "heard authorization_error"], "the page can say so");
}

/// The failures in a row count, in any state; and there is no wait after the last one.
#[test]
fn a_transport_that_gives_up_ends_the_login() {
    let no = Sent::Fails(Delivered::No);
    let sends = [no, no, Sent::Metadata, no, no, no];
    let world = World { most_failures: Some(3), ..World::new(&sends, &[code()]) };
    let mut login = by_issuer();
    assert_eq!(drive(&mut login, &world).unwrap_err(), DriveError::Login(Error::Over(Over::Cancelled)));
    assert_eq!(login.phase(), Phase::Failed);
    let log = world.log();
    let waits: Vec<_> = log.iter().filter(|line| line.starts_with("sleep")).collect();
    assert_eq!(waits, ["sleep 1", "sleep 2", "sleep 1", "sleep 2"], "{log:?}");
    assert_eq!(log.last().map(String::as_str), Some("POST /token"));
}

#[test]
fn a_browser_that_cannot_be_used_ends_nothing() {
    let world = World::new(&[Sent::Tokens], &[Comes::Broken, code()]);
    let mut login = known();
    let error = drive(&mut login, &world).unwrap_err();
    assert_eq!(error, DriveError::Browser("no listener"));
    assert_eq!((error.code(), &*error.to_string()), ("browser", "the browser could not be used: no listener"));
    assert_eq!(login.phase(), Phase::AwaitingRedirect);
    assert_eq!(log_in(&mut login, &world), ["open", "open", "heard ok", "POST /token"]);
}

#[test]
fn a_login_that_has_ended_is_not_started_again() {
    let world = World::new(&[Sent::Tokens], &[code()]);
    let mut login = known();
    log_in(&mut login, &world);
    let error = drive(&mut login, &world).unwrap_err();
    assert!(matches!(error, DriveError::Login(Error::Misuse(_))), "{error:?}");
}

/// Nothing secret is shown.
#[test]
fn an_answer_shows_its_status_alone() {
    let answer = drive::OwnedResponse::new(200, vec![("x".into(), b"s3cr3t".to_vec())], b"s3cr3t".to_vec());
    assert_eq!(format!("{answer:?}"), "OwnedResponse { status: 200, .. }");
}
