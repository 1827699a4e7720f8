//! What happens between the firmware and its host, in parts that the tests put together.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::board::{Board, Build, Ended};
use crate::server::{is_call_with, Server};

/// The headers of JSON.
pub const JSON: [(&str, &str); 2] = [("Content-Type", "application/json"), ("Cache-Control", "no-store")];

/// Gives the microcontroller random numbers for the next login.
pub fn draw_entropy(files: &Path) {
    let mut octets = [0; 96];
    fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut octets)).expect("random numbers");
    fs::write(files.join("entropy"), octets).expect("a file can be written");
}

/// Starts the firmware with new random numbers, and returns the authorization URL that it shows.
pub fn start_login(build: Build, files: &Path) -> (Board, String) {
    draw_entropy(files);
    let mut board = Board::start(build, files);
    assert!(board.line().starts_with("Open this address"), "it has shown:\n{}", board.shown);
    let url = board.line();
    (board, url)
}

/// Answers the token request, and with an ID token the request for the keys.
pub fn give_tokens(build: Build, board: &mut Board, server: &Server) {
    let request = board.request();
    server.check_code(&request);
    board.answer(200, &JSON, &server.tokens());
    if build == Build::RustCrypto {
        let request = board.request();
        board.answer(200, &JSON, &server.keys(&request));
    }
}

/// A whole login. A redirect with another `state` comes first; the server is busy once; the API refuses the first access token,
/// so that it is refreshed.
pub fn whole_login(build: Build, files: &Path) -> (Server, Ended) {
    let mut server = Server::new(build);
    let (mut board, url) = start_login(build, files);
    let redirect = server.authorize(&url);

    board.types(&redirect.replace(server.state(), "forged"));
    assert_eq!(board.line(), "state_mismatch");
    assert!(board.line().contains("not the address"));
    board.types(&redirect);
    assert_eq!(board.line(), "Thank you.");

    let request = board.request();
    server.check_code(&request);
    board.answer(503, &[("Retry-After", "1")], "");
    give_tokens(build, &mut board, &server);

    assert!(is_call_with(&board.request(), "AT1"));
    board.answer(401, &[("WWW-Authenticate", "Bearer error=\"invalid_token\"")], "");
    let request = board.request();
    let tokens = server.refresh(&request);
    board.answer(200, &JSON, &tokens);
    assert!(is_call_with(&board.request(), "AT2"));
    board.answer(200, &JSON, "{\"celsius\":21}");
    (server, board.end())
}
