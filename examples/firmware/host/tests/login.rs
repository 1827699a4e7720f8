//! Logins of the firmware in QEMU.

use std::fs;

use oauth_proto_firmware_host::board::{Board, Build};
use oauth_proto_firmware_host::server::{is_call_with, Server};
use oauth_proto_firmware_host::story::{draw_entropy, give_tokens, start_login, whole_login, JSON};
use tempfile::tempdir;

#[test]
fn a_whole_login_then_a_start_with_the_stored_session() {
    for build in Build::ALL {
        let files = tempdir().unwrap();
        let (server, ended) = whole_login(build, files.path());
        assert!(ended.success, "{}", ended.shown);
        assert_eq!(ended.said("API: "), Some("200 {\"celsius\":21}"));
        assert_eq!(ended.said("user: "), (build == Build::RustCrypto).then_some("user-17"));
        assert!(!server.secret_in(&ended.shown), "{}", ended.shown);

        let mut board = Board::start(build, files.path());
        assert!(is_call_with(&board.request(), "AT2"));
        board.answer(200, &JSON, "{\"celsius\":22}");
        let ended = board.end();
        assert!(ended.success, "{}", ended.shown);
        assert_eq!(ended.said("API: "), Some("200 {\"celsius\":22}"));
    }
}

#[test]
fn each_login_has_random_numbers_of_its_own() {
    let files = tempdir().unwrap();
    let mut states = [Server::new(Build::Plain), Server::new(Build::Plain)].map(|mut server| {
        let (_board, url) = start_login(Build::Plain, files.path());
        server.authorize(&url);
        server.state().to_owned()
    });
    states.sort();
    assert_ne!(states[0], states[1]);
}

#[test]
fn a_broken_random_number_generator_is_refused() {
    let files = tempdir().unwrap();
    fs::write(files.path().join("entropy"), [0; 96]).unwrap();
    let ended = Board::start(Build::Plain, files.path()).end();
    assert!(!ended.success);
    assert_eq!(ended.said("error: "), Some("entropy_repeated"));
}

#[test]
fn the_user_says_no() {
    let files = tempdir().unwrap();
    let (mut board, url) = start_login(Build::Plain, files.path());
    board.types(&Server::new(Build::Plain).deny(&url));
    let ended = board.end();
    assert!(!ended.success);
    assert_eq!(ended.said("error: "), Some("authorization_error"));
}

#[test]
fn the_server_refuses_the_code() {
    let files = tempdir().unwrap();
    let mut server = Server::new(Build::Plain);
    let (mut board, url) = start_login(Build::Plain, files.path());
    board.types(&server.authorize(&url));
    server.check_code(&board.request());
    board.answer(400, &JSON, "{\"error\":\"invalid_grant\"}");
    let ended = board.end();
    assert!(!ended.success);
    assert_eq!(ended.said("error: "), Some("oauth_error"));
}

#[test]
fn a_forged_id_token_is_refused() {
    let build = Build::RustCrypto;
    let files = tempdir().unwrap();
    let mut server = Server::new(build);
    server.signs_with = [8; 32];
    let (mut board, url) = start_login(build, files.path());
    board.types(&server.authorize(&url));
    give_tokens(build, &mut board, &server);
    let ended = board.end();
    assert!(!ended.success);
    assert_eq!(ended.said("error: "), Some("id_token_signature"));
    assert!(!files.path().join("session").exists(), "nothing is stored");
}

#[test]
fn a_grant_that_has_ended_is_forgotten() {
    let build = Build::Plain;
    let files = tempdir().unwrap();
    let mut server = Server::new(build);
    let (mut board, url) = start_login(build, files.path());
    board.types(&server.authorize(&url));
    give_tokens(build, &mut board, &server);
    assert!(is_call_with(&board.request(), "AT1"));
    board.answer(401, &[("WWW-Authenticate", "Bearer error=\"invalid_token\"")], "");
    server.refresh(&board.request());
    board.answer(400, &JSON, "{\"error\":\"invalid_grant\"}");
    let ended = board.end();
    assert!(!ended.success);
    assert_eq!(ended.said("error: "), Some("grant_ended"));

    let (_board, _url) = start_login(build, files.path());
}

/// The firmware reads only as much of a response as its heap has room for. What is cut off is refused.
#[test]
fn a_response_that_is_too_large_is_refused() {
    let files = tempdir().unwrap();
    let mut server = Server::new(Build::Plain);
    let (mut board, url) = start_login(Build::Plain, files.path());
    board.types(&server.authorize(&url));
    server.check_code(&board.request());
    let tokens = server.tokens().replace("AT1", &"A".repeat(20_000));
    board.answer(200, &JSON, &tokens);
    let ended = board.end();
    assert!(!ended.success);
    assert_eq!(ended.said("error: "), Some("response_malformed"));
    assert!(ended.number("heap: ") < 16 * 1024);
}

/// The host would see a wrong firmware: it refuses a verifier that is not the challenge's.
#[test]
#[should_panic(expected = "the verifier is not the challenge's")]
fn the_host_refuses_another_verifier() {
    let files = tempdir().unwrap();
    let mut server = Server::new(Build::Plain);
    let (mut board, url) = start_login(Build::Plain, files.path());
    let redirect = server.authorize(&url);
    draw_entropy(files.path());
    let (_other, another_url) = start_login(Build::Plain, files.path());
    server.authorize(&another_url);
    board.types(&redirect);
    server.check_code(&board.request());
}
