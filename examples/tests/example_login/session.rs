//! What a session can come to, and what the program does about it: refreshes that fail, and APIs that want more.

use crate::client::{parameter, Client};
use crate::program::rude_server;
use crate::visit::{assert_story, Run, Visit};

/// Lives for a second, and its refresh token is for the next answer.
const TOKENS: &str = "200 OK\nContent-Type: application/json\n\n\
                      {\"access_token\":\"AT1\",\"token_type\":\"Bearer\",\"expires_in\":1,\"refresh_token\":\"RT1\"}";
const NEW_TOKENS: &str = "200 OK\nContent-Type: application/json\n\n\
                          {\"access_token\":\"AT2\",\"token_type\":\"Bearer\",\"expires_in\":300,\"refresh_token\":\"RT2\"}";
const HANGS_UP: &str = "";
const OK: &str = "200 OK\nContent-Type: application/json\n\n{}";

/// A visit at a token endpoint that gives these answers, and an API that gives those.
fn visit(client: &Client, answers: &'static [&'static str], api: &'static [&'static str]) -> Visit {
    let (token_endpoint, api) = (format!("{}/token", rude_server(answers)), rude_server(api));
    let visit = Visit::start(client, &token_endpoint, &["--api-url", &format!("{api}/me"), "--wait", "9"]);
    visit.log_in(client);
    visit
}

fn run(answers: &'static [&'static str]) -> Run {
    visit(&Client::patient(), answers, &[OK]).end()
}

#[test]
fn a_grant_that_is_dead_at_the_first_refresh() {
    const DEAD: &str = "400 Bad Request\nContent-Type: application/json\n\n{\"error\":\"invalid_grant\"}";
    let run = run(&[TOKENS, DEAD]);
    run.assert_failed(1, &["the grant has ended: invalid_grant", "log in anew"]);
    assert_story(&run.out, &["4. Refresh", "action Save nothing is kept any more", "access LoginRequired"]);
}

/// The answer to a refresh is lost: it is tried again by itself, with the same refresh token, and the story goes on.
#[test]
fn a_refresh_whose_answer_is_lost() {
    let run = run(&[TOKENS, HANGS_UP, NEW_TOKENS]);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    assert_story(
        &run.out,
        &[
            "4. Refresh, and call again",
            "action SendRequest POST",
            "event SendFailed Maybe",
            "waiting",
            "action SendRequest POST",
            "event ResponseReceived status 200",
            "action Save rotated",
            "access Ready",
            "api status 200",
            "Done.",
        ],
    );
}

/// The server is gone: the program gives up when it would have to wait longer than it may.
#[test]
fn refreshes_whose_answers_are_all_lost() {
    let run = run(&[TOKENS, HANGS_UP]);
    run.assert_failed(1, &["could not be reached", "check the address"]);
    assert!((2..=5).contains(&run.out.matches("SendFailed").count()), "{}", run.out);
}

/// The client is refused: the session says so after a few tries, and keeps the grant.
#[test]
fn a_client_that_is_refused_at_the_refresh() {
    const REFUSED: &str = "401 Unauthorized\nContent-Type: application/json\n\n{\"error\":\"invalid_client\"}";
    let run = run(&[TOKENS, REFUSED]);
    run.assert_failed(1, &["invalid_client", "check --client-id"]);
    assert_story(&run.out, &["4. Refresh", "action RetryAt", "action RetryAt", "access Refused oauth_error"]);
    assert!(run.out.find("nothing is kept").is_none(), "{}", run.out);
}

/// The server wants to see the user at a refresh: there is another login, and the call is made.
#[test]
fn a_refresh_for_which_the_user_must_act() {
    const MUST_ACT: &str = "400 Bad Request\nContent-Type: application/json\n\n{\"error\":\"interaction_required\"}";
    let client = Client::patient();
    let mut visit = visit(&client, &[TOKENS, MUST_ACT, NEW_TOKENS], &[OK]);
    visit.url = visit.next_url();
    visit.log_in(&client);
    let run = visit.end();
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    let story = [
        "4. Refresh",
        "access LoginRequired user_must_act",
        "Log in once more",
        "action Save rotated",
        "api status 200",
        "Done.",
    ];
    assert_story(&run.out, &story);
}

/// An API that is never content: one more login with what it demands, and no circle.
#[test]
fn an_api_that_wants_more_scope() {
    const SCOPE: &str = "403 Forbidden\nWWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"email\"";
    let client = Client::patient();
    let mut visit = visit(&client, &[NEW_TOKENS], &[SCOPE]);
    visit.url = visit.next_url();
    assert_eq!(parameter(&visit.url, "scope").as_deref(), Some("profile offline_access email"));
    visit.log_in(&client);
    let run = visit.end();
    run.assert_failed(1, &["asks for the same again right after a login", "the API's operator"]);
    assert_eq!(run.out.matches("Log in once more").count(), 1, "{}", run.out);
}
