//! One refresh for all, and what its failures mean.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use oauth_native::api::{blocking, Api, ApiError, Reply};
use oauth_proto::{
    Access, Algorithm, AuthorizationServer, Bearer, Client, Delivered, Event, KeySet, LoginRequired, Response, Secret,
    Session, SessionPhase, SignOut, Target, Tokens, UnixTime,
};

use crate::executor::{block_on, run, Task};
use crate::world::{Canned, FakeClock, Server, World, API};

const fn is_shared<T: Clone + Send + Sync>() {}
const _: () = is_shared::<Api<Server, FakeClock>>();
const _: () = is_shared::<blocking::Api<Server, FakeClock>>();

fn is_send<T: Send>(value: T) -> T {
    value
}

fn text(bearer: &Bearer) -> String {
    bearer.token().reveal().to_owned()
}

#[test]
fn a_good_token_costs_nothing() {
    let world = World::new();
    let api = world.threads(9000);
    let saves = world.store.saves.load(Ordering::SeqCst);
    assert_eq!(text(&api.bearer().unwrap()), "AT1");
    assert_eq!(text(&block_on(world.other_tasks().bearer()).unwrap()), "AT1");
    assert_eq!(world.server.refreshes(), 0);
    assert_eq!(world.store.saves.load(Ordering::SeqCst), saves + 1, "`restore` has read, and nobody else");
}

#[test]
fn ten_threads_share_one_refresh() {
    let world = World::new();
    let api = world.threads(900);
    world.server.delay(50);
    thread::scope(|scope| {
        let all: Vec<_> = (0..10).map(|_| scope.spawn(|| text(&api.clone().bearer().unwrap()))).collect();
        for one in all {
            assert_eq!(one.join().unwrap(), "AT2");
        }
    });
    assert_eq!(world.server.sent().refreshes, ["RT1"]);
    assert!(world.store.has("RT2"));
}

#[test]
fn ten_tasks_share_one_refresh() {
    let world = World::new();
    let api = world.tasks(900);
    world.server.delay(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let all: Vec<_> = (0..10)
            .map(|_| {
                let api = api.clone();
                tokio::spawn(is_send(async move { text(&api.token(&Target::own()).await.unwrap()) }))
            })
            .collect();
        for one in all {
            assert_eq!(one.await.unwrap(), "AT2");
        }
    });
    assert_eq!(world.server.sent().refreshes, ["RT1"]);
    assert!(world.store.has("RT2"));
}

#[test]
fn tasks_that_wait_are_woken() {
    let world = World::new();
    let api = world.tasks(900);
    world.server.delay(5);
    let mut tasks: Vec<_> = (0..10).map(|_| Task::new(api.bearer())).collect();
    run(&mut tasks, |tasks| tasks.iter().all(Task::is_over), || panic!("nobody was woken"));
    for task in tasks {
        assert_eq!(text(&task.output.unwrap().unwrap()), "AT2");
    }
    assert_eq!(world.server.sent().refreshes, ["RT1"]);
}

#[test]
fn a_busy_server_means_later() {
    let world = World::new();
    let api = world.threads(900);
    world.server.answers(Canned::Answer(503, ""));
    let Err(error @ ApiError::Later(time)) = api.bearer() else { panic!() };
    assert_eq!(error.code(), "later");
    assert!(time > world.clock.time());
    assert!(matches!(api.bearer(), Err(ApiError::Later(again)) if again == time));
    assert_eq!(world.server.refreshes(), 1, "nothing is sent before that");
    world.clock.set(time);
    assert_eq!(text(&api.bearer().unwrap()), "AT2");
}

#[test]
fn the_patient_wait() {
    let world = World::new();
    let api = world.threads(900).patience_secs(30);
    for _ in 0..3 {
        world.server.answers(Canned::Answer(503, ""));
    }
    assert_eq!(text(&api.bearer().unwrap()), "AT2");
    assert_eq!(world.server.refreshes(), 4);

    let world = World::new();
    let api = world.tasks(900).patience_secs(30);
    world.server.answers(Canned::Answer(503, ""));
    let mut tasks = [Task::new(api.bearer())];
    run(&mut tasks, |tasks| tasks[0].is_over(), || assert!(world.clock.skip()));
    assert!(matches!(&tasks[0].output, Some(Ok(bearer)) if text(bearer) == "AT2"));

    let world = World::new();
    let api = world.threads(900).patience_secs(30);
    world.server.answers(Canned::Answer(503, ""));
    for _ in 0..20 {
        world.server.answers(Canned::Answer(503, ""));
    }
    assert!(matches!(api.bearer(), Err(ApiError::Later(time)) if time > UnixTime::from_secs(1030)));
    assert!(world.clock.time() <= UnixTime::from_secs(1030));
}

