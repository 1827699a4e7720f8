//! The loop with cryptography that answers later.

use oauth_proto::drive::{self, DriveError};
use oauth_proto::{Error, Login, Misuse, Phase, Tokens};

use crate::world::{by_action, code, drop_after, entropy, finish, App, Sent, World};

const SENDS: &[Sent] = &[Sent::Metadata, Sent::IdToken, Sent::Keys];

fn world(sends: &[Sent], verdicts: &[Option<bool>]) -> World {
    let world = World::new(sends, &[code()]).slow();
    world.verdicts.borrow_mut().extend(verdicts);
    world
}

fn drive(login: &mut Login, world: &World) -> (Result<Tokens, DriveError<&'static str>>, usize) {
    let app = App(world);
    finish(drive::login_with(login, entropy(), &app, &mut App(world), &app, &app))
}

#[test]
fn what_cannot_be_verified_now_is_asked_again() {
    let world = world(SENDS, &[None, None, Some(true)]);
    let mut login = by_action();
    let tokens = drive(&mut login, &world).0.unwrap();
    assert_eq!((tokens.id_token().unwrap().subject(), login.phase()), ("u", Phase::Finished));
    let mut log = world.log();
    log.retain(|line| !line.starts_with("sleep "));
    let metadata = "GET /.well-known/openid-configuration";
    assert_eq!(log, [metadata, "open", "heard ok", "POST /token", "GET /keys", "verify", "verify", "verify"]);
    assert_eq!(world.log().len(), log.len() + 2, "there is a wait between them");
}

#[test]
fn a_signature_that_is_not_valid_ends_the_login() {
    let mut login = by_action();
    let error = drive(&mut login, &world(SENDS, &[Some(false)])).0.unwrap_err();
    assert_eq!((error.code(), login.phase()), ("id_token_signature", Phase::Failed));
}

#[test]
fn a_future_that_is_dropped_while_it_verifies_loses_nothing() {
    let polls = drive(&mut by_action(), &world(SENDS, &[Some(true)])).1;
    let mut login = by_action();
    let first = world(SENDS, &[Some(true)]);
    let app = App(&first);
    drop_after(polls - 1, drive::login_with(&mut login, entropy(), &app, &mut App(&first), &app, &app));
    assert_eq!(login.phase(), Phase::Verifying);
    let again = world(&[], &[Some(true)]);
    assert!(drive(&mut login, &again).0.is_ok());
    assert_eq!(again.log(), ["verify"]);
}

/// The user must not log in for nothing.
#[test]
fn without_cryptography_nothing_is_done() {
    let world = world(&[], &[]);
    let mut login = by_action();
    let error =
        finish(drive::login(&mut login, entropy(), &App(&world), &mut App(&world), &App(&world))).0.unwrap_err();
    assert_eq!((error, login.phase()), (DriveError::Login(Error::Misuse(Misuse::NoCrypto)), Phase::Ready));
    assert!(world.log().is_empty());
}
