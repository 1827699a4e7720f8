//! `reqwest-middleware`.

use oauth_native::api::ApiError;
use oauth_native::middleware::ReqwestMiddleware;
use reqwest::redirect::Policy;
use reqwest::{Body, Client};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};

use crate::world::{check_step_up, within, World};

async fn client_on(plain: reqwest::ClientBuilder, world: &World) -> ClientWithMiddleware {
    let plain: Client = plain.no_proxy().build().unwrap();
    ClientBuilder::new(plain).with(ReqwestMiddleware::new(world.tasks().await)).build()
}

async fn client(world: &World) -> ClientWithMiddleware {
    client_on(Client::builder().redirect(Policy::none()), world).await
}

fn api_error(error: &Error) -> &ApiError {
    match error {
        Error::Middleware(error) => within(error.as_ref()),
        Error::Reqwest(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_refused_token_is_refreshed_and_the_request_sent_again() {
    let world = World::new();
    let client = client(&world).await;
    let answer = client.get(world.url("/me#fragment")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "welcome"));
    assert_eq!(world.seen("/me"), ["AT1", "AT2"]);

    let answer = client.post(world.url("/notes")).body("a note").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!((world.seen("/notes"), world.refreshes()), (vec!["AT2 a note".into()], 1));
}

#[tokio::test]
async fn a_body_is_sent_again() {
    let world = World::new();
    let answer = client(&world).await.post(world.url("/notes")).body("a note").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(world.seen("/notes"), ["AT1 a note", "AT2 a note"]);
}

/// A body that cannot be copied.
fn stream() -> Body {
    Body::wrap(http_body_util::Full::new(bytes::Bytes::from_static(b"a note")))
}

#[tokio::test]
async fn a_stream_is_not_sent_again() {
    let world = World::new();
    let client = client(&world).await;
    let answer = client.post(world.url("/notes")).body(stream()).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (401, "refused"));
    assert_eq!((world.seen("/notes").len(), world.refreshes()), (1, 1));

    let answer = client.post(world.url("/notes")).body(stream()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "the next one has the new token");
}

#[tokio::test]
async fn two_refusals_mean_a_login() {
    let world = World::new();
    world.accept_nothing();
    let error = client(&world).await.get(world.url("/me")).send().await.unwrap_err();
    assert_eq!(api_error(&error).code(), "token_refused");
    assert_eq!((world.seen("/me"), world.refreshes()), (vec!["AT1".into(), "AT2".into()], 1));
}

#[tokio::test]
async fn a_demand_has_the_login_to_make() {
    let world = World::new();
    let error = client(&world).await.get(world.url("/admin")).send().await.unwrap_err();
    check_step_up(api_error(&error));
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn other_origins_get_nothing() {
    let world = World::new();
    let client = client(&world).await;
    let error = client.get(world.foreign_url()).send().await.unwrap_err();
    assert_eq!(api_error(&error).code(), "origin_not_allowed");
    assert_eq!(world.elsewhere.connections(), 0);

    let error = client.get(world.url("/me")).bearer_auth("mine").send().await.unwrap_err();
    assert_eq!(api_error(&error).code(), "duplicate_authorization");
    assert!(world.seen("/me").is_empty());
}

#[tokio::test]
async fn redirects() {
    let world = World::new();
    let answer = client(&world).await.get(world.url("/redirect")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), world.elsewhere.connections()), (302, 0));

    let world = World::new();
    let answer = client_on(Client::builder(), &world).await.get(world.url("/redirect")).send().await.unwrap();
    assert_eq!(answer.status(), 401, "of the other server: it says nothing about the token");
    assert!(!world.elsewhere.requests().concat().contains("AT"));
    assert_eq!((world.seen("/redirect"), world.refreshes()), (vec!["AT1".into(), "AT2".into()], 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_requests_at_once_mean_one_refresh() {
    let world = World::new();
    let client = client(&world).await;
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(client.get(world.url("/me")).send())).collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(world.refreshes(), 1);
}