#[test]
fn a_connection_that_was_closed_is_tried_again_at_once() {
    let world = World::new();
    let api = world.threads(900);
    world.server.answers(Canned::Fails(Delivered::No));
    assert_eq!(text(&api.bearer().unwrap()), "AT2");
    assert_eq!(world.clock.time(), UnixTime::from_secs(1000));
    world.clock.advance(9000);
    world.server.answers(Canned::Fails(Delivered::Maybe));
    assert!(matches!(api.bearer(), Err(ApiError::Later(_))));
    api.ask_again();
    assert_eq!(text(&api.bearer().unwrap()), "AT3");
}

#[test]
fn invalid_grant_ends_the_login_and_empties_the_store() {
    let world = World::new();
    let api = world.threads(900);
    world.server.answers(Canned::Answer(400, r#"{"error":"invalid_grant"}"#));
    let Err(error @ ApiError::LoginRequired { .. }) = api.bearer() else { panic!() };
    assert_eq!(error.code(), "grant_ended");
    assert!(error.login().is_some(), "the login to make");
    assert_eq!(world.store.form(), None);
    assert_eq!(api.session(oauth_proto::Session::phase), SessionPhase::LoginRequired);
    assert!(matches!(api.bearer(), Err(ApiError::LoginRequired { why: LoginRequired::GrantEnded(_), .. })));
    assert_eq!(world.server.refreshes(), 1);
    let shown = format!("{error} {error:?} {api:?}");
    assert!(!shown.contains("RT1") && !shown.contains("AT1"), "{shown}");

    api.log_in(World::session(5000)).unwrap();
    assert_eq!(text(&api.bearer().unwrap()), "AT1");
    assert!(world.store.has("RT1"));
}

#[test]
fn a_refused_client_is_told() {
    let world = World::new();
    let api = world.threads(900).patience_secs(1000);
    for _ in 0..3 {
        world.server.answers(Canned::Answer(401, r#"{"error":"invalid_client"}"#));
    }
    let Err(error @ ApiError::Refused { .. }) = api.bearer() else { panic!() };
    assert_eq!(error.code(), "oauth_error");
    assert!(world.store.has("RT1"), "the grant is kept");
}

#[test]
fn a_transport_that_panics_holds_nobody_up() {
    let world = World::new();
    let api = world.threads(900).patience_secs(10);
    world.server.answers(Canned::Panics);
    let other = api.clone();
    assert!(thread::spawn(move || drop(other.bearer())).join().is_err());
    assert_eq!(text(&api.bearer().unwrap()), "AT2");
    assert!(!world.server.sent().twice_at_once);
}

#[test]
fn a_request_that_hangs_is_given_up_at_its_deadline() {
    let world = World::new();
    let api = world.tasks(900).patience_secs(100);
    world.server.answers(Canned::Hangs);
    let mut tasks: Vec<_> = (0..3).map(|_| Task::new(api.bearer())).collect();
    run(&mut tasks, |tasks| tasks.iter().all(Task::is_over), || assert!(world.clock.skip()));
    for task in &tasks {
        assert!(matches!(&task.output, Some(Ok(bearer)) if text(bearer) == "AT2"));
    }
}

/// In a `select!` of the app's, for example: its request and its lock of the store are given up at the deadline.
#[test]
fn a_future_that_is_kept_and_not_polled_holds_nobody_up() {
    let world = World::new();
    let api = world.tasks_of(World::session_with_timeout(900, 2));
    world.server.delay(3);
    let mut kept = [Task::new(api.bearer())];
    run(&mut kept, |_| world.server.refreshes() == 1, || panic!("nobody was woken"));
    let mut others: Vec<_> = (0..3).map(|_| Task::new(api.bearer())).collect();
    for other in &mut others {
        other.poll();
    }
    world.clock.advance(3);
    run(&mut others, |tasks| tasks.iter().all(Task::is_over), || {});
    let first = others[0].output.take().unwrap().unwrap();
    assert_eq!(text(&first), "AT2");
    // Its response comes in the end, and is no reason to store anything older.
    run(&mut kept, |tasks| tasks[0].is_over(), || {});
    assert!(kept[0].output.take().unwrap().is_ok());
    assert!(world.store.has("RT2"));
}

#[test]
fn a_response_that_comes_after_the_lock_is_gone_is_stored() {
    let world = World::new();
    let api = world.tasks_of(World::session_with_timeout(900, 1));
    world.server.delay(3);
    let mut kept = [Task::new(api.bearer())];
    run(&mut kept, |_| world.server.refreshes() == 1, || panic!("nobody was woken"));
    thread::sleep(Duration::from_millis(1100));
    drop(oauth_native::store::Store::lock(&*world.store).unwrap());
    run(&mut kept, |tasks| tasks[0].is_over(), || panic!("nobody was woken"));
    assert_eq!(text(&kept[0].output.take().unwrap().unwrap()), "AT2");
    assert!(world.store.has("RT2"));
}

/// An ID token whose key is not known.
fn with_id_token() -> &'static str {
    // {"alg":"RS256","kid":"new"}
    let head = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im5ldyJ9";
    // {"iss":"https://as.example.com","sub":"24400320","aud":"s6BhdRkqt3","exp":4600,"iat":1000}
    let claims = "eyJpc3MiOiJodHRwczovL2FzLmV4YW1wbGUuY29tIiwic3ViIjoiMjQ0MDAzMjAiLCJhdWQiOiJzNkJo\
                  ZFJrcXQzIiwiZXhwIjo0NjAwLCJpYXQiOjEwMDB9";
    let id_token = format!("{head}.{claims}.{}", "A".repeat(342));
    let body = format!(
        r#"{{"access_token":"AT2","token_type":"Bearer","expires_in":3600,"refresh_token":"RT2","id_token":"{id_token}"}}"#
    );
    body.leak()
}

fn openid() -> Session {
    let tokens =
        Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(UnixTime::from_secs(900)), "openid");
    Session::new(World::client(), tokens)
}

#[test]
fn keys_that_an_id_token_needs_are_fetched() {
    let world = World::new();
    let api = world.tasks_of(openid());
    world.server.answers(Canned::Answer(200, with_id_token()));
    assert_eq!(text(&block_on(api.bearer()).unwrap()), "AT2");
    assert_eq!((world.server.refreshes(), world.server.sent().keys), (1, 1));

    // A store that fails is no reason to withhold a good token.
    let world = World::new();
    let api = world.tasks_of(openid()).patience_secs(100);
    world.server.answers(Canned::Answer(200, with_id_token()));
    world.store.fails_to_save.store(true, Ordering::SeqCst);
    assert!(matches!(block_on(api.bearer()), Err(ApiError::Store(_))));
    world.store.fails_to_lock.store(true, Ordering::SeqCst);
    assert_eq!(text(&block_on(api.bearer()).unwrap()), "AT2");
    assert_eq!(world.server.sent().keys, 0);
}

/// The handle cannot verify, so the session goes on without that ID token.
#[test]
fn nobody_waits_for_a_signature_that_the_app_would_have_to_verify() {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
    let server = server.issuer("https://as.example.com").unwrap().jwks_uri("https://as.example.com/keys").unwrap();
    let client = Client::builder(server, "s6BhdRkqt3", "com.example.app:/callback")
        .verify_id_tokens_by_action(&[Algorithm::Rs256])
        .build()
        .unwrap();
    let jwks = format!(r#"{{"keys":[{{"kty":"RSA","kid":"new","n":"{}w","e":"AQAB"}}]}}"#, "_".repeat(341));
    let keys = KeySet::parse("https://as.example.com/keys", jwks.as_bytes(), UnixTime::from_secs(1000)).unwrap();
    let tokens =
        Tokens::from_parts(Secret::new("AT1"), Some(Secret::new("RT1")), Some(UnixTime::from_secs(900)), "openid");
    let mut session = Session::new(client.with_keys(keys), tokens);
    let world = World::new();
    let api = world.tasks_of(Session::restore(session.client().clone(), session.save().unwrap()).unwrap());
    world.server.answers(Canned::Answer(200, with_id_token()));
    for _ in 0..5 {
        assert_eq!(text(&block_on(api.bearer()).unwrap()), "AT2");
        world.clock.advance(60);
    }
    assert_eq!((world.server.refreshes(), world.server.sent().keys), (1, 0));

    // There was something to verify.
    let now = UnixTime::from_secs(1000);
    let Access::SendRequest(request) = session.access(now) else { panic!("no refresh") };
    let response = Response::new(200, &[("content-type", "application/json")], with_id_token().as_bytes());
    assert!(session.handle(Event::ResponseReceived(request.id(), response), now).is_ok());
    assert!(matches!(session.access(now), Access::Verify(_)));
}

/// Compiles only if all of them are `Send`.
#[test]
fn futures_can_be_spawned() {
    let world = World::new();
    let api = world.tasks(9000);
    let call = async |api: &Api<Server, FakeClock>| {
        let called = api.call("GET", API, |headers| async move {
            tokio::task::yield_now().await;
            drop(headers);
            Ok::<_, std::io::Error>(Reply::new(200, [("a", "b")]))
        });
        is_send(called).await
    };
    drop(is_send(api.log_in(World::session(1))));
    drop(is_send(api.reload()));
    drop(is_send(api.sign_out(SignOut::new())));
    drop(is_send(api.end_logout(None)));
    drop(is_send(Api::new(World::session(1), api.transport().clone(), world.clock.clone(), world.store.clone())));
    assert!(block_on(call(&api)).is_ok());
}
