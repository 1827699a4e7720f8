//! One store for several handles, and stores that fail.

use std::sync::atomic::Ordering;
use std::thread;

use oauth_native::api::{blocking, Api, ApiError};
use oauth_native::store::{Store, StoreError};
use oauth_proto::{AuthorizationServer, Client, LoginRequired, Secret, Session, Tokens};

use crate::executor::{block_on, run, Task};
use crate::world::{Canned, World};

#[test]
fn the_second_takes_over_what_the_first_has_stored() {
    let world = World::new();
    let (one, other) = (world.threads(900), world.other_threads());
    assert_eq!(one.bearer().unwrap().token().reveal(), "AT2");
    assert_eq!(other.bearer().unwrap().token().reveal(), "AT2");
    assert_eq!(world.server.sent().refreshes, ["RT1"]);
    // Also the other way round, and with nothing in between.
    world.clock.advance(9000);
    assert_eq!(other.bearer().unwrap().token().reveal(), "AT3");
    assert_eq!(one.bearer().unwrap().token().reveal(), "AT3");
    assert_eq!(world.server.sent().refreshes, ["RT1", "RT2"]);
    // No refresh of the one that has sent nothing counts as under way.
    let signed_out = one.sign_out(oauth_proto::SignOut::new());
    assert_eq!(signed_out.not_revoked, None);
}

#[test]
fn many_at_once_on_one_store() {
    let world = World::new();
    let one = world.threads(900);
    let others: Vec<_> = (0..4).map(|_| world.other_threads()).collect();
    world.server.delay(20);
    thread::scope(|scope| {
        for api in others.iter().chain([&one]) {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(api.bearer().unwrap().token().reveal(), "AT2"));
            }
        }
    });
    assert_eq!(world.server.sent().refreshes, ["RT1"]);
}

/// A handle that waited for the store's lock on its executor's only thread would never get it.
#[test]
fn two_on_one_store_and_one_thread() {
    let world = World::new();
    let (one, other) = (world.tasks(900), world.other_tasks());
    world.server.delay(20);
    let mut tasks = [Task::new(one.bearer()), Task::new(other.bearer())];
    run(&mut tasks, |tasks| tasks.iter().all(Task::is_over), || panic!("nobody was woken"));
    for task in tasks {
        assert_eq!(task.output.unwrap().unwrap().token().reveal(), "AT2");
    }
    assert_eq!(world.server.sent().refreshes, ["RT1"]);
}

#[test]
fn a_lock_that_is_held_for_long_is_given_up() {
    let world = World::new();
    let api = world.tasks(900);
    let other = oauth_native::store::Store::lock(&*world.store).unwrap();
    let mut tasks = [Task::new(api.bearer())];
    run(&mut tasks, |tasks| tasks[0].is_over(), || assert!(world.clock.skip()));
    assert!(matches!(tasks[0].output, Some(Err(ApiError::Store(_)))));
    drop(other);
    assert_eq!(world.server.refreshes(), 0);
    world.clock.advance(10);
    assert_eq!(block_on(api.bearer()).unwrap().token().reveal(), "AT2");
}

