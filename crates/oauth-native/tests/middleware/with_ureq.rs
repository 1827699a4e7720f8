//! `ureq`.

use std::thread;

use oauth_native::api::ApiError;
use oauth_native::middleware::UreqMiddleware;
use ureq::config::{Config, RedirectAuthHeaders};
use ureq::{Agent, Error};

use crate::world::{check_step_up, within, World};

type Builder = ureq::config::ConfigBuilder<ureq::typestate::AgentScope>;

fn settings() -> Builder {
    Agent::config_builder().proxy(None).http_status_as_error(false)
}

fn agent_of(world: &World, settings: fn() -> Builder) -> Agent {
    let plain: Config = settings().build();
    let middleware = UreqMiddleware::new(world.threads()).repeat_with(plain.new_agent());
    settings().middleware(middleware).build().new_agent()
}

fn agent(world: &World) -> Agent {
    agent_of(world, settings)
}

fn api_error(error: &Error) -> &ApiError {
    match error {
        Error::Other(error) => within(&**error),
        error => panic!("{error:?}"),
    }
}

#[test]
fn a_refused_token_is_refreshed_and_the_request_sent_again() {
    let world = World::new();
    let mut answer = agent(&world).get(world.url("/me")).header("x-a", "b").call().unwrap();
    let body = answer.body_mut().read_to_string().unwrap();
    assert_eq!((answer.status().as_u16(), body.as_str()), (200, "welcome"));
    assert_eq!((world.seen("/me"), world.refreshes()), (vec!["AT1".into(), "AT2".into()], 1));
}

#[test]
fn a_body_is_not_sent_again() {
    let world = World::new();
    let agent = agent(&world);
    let mut answer = agent.post(world.url("/notes")).send("a note").unwrap();
    let body = answer.body_mut().read_to_string().unwrap();
    assert_eq!((answer.status().as_u16(), body.as_str()), (401, "refused"));
    assert_eq!((world.seen("/notes"), world.refreshes()), (vec!["AT1 a note".into()], 1));
    let answer = agent.post(world.url("/notes")).send("a note").unwrap();
    assert_eq!(answer.status(), 200, "the next one has the new token");
}

#[test]
fn without_another_agent_nothing_is_sent_again() {
    let world = World::new();
    let agent = settings().middleware(UreqMiddleware::new(world.threads())).build().new_agent();
    assert_eq!(agent.get(world.url("/me")).call().unwrap().status(), 401);
    assert_eq!((world.seen("/me").len(), world.refreshes()), (1, 1));
    assert_eq!(agent.get(world.url("/me")).call().unwrap().status(), 200);
}

#[test]
fn two_refusals_mean_a_login() {
    let world = World::new();
    world.accept_nothing();
    let error = agent(&world).get(world.url("/me")).call().unwrap_err();
    assert_eq!(api_error(&error).code(), "token_refused");
    assert_eq!((world.seen("/me"), world.refreshes()), (vec!["AT1".into(), "AT2".into()], 1));
}

#[test]
fn a_demand_has_the_login_to_make() {
    let world = World::new();
    let error = agent(&world).get(world.url("/admin")).call().unwrap_err();
    check_step_up(api_error(&error));
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn statuses_as_errors() {
    fn settings() -> Builder {
        Agent::config_builder().proxy(None)
    }
    let world = World::new();
    let agent = agent_of(&world, settings);
    assert_eq!(agent.get(world.url("/me")).call().unwrap().status(), 200);
    assert_eq!((world.seen("/me"), world.refreshes()), (vec!["AT1".into(), "AT2".into()], 1));
    assert!(matches!(agent.get(world.url("/admin")).call(), Err(Error::StatusCode(403))));
}

#[test]
fn other_origins_get_nothing() {
    let world = World::new();
    let agent = agent(&world);
    let error = agent.get(world.foreign_url()).call().unwrap_err();
    assert_eq!(api_error(&error).code(), "origin_not_allowed");
    assert_eq!(world.elsewhere.connections(), 0);

    let error = agent.get(world.url("/me")).header("Authorization", "Bearer mine").call().unwrap_err();
    assert_eq!(api_error(&error).code(), "duplicate_authorization");
    assert!(world.seen("/me").is_empty());
}

#[test]
fn redirects() {
    fn settings() -> Builder {
        // The host is the same there, only the port is another one.
        Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
    }
    let world = World::new();
    let agent = agent_of(&world, settings);
    for _ in 0..2 {
        let answer = agent.get(world.url("/redirect")).call().unwrap();
        assert_eq!(answer.status(), 401, "of the other server: it says nothing about the token");
    }
    assert_eq!(world.elsewhere.connections(), 2);
    assert!(!world.elsewhere.requests().concat().contains("AT"));
    assert_eq!((world.seen("/redirect").len(), world.refreshes()), (3, 1));
}

#[test]
fn ten_requests_at_once_mean_one_refresh() {
    let world = World::new();
    let agent = agent(&world);
    thread::scope(|scope| {
        let calls: Vec<_> = (0..10).map(|_| scope.spawn(|| agent.get(world.url("/me")).call().unwrap())).collect();
        assert!(calls.into_iter().all(|call| call.join().unwrap().status() == 200));
    });
    assert_eq!(world.refreshes(), 1);
}
