//! The example `two_processes`, run as a user runs it: what it says, what it must never say, and that it fails without
//! the recipe. Taking the lock, the adoption, the going over to another login or the storing out of `worker.rs` fails
//! here too.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::env::{consts::EXE_SUFFIX, current_exe};
use std::path::Path;
use std::process::{Command, Stdio};

/// How a run ended.
struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Cargo puts examples beside the directory that this test runs from.
fn run(arguments: &[&str]) -> Run {
    let tests = current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join("examples").join(format!("two_processes{EXE_SUFFIX}"));
    assert!(path.exists(), "{} is missing: run `cargo build --example two_processes`", path.display());
    let output = Command::new(path).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Run {
    /// The lines of one process, without its name.
    fn said_by(&self, name: &str) -> Vec<&str> {
        self.out.lines().filter_map(|line| line.strip_prefix(name)).map(str::trim).collect()
    }

    /// Where the tokens are stored, with what follows on the line.
    fn stores(&self) -> Vec<(&str, &str)> {
        let lines = self.said_by("store");
        lines.into_iter().map(|line| line.split_at(line.find("session.json").unwrap() + "session.json".len())).collect()
    }

    /// Every token is a run of 43 base64url characters, and nothing that is stored outlives the run.
    fn assert_nothing_left(&self) {
        for line in self.out.lines().chain(self.err.lines()) {
            let is_base64url = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
            let longest = line.split(|character| !is_base64url(character)).map(str::len).max();
            assert!(longest < Some(40), "a secret? {line}");
        }
        assert!(!self.stores().is_empty());
        for (file, _) in self.stores() {
            assert!(!Path::new(file).parent().unwrap().exists(), "{file} is still there");
        }
    }
}

#[test]
fn two_processes_share_a_login() {
    let run = run(&[]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    let (anna, bert) = (run.said_by("anna"), run.said_by("bert"));

    // Four access tokens each, in turn with the other: one refreshes, and both have what it brought.
    let got = |lines: &[&str], how: &str| lines.iter().filter(|line| line.ends_with(how)).count();
    let refreshed = got(&anna[..4], "has refreshed and stored") + got(&bert[..4], "has refreshed and stored");
    let found = got(&anna[..4], "found in the store") + got(&bert[..4], "found in the store");
    assert_eq!(refreshed + found, 8, "{}", run.out);
    assert!((4..8).contains(&refreshed), "they did not share: {}", run.out);

    // A death after sending: the other one sends the same refresh token again (the summary has the server's word for it).
    assert_eq!(bert.iter().filter(|line| line.ends_with("and dies")).count(), 1);

    // A new login in one of them: the other one goes over to it, and does not write over it.
    assert_eq!(anna.iter().filter(|line| **line == "has logged in").count(), 1, "{}", run.out);
    let over = bert.iter().position(|line| *line == "finds another login in the store, and goes over to it").unwrap();
    assert_eq!(bert[over + 1], "calls the API with a token that it has refreshed and stored");

    assert_eq!(anna[anna.len() - 2..], ["calls the API with a token that it found in the store", "has signed out"]);
    assert_eq!(bert.last(), Some(&"finds the store empty: signed out in another process"));
    let summary = run.out.lines().last().unwrap();
    assert!(summary.starts_with("Done: ") && summary.contains("1 retry after a death, no replay"), "{summary}");

    let [(_, mode)] = run.stores()[..] else { panic!("one store for both: {}", run.out) };
    assert!(!cfg!(unix) || mode == ", mode 600", "{mode}");
    run.assert_nothing_left();
}

/// Each with a store of its own: they spend each other's refresh token, and the run says so and fails.
#[test]
fn without_the_recipe_the_login_ends() {
    let run = run(&["--apart"]);
    assert_eq!(run.code, Some(1), "{}{}", run.out, run.err);
    assert!(run.err.contains("the grant has ended"), "{}", run.err);
    assert!(run.err.contains("a refresh token was sent twice"), "{}", run.err);
    assert!(!run.out.contains("Done"), "{}", run.out);
    assert_eq!(run.stores().len(), 2);
    run.assert_nothing_left();
}

#[test]
fn there_is_one_option() {
    let run = run(&["--careful"]);
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert!(run.err.contains("--apart"), "{}", run.err);
}
