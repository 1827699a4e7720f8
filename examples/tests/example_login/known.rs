//! What the program is told of a server beside its issuer, and what it asks at the userinfo endpoint.

use std::net::TcpListener;

use crate::client::{parameter, Client};
use crate::program::rude_server;
use crate::server::CLIENT_ID;
use crate::visit::{assert_story, run, Run, Visit};

/// Logs in with `--issuer` and these options, up to the end or the URL of a logout.
fn logged_in(client: &Client, more: &[&str]) -> Visit {
    let visit = Visit::discovering(client, more);
    visit.log_in(client);
    visit
}

fn assert_done(run: &Run, story: &[&str]) {
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    assert_story(&run.out, story);
    assert_story(&run.out, &["5. Sign out", "action SignedOut", "Done."]);
    run.assert_no_secret();
}

#[test]
fn what_is_given_beside_the_issuer_counts_for_more_than_its_metadata() {
    let client = Client::patient();
    let revoke = format!("{}/revoke", rude_server(&["200 OK"]));
    let logout = client.server.url("/another/logout");
    let mut visit = logged_in(&client, &["--revocation-endpoint", &revoke, "--end-session-endpoint", &logout]);
    assert!(visit.next_url().starts_with(&format!("{logout}?")));
    let configuration = client.server.url("/.well-known/openid-configuration");
    let story = [
        &format!("action SendRequest GET {configuration}"),
        "action TokensReady",
        &format!("action SendRequest POST {revoke}"),
        &format!("action OpenUrl {logout}"),
    ];
    assert_done(&visit.end(), &story);
}

#[test]
fn the_logout_of_auth0_beside_the_issuer() {
    let client = Client::patient();
    let logout = client.server.url("/v2/logout");
    let back = ["--post-logout-redirect-uri", "http://127.0.0.1/loggedout"];
    let mut visit = logged_in(&client, &[&["--auth0-logout-endpoint", &logout], &back[..]].concat());
    let url = visit.next_url();
    assert!(url.starts_with(&format!("{logout}?")), "{url}");
    assert_eq!(client.land(&parameter(&url, "returnTo").unwrap()).heading(), "Signed out");
    assert_done(&visit.end(), &[&format!("action OpenUrl {logout}")]);

    let both = ["--auth0-logout-endpoint", &logout, "--end-session-endpoint", &logout];
    let base = ["--issuer", &client.server.issuer, "--client-id", CLIENT_ID];
    run(&[&base[..], &both].concat()).assert_failed(2, &["use one"]);
}

#[test]
fn keys_and_algorithm_beside_the_issuer() {
    let (client, other) = (Client::patient(), Client::patient());
    let with = |option, value: &str| logged_in(&client, &[option, value]).end();
    with("--id-token-alg", "RS256").assert_failed(1, &["broke a rule", "as --id-token-alg"]);
    with("--jwks-uri", &other.server.url("/jwks")).assert_failed(1, &["broke a rule", "check --jwks-uri"]);
    let base = ["--issuer", &client.server.issuer, "--client-id", CLIENT_ID];
    let run = run(&[&base[..], &["--jwks-uri", "http://as.example.com/jwks"]].concat());
    run.assert_failed(1, &["--jwks-uri is plain http"]);
}

/// Without the scope `profile` the ID token has no name; what is known of the user is asked for, once.
#[test]
fn a_name_that_only_userinfo_has() {
    let client = Client::patient();
    let run = logged_in(&client, &["--scope", "openid email"]).end();
    assert_done(&run, &["user no name", "userinfo GET", "userinfo the same sub user-", "Hello, user-"]);
    let greeting = run.out.lines().find(|line| line.starts_with("Hello")).unwrap();
    assert!(greeting.contains("@example.com (sub user-"), "{greeting}");
    assert_eq!(run.out.matches("userinfo GET").count(), 1, "{}", run.out);
    // Nothing to ask for with a name.
    let run = logged_in(&client, &["--scope", "openid profile"]).end();
    assert_done(&run, &["Hello, alice", "2. Call the API", "userinfo GET"]);
}

/// A login is not lost with an answer of the userinfo endpoint.
#[test]
fn a_name_that_nobody_has() {
    const SIGNED: &str = "200 OK\nContent-Type: application/jwt\n\na.b.c";
    const BUSY: &str = "503 Unavailable\nRetry-After: 120";
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let userinfos = [
        (format!("http://{closed}"), "userinfo no answer"),
        (rude_server(&[SIGNED]), "userinfo cannot be read"),
        (rude_server(&[BUSY]), "userinfo refused status 503"),
    ];
    for (origin, said) in userinfos {
        let client = Client::patient();
        let more = ["--scope", "openid", "--userinfo-endpoint", &format!("{origin}/userinfo")];
        assert_done(&logged_in(&client, &more).end(), &["user no name", said, "Hello, whoever you are (sub user-"]);
    }
}

/// A server that says who it is, and a program that was not told whom to expect.
#[test]
fn endpoints_without_an_issuer() {
    let client = Client::patient();
    let (authorize, token) = (client.server.url("/authorize"), client.server.url("/token"));
    let endpoints = ["--authorization-endpoint", &authorize, "--token-endpoint", &token];
    let visit = Visit::run(&[&endpoints[..], &["--client-id", CLIENT_ID, "--scope", "profile"]].concat());
    let redirect = client.decide(&client.get(&visit.url), "alice", "allow");
    assert_eq!(client.land(&redirect.header).heading(), "Not logged in");
    visit.end().assert_failed(1, &["broke a rule", "pass --issuer"]);
}
