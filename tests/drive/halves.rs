//! A login in two halves: the redirect comes to another function.

use oauth_proto::drive::{self, blocking};
use oauth_proto::{Delivered, Error, Ignored, Login, Misuse, Phase, SavedLogin, UnixTime};

use crate::blocking::Blocking;
use crate::world::{by_issuer, entropy, finish, known, App, Comes, Sent, World, START, STATE};

fn start(login: &mut Login, world: &World) -> Result<String, Error> {
    let url = finish(drive::start(login, entropy(), &App(world), &App(world))).0?;
    Ok(url.as_str().to_owned())
}

fn end(login: &mut Login, redirect: &str, world: &World) -> Result<String, Error> {
    let tokens = finish(drive::finish(login, redirect, &App(world), &App(world))).0?;
    Ok(tokens.access_token().reveal().to_owned())
}

fn redirect() -> String {
    format!("com.example.app:/callback?code=C&state={STATE}")
}

#[test]
fn both_halves_make_a_whole() {
    for world in
        [World::new(&[Sent::Metadata, Sent::Tokens], &[]), World::new(&[Sent::Metadata, Sent::Tokens], &[]).slow()]
    {
        let mut login = by_issuer();
        let url = start(&mut login, &world).unwrap();
        assert!(url.starts_with("https://as.example.com/authorize?") && url.contains(STATE), "{url}");
        assert_eq!(end(&mut login, &redirect(), &world).unwrap(), "AT");
        assert_eq!((login.phase(), world.sends.borrow().len()), (Phase::Finished, 0));
    }
}

#[test]
fn the_second_half_may_be_in_another_process() {
    let world = World::new(&[Sent::Tokens], &[]);
    let mut login = known();
    let client = login.client().clone();
    start(&mut login, &world).unwrap();
    let stored = serde_json::to_string(&login.save().unwrap()).unwrap();
    let saved: SavedLogin = serde_json::from_str(&stored).unwrap();
    let mut resumed = Login::resume(client, saved, UnixTime::from_secs(START + 5)).unwrap();
    assert_eq!(end(&mut resumed, &redirect(), &world).unwrap(), "AT");
}

#[test]
fn a_redirect_of_another_login_leaves_it_waiting() {
    let world = World::new(&[Sent::Tokens], &[]);
    let mut login = known();
    let url = start(&mut login, &world).unwrap();
    let error = end(&mut login, "com.example.app:/callback?code=C&state=other", &world).unwrap_err();
    assert!(!error.is_fatal());
    // Asked again for the URL, nothing is started anew.
    assert_eq!(start(&mut login, &world).unwrap(), url);
    assert_eq!(end(&mut login, &redirect(), &world).unwrap(), "AT");
    // Past the redirect, neither half changes anything.
    assert_eq!(start(&mut login, &world).unwrap_err(), Error::Misuse(Misuse::AlreadyStarted));
    assert_eq!(end(&mut login, &redirect(), &world).unwrap_err(), Error::Ignored(Ignored::Finished));
}

#[test]
fn the_first_half_goes_on_with_metadata_that_did_not_come() {
    let (no, maybe) = (Sent::Fails(Delivered::No), Sent::Fails(Delivered::Maybe));
    let world = World::new(&[no, maybe, Sent::Metadata], &[]);
    start(&mut by_issuer(), &world).unwrap();
    let waits: Vec<_> = world.log().into_iter().filter(|line| line.starts_with("sleep")).collect();
    assert_eq!(waits, ["sleep 1", "sleep 2"]);
}

#[test]
fn the_code_is_not_sent_again_when_its_response_is_lost() {
    let world = World::new(&[Sent::Fails(Delivered::Maybe)], &[]);
    let mut login = known();
    start(&mut login, &world).unwrap();
    let error = end(&mut login, &redirect(), &world).unwrap_err();
    assert_eq!((error.code(), error.is_fatal()), ("outcome_unknown", true));
}

#[test]
fn the_blocking_halves_do_the_same() {
    let world = World::new(&[Sent::Fails(Delivered::No), Sent::Metadata, Sent::Tokens], &[Comes::Nothing]);
    let (app, mut login) = (Blocking(&world), by_issuer());
    let url = blocking::start(&mut login, entropy(), &app, &app).unwrap();
    assert!(url.as_str().contains(STATE));
    let tokens = blocking::finish(&mut login, &redirect(), &app, &app).unwrap();
    assert_eq!(tokens.access_token().reveal(), "AT");
}
