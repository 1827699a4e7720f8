//! Services of `tower`, with a client of `hyper-util` within.

use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use oauth_native::middleware::TowerLayer;
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::world::{check_step_up, within, World};

type Body = Full<Bytes>;
type Answer<B> = Result<http::Response<B>, BoxError>;

fn client() -> Client<HttpConnector, Body> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn post(url: String) -> http::Request<Body> {
    http::Request::post(url).body(Body::from("a note")).unwrap()
}

fn get(url: String) -> http::Request<Body> {
    http::Request::get(url).body(Body::default()).unwrap()
}

/// Sends a request by a new service.
async fn send(world: &World, request: http::Request<Body>) -> Answer<impl std::fmt::Debug> {
    TowerLayer::new(world.tasks().await).layer(client()).oneshot(request).await
}

#[tokio::test]
async fn a_refused_token_is_refreshed_and_the_request_sent_again() {
    let world = World::new();
    assert_eq!(send(&world, get(world.url("/me"))).await.unwrap().status(), 200);
    assert_eq!((world.seen("/me"), world.refreshes()), (vec!["AT1".into(), "AT2".into()], 1));

    assert_eq!(send(&world, post(world.url("/notes"))).await.unwrap().status(), 200);
    assert_eq!(world.seen("/notes"), ["AT1 a note", "AT2 a note"]);
}

#[tokio::test]
async fn a_body_that_cannot_be_copied_is_not_sent_again() {
    let world = World::new();
    let layer = TowerLayer::new(world.tasks().await).repeat(|_: &Body| None);
    let service = layer.layer(client());
    let answer = service.clone().oneshot(post(world.url("/notes"))).await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!((world.seen("/notes").len(), world.refreshes()), (1, 1));
    let answer = service.oneshot(post(world.url("/notes"))).await.unwrap();
    assert_eq!(answer.status(), 200, "the next one has the new token");
}

#[tokio::test]
async fn two_refusals_mean_a_login() {
    let world = World::new();
    world.accept_nothing();
    let error = send(&world, get(world.url("/me"))).await.unwrap_err();
    assert_eq!(within(&*error).code(), "token_refused");
    assert_eq!((world.seen("/me"), world.refreshes()), (vec!["AT1".into(), "AT2".into()], 1));
}

#[tokio::test]
async fn a_demand_has_the_login_to_make() {
    let world = World::new();
    let error = send(&world, get(world.url("/admin"))).await.unwrap_err();
    check_step_up(within(&*error));
    assert_eq!(world.refreshes(), 0);
}

#[tokio::test]
async fn other_origins_get_nothing() {
    let world = World::new();
    let error = send(&world, get(world.foreign_url())).await.unwrap_err();
    assert_eq!(within(&*error).code(), "origin_not_allowed");
    assert_eq!(world.elsewhere.connections(), 0);
    let error = send(&world, get("/me".into())).await.unwrap_err();
    assert_eq!(within(&*error).code(), "bad_url");

    let mut request = get(world.url("/me"));
    request.headers_mut().insert("authorization", "Bearer mine".parse().unwrap());
    let error = send(&world, request).await.unwrap_err();
    assert_eq!(within(&*error).code(), "duplicate_authorization");
    assert!(world.seen("/me").is_empty());
}

#[tokio::test]
async fn the_services_own_error_is_returned() {
    let world = World::new();
    let fails = tower::service_fn(|_: http::Request<Body>| async {
        Err::<http::Response<Body>, _>(std::io::Error::other("no network"))
    });
    let service = TowerLayer::new(world.tasks().await).layer(fails);
    let error = service.oneshot(get(world.url("/me"))).await.unwrap_err();
    assert_eq!(error.downcast_ref::<std::io::Error>().unwrap().to_string(), "no network");
}

/// A service may be called only after it has said that it is ready.
struct Strict(Client<HttpConnector, Body>, bool);

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self(self.0.clone(), false)
    }
}

impl Service<http::Request<Body>> for Strict {
    type Response = <Client<HttpConnector, Body> as Service<http::Request<Body>>>::Response;
    type Error = <Client<HttpConnector, Body> as Service<http::Request<Body>>>::Error;
    type Future = <Client<HttpConnector, Body> as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.1 = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        assert!(std::mem::take(&mut self.1), "it is not ready");
        self.0.request(request)
    }
}

#[tokio::test]
async fn each_request_waits_until_the_service_is_ready() {
    let world = World::new();
    let service = TowerLayer::new(world.tasks().await).layer(Strict(client(), false));
    assert_eq!(service.oneshot(get(world.url("/me"))).await.unwrap().status(), 200);
    assert_eq!(world.seen("/me"), ["AT1", "AT2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_requests_at_once_mean_one_refresh() {
    let world = World::new();
    let service = TowerLayer::new(world.tasks().await).layer(client());
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(service.clone().oneshot(get(world.url("/me"))))).collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(world.refreshes(), 1);
}
