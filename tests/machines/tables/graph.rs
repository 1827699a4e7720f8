//! The picture in the crate's documentation against the tables: the same transitions, no more and no fewer.

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
fn the_pictures_show_every_phase_and_no_other() {
    let login =
        login::transitions::TRANSITIONS.iter().flat_map(|row| [format!("{:?}", row.from), format!("{:?}", row.to)]);
    let session =
        session::transitions::TRANSITIONS.iter().flat_map(|row| [format!("{:?}", row.from), format!("{:?}", row.to)]);
    let phases: BTreeSet<String> = login.chain(session).collect();
    let blocks = blocks();
    let pictures: Vec<&String> = blocks.iter().filter(|block| block.contains('↺') || block.contains('▲')).collect();
    assert_eq!(pictures.len(), 2, "one picture of the login, one of the session");
    let all = pictures.into_iter().fold(String::new(), |all, picture| all + picture);
    for phase in &phases {
        assert!(all.contains(phase.as_str()), "{phase} is in no picture");
    }
    // What an arrow with a head points at is a phase.
    for (_, behind) in all.match_indices('▶').map(|(index, head)| all.split_at(index + head.len())) {
        let target: String = behind.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
        assert!(target.is_empty() || phases.contains(&target), "an arrow leads to {target}");
    }
}

/// The text blocks of the crate's documentation.
fn blocks() -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in DOCUMENTATION.lines().map_while(|line| line.strip_prefix("//!")) {
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
