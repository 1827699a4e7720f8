//! The ten lines of the README: the same text, with the addresses of this test, compiled and run.

use std::cell::RefCell;
use std::error::Error;
use std::io;

use oauth_native::browser::Opener;

use crate::server::Server;
use crate::{get, Folder};

thread_local! {
    static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

fn origin() -> String {
    SERVER.with_borrow(|server| server.as_ref().unwrap().origin.clone())
}

/// The user, who logs in.
struct User;

impl Opener for User {
    fn open(&mut self, url: &str) -> io::Result<()> {
        let redirect = get(url, &[]).unwrap().1["location"].to_str().unwrap().to_owned();
        std::thread::spawn(move || get(&redirect, &[]).unwrap());
        Ok(())
    }
}

/// What the README has in place of this test's addresses, browser and file.
const DIFFERENCES: [(&str, &str); 5] = [
    (r#"from_issuer("https://as.example.com")"#, "from_issuer_on_insecure_loopback(&origin())"),
    (r#""https://api.example.com/me""#, r#"&format!("{}/me", origin())"#),
    (r#""https://api.example.com""#, "&origin()"),
    (r#"File::of_app("com.example.app")?"#, "File::new(path())"),
    ("bind(SystemBrowser)", "bind(User)"),
];

fn path() -> std::path::PathBuf {
    folder().join("session.json")
}

fn folder() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("oauth-native-ten-lines-{}", std::process::id()))
}

#[rustfmt::skip]
mod lines;

#[test]
fn the_readme_has_these_lines_and_they_run() -> Result<(), Box<dyn Error>> {
    for readme in [include_str!("../../README.md"), include_str!("../../../../README.md")] {
        let (_, block) = readme.split_once("<!-- ten lines -->\n```rust,").unwrap();
        let (_, block) = block.split_once('\n').unwrap();
        let (block, _) = block.split_once("```").unwrap();
        let ours = DIFFERENCES.iter().fold(block.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours));
        let lines = include_str!("ten_lines/lines.rs");
        let (_, lines) = lines.split_once("\n\n").unwrap();
        assert_eq!(ours, lines.replace("pub fn main", "fn main").replace("use super::{origin, path, User};\n", ""));
        let (_, body) = block.split_once("fn main").unwrap();
        assert!(body.lines().count() <= 10 + 1, "ten lines, and the brace");
    }
    SERVER.set(Some(Server::start()));
    let folder = Folder(folder());
    lines::main()?;
    assert!(path().exists());
    // The second time, from the file.
    lines::main()?;
    drop(folder);
    SERVER.with_borrow(|server| assert!(server.as_ref().unwrap().state().faults.is_empty()));
    Ok(())
}
