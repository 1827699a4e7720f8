//! The architecture of `src/`, read from its `use` lines and paths: which way the arrows between files point, and that the tree in
//! CONTRIBUTING.md lists every file. Every failure names the file, the line and what to do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod circles;
mod house;
mod made_up;
mod paths;
mod tokens;
mod tree;

use std::fs;
use std::path::Path;

use house::House;

/// The rooms, from low to high. A file may import from its own room and from the rows above its room's row here; rooms in one row do
/// not know each other.
const ROOMS: [&[&str]; 11] = [
    &["secret.rs", "time.rs"],
    &["entropy.rs"],
    &["text"],
    &["error", "http"],
    &["wire"],
    &["openid"],
    &["config"],
    &["login"],
    &["session"],
    &["drive"],
    &["lib.rs"],
];

/// A file with more lines than this holds two ideas.
const MAX_LINES: usize = 500;

#[test]
fn no_arrow_turns_back() {
    pass(src().turning_back(&ROOMS));
}

#[test]
fn no_circle_between_files() {
    pass(src().circles_of_files());
}

#[test]
fn no_circle_between_folders() {
    pass(src().circles_of_folders());
}

#[test]
fn imports_name_the_definition() {
    pass(src().through_reexports());
}

#[test]
fn no_glob_imports() {
    pass(src().globs());
}

#[test]
fn no_path_in_a_text() {
    pass(src().hidden());
}

#[test]
fn no_file_under_another_name() {
    pass(src().twins());
}

#[test]
fn no_file_is_long() {
    pass(src().long(MAX_LINES));
}

#[test]
fn contributing_lists_every_file() {
    let document = fs::read_to_string(root().join("CONTRIBUTING.md")).expect("CONTRIBUTING.md");
    let files: Vec<String> = files().into_iter().map(|(path, _)| path).collect();
    pass(tree::check("CONTRIBUTING.md", &document, &files));
}

/// A reader that sees nothing finds no fault.
#[test]
fn the_reader_sees_the_files_and_their_arrows() {
    let house = src();
    let edges = house.edges();
    let (files, arrows) = (house.files.len(), edges.values().flatten().count());
    println!("{files} files, {arrows} arrows");
    assert!(files > 80 && arrows > 400, "{files} files, {arrows} arrows");
    assert!(edges["login/state.rs"].contains("login/exchanging_code.rs"));
    assert!(edges["session/demand.rs"].contains("wire/scope.rs"), "an inline path");
    assert!(edges["wire/metadata/document.rs"].contains("text/members.rs"), "a macro");
}

fn pass(offences: Vec<String>) {
    assert!(offences.is_empty(), "\n\n{}\n", offences.join("\n\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn src() -> House {
    House::new(files().into_iter().filter(|(path, _)| Path::new(path).extension().is_some_and(|end| end == "rs")))
}

/// The files of `src/` by their paths in it, with what is in them.
fn files() -> Vec<(String, String)> {
    fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = format!("{prefix}{}", path.file_name().unwrap().to_str().expect("a name in UTF-8"));
            if path.is_dir() {
                collect(&path, &format!("{name}/"), files);
            } else {
                files.push((name, fs::read_to_string(&path).expect("a file in UTF-8")));
            }
        }
    }
    let mut files = Vec::new();
    collect(&root().join("src"), "", &mut files);
    files.sort();
    files
}
