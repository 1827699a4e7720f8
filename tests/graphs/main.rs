//! The pictures of the two state graphs, `docs/login.svg` and `docs/session.svg`: drawn from the tables of transitions, and held
//! against them. `UPDATE_GRAPHS=1 cargo test --test graphs` writes them again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap
)]

mod login;
mod picture;
mod session;
mod space;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

use picture::{Picture, Row};

fn tables() -> [(&'static Picture, Vec<Row>); 2] {
    let login = oauth_proto::login::transitions::TRANSITIONS.iter().map(|row| Row {
        from: format!("{:?}", row.from),
        on: format!("{:?}", row.on),
        to: format!("{:?}", row.to),
        yields: Some(format!("{:?}", row.yields)),
    });
    let session = oauth_proto::session::transitions::TRANSITIONS.iter().map(|row| Row {
        from: format!("{:?}", row.from),
        on: format!("{:?}", row.on),
        to: format!("{:?}", row.to),
        yields: None,
    });
    [(&login::PICTURE, login.collect()), (&session::PICTURE, session.collect())]
}

fn file(picture: &Picture) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(format!("{}.svg", picture.name))
}

#[test]
fn the_files_are_what_the_tables_give() {
    for (picture, rows) in tables() {
        let (file, svg) = (file(picture), picture.svg(&rows));
        if env::var_os("UPDATE_GRAPHS").is_some() {
            fs::write(&file, &svg).unwrap();
        }
        let is = fs::read_to_string(&file).unwrap_or_default();
        let file = file.display();
        assert!(is == svg, "{file} is out of date; to write it again: UPDATE_GRAPHS=1 cargo test --test graphs");
    }
}

#[test]
fn every_phase_has_one_box_and_every_box_is_a_phase() {
    for (picture, rows) in tables() {
        let phases: BTreeSet<&str> = rows.iter().flat_map(|row| [&*row.from, &*row.to]).collect();
        let boxes: Vec<&str> = picture.nodes.iter().map(|node| node.phase).collect();
        for phase in &phases {
            let places = boxes.iter().filter(|node| *node == phase).count();
            assert_eq!(places, 1, "{phase} must have one box in tests/graphs/{}.rs", picture.name);
        }
        let invented: Vec<_> = boxes.iter().filter(|node| !phases.contains(*node)).collect();
        assert!(invented.is_empty(), "{invented:?} in tests/graphs/{}.rs: no such phase", picture.name);
    }
}

#[test]
fn every_transition_has_one_place() {
    for (picture, rows) in tables() {
        let placed = picture.placed(&rows);
        for row in &rows {
            let times = placed.iter().filter(|place| *place == row).count();
            assert_eq!(times, 1, "{row:?} must have one arrow in tests/graphs/{}.rs", picture.name);
        }
    }
}

#[test]
fn no_arrow_is_in_no_row() {
    for (picture, rows) in tables() {
        let placed = picture.placed(&rows);
        let invented: Vec<_> = placed.iter().filter(|place| !rows.contains(place)).collect();
        assert!(invented.is_empty(), "drawn, and not in the table: {invented:?}");
        for arrow in picture.arrows {
            let (from, to) = (arrow.from, arrow.to);
            assert!(
                !picture.carried(arrow, &rows).is_empty(),
                "{from:?} to {to}: the table has no such row for each of them"
            );
            let framed = from.len() == 1 || picture.frames.iter().any(|frame| frame.phases == from);
            assert!(framed, "{from:?} to {to}: no frame holds these phases");
        }
    }
}

/// Reads the arrows and labels back from the files.
#[test]
fn the_files_say_what_the_tables_say() {
    for (picture, rows) in tables() {
        let svg = fs::read_to_string(file(picture)).unwrap();
        let mut seen = Vec::new();
        for arrow in svg.split("<g data-from=\"").skip(1) {
            let (from, rest) = arrow.split_once("\" data-to=\"").unwrap();
            let (to, rest) = rest.split_once("\">").unwrap();
            let label = rest.split_once("</g>").unwrap().0.split("<text ").skip(1).map(plain);
            let (actions, triggers): (Vec<String>, Vec<String>) = label.partition(|line| line.starts_with('→'));
            for line in triggers {
                let (names, beside) =
                    line.split_once(" → ").map_or((&*line, None), |(names, action)| (names, Some(action)));
                let action = beside.or(actions.first().map(|action| action.trim_start_matches("→ ")));
                let action = action.or((to == "Failed").then_some("FatalError")).map(ToOwned::to_owned);
                for from in from.split(' ') {
                    seen.extend(names.split(" · ").map(|on| Row {
                        from: from.to_owned(),
                        on: on.to_owned(),
                        to: to.to_owned(),
                        yields: action.clone(),
                    }));
                }
            }
        }
        let mut rows = rows;
        seen.sort();
        rows.sort();
        assert_eq!(seen, rows, "docs/{}.svg", picture.name);
        for phase in rows.iter().flat_map(|row| [&row.from, &row.to]) {
            assert!(svg.contains(&format!(">{phase}</text>")), "{phase}");
        }
    }
}

/// The characters of a text element, from behind its `<text`.
fn plain(element: &str) -> String {
    let content = element.split_once('>').unwrap().1.split_once("</text>").unwrap().0;
    let mut pieces = content.split('<');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + piece.split_once('>').unwrap().1)
}

#[test]
fn nothing_is_over_anything_else() {
    for (picture, rows) in tables() {
        let collisions = space::collisions(picture, &rows);
        assert!(collisions.is_empty(), "tests/graphs/{}.rs: {}", picture.name, collisions.join("; "));
    }
}

/// What an arrow is said to lead from and to is where its line is.
#[test]
fn every_arrow_goes_from_its_source_to_its_target() {
    for (picture, _) in tables() {
        let detached = space::detached(picture);
        assert!(detached.is_empty(), "tests/graphs/{}.rs: {}", picture.name, detached.join("; "));
    }
}

/// An empty line ends a piece of HTML in Markdown, and so in the crate's documentation.
#[test]
fn the_files_can_stand_in_markdown() {
    for (picture, rows) in tables() {
        let svg = picture.svg(&rows);
        assert!(svg.lines().all(|line| line.starts_with('<') && line.ends_with('>')), "{}", picture.name);
    }
}
