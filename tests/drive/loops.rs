//! What the loop does with each action and each outcome.

use oauth_proto::drive::{self, DriveError};
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
