//! The states in the crate's documentation against the tables: the list has the same transitions, no more and no fewer, and the
//! pictures, which `tests/graphs` holds against the tables, are shown.

use std::collections::BTreeSet;
use std::fmt::Debug;

use oauth_proto::{login, session};

const DOCUMENTATION: &str = include_str!("../../../src/lib.rs");

/// `from ── on ─▶ to`, once for every `·`.
type Arrow = (String, String, String);

#[test]
fn the_list_of_the_logins_transitions_is_the_table() {
    let table = login::transitions::TRANSITIONS.iter().map(|row| arrow(&row.from, &row.on, &row.to)).collect();
    assert_same(&arrows("Login"), &table);
}

#[test]
fn the_list_of_the_sessions_transitions_is_the_table() {
    let table = session::transitions::TRANSITIONS.iter().map(|row| arrow(&row.from, &row.on, &row.to)).collect();
    assert_same(&arrows("Session"), &table);
}

#[test]
fn the_documentation_shows_the_pictures_before_the_list() {
    let place = |text: &str| DOCUMENTATION.find(text).unwrap_or_else(|| panic!("{text} is not in src/lib.rs"));
    let places =
        ["#![doc = include_str!(\"../docs/login.svg\")]", "#![doc = include_str!(\"../docs/session.svg\")]"].map(place);
    assert!(places.is_sorted());
    assert!(places[1] < place("//! Login\n"));
}

/// The states are drawn in one way, and written in one way: there is no other text with arrows.
#[test]
fn there_is_one_list_of_transitions() {
    let lists: Vec<String> = blocks().into_iter().filter(|block| block.contains('▶')).collect();
    let [list] = &lists[..] else { panic!("{lists:?}") };
    let titles: Vec<&str> = list.lines().filter(|line| line.starts_with(char::is_alphabetic)).collect();
    assert_eq!(titles, ["Login", "Session"]);
}

/// The text blocks of the crate's documentation.
fn blocks() -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("//!")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        match (&mut open, line) {
            (None, "```text") => open = Some(String::new()),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), _) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

/// The lines below this title, up to an empty one.
fn arrows(title: &str) -> BTreeSet<Arrow> {
    let blocks = blocks();
    let lines = blocks.iter().find_map(|block| {
        let mut lines = block.lines().skip_while(|line| *line != title);
        lines.next().map(|_| lines.take_while(|line| !line.is_empty()))
    });
    let mut arrows = BTreeSet::new();
    for line in lines.expect("the list is in the documentation") {
        let (from, rest) = line.split_once(" ── ").expect(line);
        let (on, to) = rest.split_once(" ─▶ ").expect(line);
        for from in from.split('·') {
            for on in on.split('·') {
                let arrow = (from.trim().to_owned(), on.trim().to_owned(), to.trim().to_owned());
                assert!(arrows.insert(arrow.clone()), "{arrow:?} is there twice");
            }
        }
    }
    arrows
}

fn arrow(from: &impl Debug, on: &impl Debug, to: &impl Debug) -> Arrow {
    (format!("{from:?}"), format!("{on:?}"), format!("{to:?}"))
}

fn assert_same(documented: &BTreeSet<Arrow>, table: &BTreeSet<Arrow>) {
    let missing: Vec<_> = table.difference(documented).collect();
    let invented: Vec<_> = documented.difference(table).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not documented: {missing:?}; not in the table: {invented:?}");
}