/// If the lock comes so late that others may soon send, the request is made anew.
#[test]
fn a_lock_that_comes_late_does_not_lead_to_two_requests() {
    let world = World::new();
    let api = world.tasks(900);
    let other = oauth_native::store::Store::lock(&*world.store).unwrap();
    let mut tasks = [Task::new(api.bearer())];
    tasks[0].poll();
    world.clock.advance(50);
    drop(other);
    world.server.answers(Canned::Hangs);
    run(&mut tasks, |_| world.server.refreshes() == 1, || {});
    let mut late = [Task::new(api.bearer())];
    late[0].poll();
    world.clock.advance(15);
    run(&mut late, |tasks| tasks[0].polls > 1, || {});
    for _ in 0..20 {
        tasks[0].poll();
        late[0].poll();
        thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(!late[0].is_over() && !tasks[0].is_over());
    assert_eq!(world.server.refreshes(), 1, "the deadline counts from when it was sent");
}

#[test]
fn tokens_that_cannot_be_stored_are_not_lost() {
    let world = World::new();
    let api = world.threads(900);
    world.store.fails_to_save.store(true, Ordering::SeqCst);
    let Err(error @ ApiError::Store(_)) = api.bearer() else { panic!() };
    assert_eq!(error.code(), "store");
    assert!(world.store.has("RT1"));
    assert_eq!(api.bearer().unwrap().token().reveal(), "AT2", "from memory");
    assert!(world.store.has("RT1"));
    world.store.fails_to_save.store(false, Ordering::SeqCst);
    assert_eq!(api.bearer().unwrap().token().reveal(), "AT2");
    assert!(world.store.has("RT1"), "not at each call");
    world.clock.advance(5);
    assert_eq!(api.bearer().unwrap().token().reveal(), "AT2");
    assert!(world.store.has("RT2"), "stored later");
    let saves = world.store.saves.load(Ordering::SeqCst);
    world.clock.advance(50);
    assert!(api.bearer().is_ok());
    assert_eq!(world.store.saves.load(Ordering::SeqCst), saves, "and then no more");
    assert_eq!(world.server.refreshes(), 1);
}

#[test]
fn a_store_that_cannot_be_locked_sends_nothing() {
    let world = World::new();
    let api = world.threads(900);
    world.store.fails_to_lock.store(true, Ordering::SeqCst);
    assert!(matches!(api.bearer(), Err(ApiError::Store(_))));
    assert_eq!(world.server.refreshes(), 0);
    world.store.fails_to_lock.store(false, Ordering::SeqCst);
    world.clock.advance(3);
    assert_eq!(api.bearer().unwrap().token().reveal(), "AT2");
}

#[test]
fn a_store_that_cannot_be_locked_withholds_no_good_token() {
    let world = World::new();
    let api = world.threads(1010);
    world.store.fails_to_lock.store(true, Ordering::SeqCst);
    assert_eq!(api.bearer().unwrap().token().reveal(), "AT1", "it is due, and still good");
    world.clock.advance(20);
    assert!(matches!(api.bearer(), Err(ApiError::Store(_))));
    assert_eq!(world.server.refreshes(), 0);
}

#[test]
fn a_store_that_panics_holds_nobody_up() {
    let world = World::new();
    let api = world.threads(900);
    world.store.panics.store(true, Ordering::SeqCst);
    assert!(matches!(api.bearer(), Err(ApiError::Store(_))));
    world.store.panics.store(false, Ordering::SeqCst);
    world.clock.advance(5);
    assert_eq!(api.bearer().unwrap().token().reveal(), "AT2");
    assert!(world.store.has("RT2"));
}

#[test]
fn nobody_gets_a_token_before_it_is_stored() {
    let world = World::new();
    let api = world.tasks(900);
    for _ in 0..50 {
        let mut tasks: Vec<_> = (0..3).map(|_| Task::new(api.bearer())).collect();
        run(&mut tasks, |tasks| tasks.iter().any(Task::is_over), || panic!("nobody was woken"));
        let done = tasks.iter().find_map(|task| task.output.as_ref()).unwrap().as_ref().unwrap();
        assert!(world.store.has(done.token().reveal()));
        world.clock.advance(9000);
    }
}

#[test]
fn an_empty_store_means_that_another_process_has_signed_out() {
    let world = World::new();
    let (one, other) = (world.threads(900), world.other_threads());
    assert!(one.sign_out(oauth_proto::SignOut::new()).not_removed.is_none());
    let Err(error @ ApiError::LoginRequired { why: LoginRequired::SignedOut, .. }) = other.bearer() else { panic!() };
    assert!(error.login().is_some());
    assert_eq!(world.server.refreshes(), 0);
    assert_eq!(world.store.form(), None);
}

#[test]
fn another_login_in_the_store_is_not_written_over() {
    let world = World::new();
    let api = world.threads(900);
    let another = World::another_session();
    world.store.put(another.save().as_ref());
    let stored = world.store.form();
    for _ in 0..3 {
        assert!(matches!(api.bearer(), Err(ApiError::LoginRequired { why: LoginRequired::OtherLogin, .. })));
    }
    assert_eq!(world.server.refreshes(), 0);
    api.reload().unwrap();
    assert_eq!(api.bearer().unwrap().token().reveal(), "AT8");
    assert_eq!(world.store.form(), stored);

    // The same after a sign-out.
    assert!(api.sign_out(oauth_proto::SignOut::new()).not_removed.is_none());
    world.store.put(World::session(9000).save().as_ref());
    let _ = api.sign_out(oauth_proto::SignOut::new());
    assert!(world.store.has("AT1"), "of a later login");
    api.reload().unwrap();
    assert_eq!(api.bearer().unwrap().token().reveal(), "AT1");
}

#[test]
fn what_is_stored_is_restored() {
    let world = World::new();
    let (server, clock) = (world.server.clone(), world.clock.clone());
    let none = blocking::Api::restore(World::client(), server.clone(), clock.clone(), world.store.clone());
    assert!(none.unwrap().is_none());
    let _ = world.threads(9000);
    let at = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    let other = Client::new(at, "another", "com.example.app:/callback").unwrap();
    let error = blocking::Api::restore(other, server, clock, world.store.clone()).unwrap_err();
    assert_eq!(error.code(), "other_client");
    assert_eq!(world.other_threads().session(|session: &Session| session.scope().to_owned()), "read");
}

/// An error that says why, and not what came of it.
#[test]
fn a_store_that_cannot_be_locked_for_a_new_login() {
    struct Locked;
    impl Store for Locked {
        fn lock(&self) -> Result<Box<dyn oauth_native::store::Locked + Send>, StoreError> {
            Err(StoreError::Io(std::io::Error::other("no such disk")))
        }
    }
    let world = World::new();
    let (server, clock, session) = (world.server.clone(), world.clock.clone(), World::session(9000));
    let error = blocking::Api::new(session, server, clock, std::sync::Arc::new(Locked)).unwrap_err();
    assert_eq!(error.to_string(), "the store cannot be used: no such disk");
}

/// The server has no metadata where the client looks for it.
#[test]
fn a_session_whose_server_is_unknown() {
    let world = World::new();
    let at = AuthorizationServer::from_issuer("https://as.example.com").unwrap();
    let client = Client::new(at, "s6BhdRkqt3", "com.example.app:/callback").unwrap();
    let tokens = Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), None, "read");
    world.store.put(Session::new(client.clone(), tokens).save().as_ref());
    let restored = Api::restore(client, world.server.clone(), world.clock.clone(), world.store.clone());
    let error = block_on(restored).unwrap_err();
    assert!(matches!(error, ApiError::Metadata(_)) && error.code() == "bad_metadata", "{error:?}");
    assert!(error.to_string().starts_with("the stored session needs the server's metadata: "), "{error}");
    assert!(world.store.has("AT1"));
}
