//! Servers that cannot answer now: once the user has logged in, the program waits, and goes on.

use std::net::TcpListener;

use crate::client::Client;
use crate::program::rude_server;
use crate::server::CLIENT_ID;
use crate::visit::{assert_story, run, Run, Visit};

const BUSY: &str = "503 Unavailable\nRetry-After: 1";
const TOKENS: &str = "200 OK\nContent-Type: application/json\n\n\
                      {\"access_token\":\"AT1\",\"token_type\":\"Bearer\",\"expires_in\":300}";

fn assert_done(run: &Run, story: &[&str]) {
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    assert_story(&run.out, story);
    run.assert_no_secret();
}

/// And whoever reloads the redirect meanwhile is told that nobody waits for it.
#[test]
fn the_code_is_sent_again() {
    let client = Client::patient();
    let token_endpoint = format!("{}/token", rude_server(&["429 Too Many Requests\nRetry-After: 5", BUSY, TOKENS]));
    let visit = Visit::start(&client, &token_endpoint, &[]);
    let redirect = client.decide(&client.get(&visit.url), "alice", "allow");
    assert_eq!(client.land(&redirect.header).heading(), "Return to the app");
    assert_eq!(client.land(&redirect.header).heading(), "The app does not wait for this");
    let post = format!("action SendRequest POST {token_endpoint}");
    let busy = "action RetryAt the server is busy";
    let story = [
        &post,
        "event ResponseReceived status 429",
        busy,
        "waiting",
        &post,
        "event ResponseReceived status 503",
        busy,
        "waiting",
        &post,
        "event ResponseReceived status 200",
        "action TokensReady",
        "Done.",
    ];
    assert_done(&visit.end(), &story);
}

#[test]
fn keys_are_waited_for() {
    let client = Client::patient();
    let keys = client.get(&client.server.url("/jwks")).body;
    let keys: &str = format!("200 OK\nContent-Type: application/json\n\n{keys}").leak();
    let jwks_uri = format!("{}/jwks", rude_server(vec![BUSY, "500 Oops", "502 Bad Gateway", keys].leak()));
    let visit = Visit::discovering(&client, &["--jwks-uri", &jwks_uri]);
    visit.log_in(&client);
    let busy = "action RetryAt the server is busy";
    let get = format!("action SendRequest GET {jwks_uri}");
    assert_done(&visit.end(), &[&get, busy, &get, busy, &get, busy, &get, "action TokensReady", "Hello, alice"]);
}

/// Nothing is lost by then, so nobody waits.
#[test]
fn a_server_that_cannot_be_discovered_now() {
    let issuer = rude_server(&[BUSY, "404 Not Found"]);
    let at = |issuer: &str| run(&["--issuer", issuer, "--client-id", CLIENT_ID]);
    let run = at(&issuer);
    run.assert_failed(1, &["the server is busy", "run again later"]);
    let get = |place| format!("action SendRequest GET {issuer}{place}");
    assert_story(&run.out, &[&get("/.well-known/openid-configuration"), "event ResponseReceived status 503"]);

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = at(&format!("http://{closed}"));
    run.assert_failed(1, &[&format!("http://{closed}/.well-known/openid-configuration could not be reached"), "proxy"]);
    assert_eq!(run.out.matches("event    SendFailed").count(), 1, "{}", run.out);
}
