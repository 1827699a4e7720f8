//! The tables of transitions, against the code and against the picture.

use std::fmt::Debug;

mod graph;
mod login;
mod login_events;
mod login_scenes;
mod session;
mod session_events;
mod session_scenes;
#[cfg(feature = "openid")]
mod statuses;

/// Whether a list holds every variant of an enum, as its source has them, in the same order.
fn assert_lists_all(list: &[impl Debug], name: &str, source: &str) {
    let start = source.find(&format!("pub enum {name} {{")).expect("the enum is in its file");
    let body = source[start..].lines().skip(1).take_while(|line| *line != "}");
    let names = body.filter_map(|line| line.strip_prefix("    ").filter(|line| line.starts_with(char::is_uppercase)));
    let variants: Vec<&str> = names.map(|line| line.trim_end_matches(',')).collect();
    let listed: Vec<String> = list.iter().map(|value| format!("{value:?}")).collect();
    assert_eq!(listed, variants, "the list and the variants of {name} differ");
}
