//! What the README and the front page of the documentation say is so.

use std::collections::BTreeMap;
use std::path::Path;

const README: &str = include_str!("../../README.md");
const CARGO: &str = include_str!("../../Cargo.toml");
const LIB: &str = include_str!("../../src/lib.rs");
const OPTIONS: &str = include_str!("../../examples/login/options.rs");

/// The value of a line `name = "value"` of Cargo.toml.
fn cargo(name: &str) -> &str {
    let line = CARGO.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
    line.expect(name).split('#').next().unwrap().trim().trim_matches('"')
}

#[test]
fn every_option_of_the_readme_is_in_the_help_text() {
    let help = OPTIONS.split_once("const HELP: &str = \"").unwrap().1.split_once("\";").unwrap().0;
    let mut options = Vec::new();
    for block in README.split("```").skip(1).step_by(2) {
        let Some((_, arguments)) = block.split_once("--example login --") else { continue };
        options.extend(arguments.split_whitespace().filter(|word| word.starts_with("--")));
    }
    assert!(options.len() >= 3, "{options:?}");
    for option in options {
        assert!(help.split_whitespace().any(|word| word == option), "{option}");
    }
}

#[test]
fn the_version_of_rust_in_the_readme_is_the_one_of_the_package() {
    assert!(README.contains(&format!("Rust {} or later", cargo("rust-version"))));
    assert_eq!(README.matches("Rust 1.").count(), 1);
}

/// The rows `name | yes or no | what it adds` of a table.
fn features(text: &str) -> BTreeMap<String, (bool, String)> {
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> =
            line.trim_start_matches("//! ").trim().trim_matches('|').split(" | ").map(str::trim).collect();
        let [name, default @ ("yes" | "no"), adds] = cells[..] else { return None };
        Some((name.trim_matches('`').to_owned(), (default == "yes", adds.to_owned())))
    });
    rows.collect()
}

#[test]
fn the_tables_of_features_are_those_of_the_package() {
    assert_eq!(features(README), features(LIB));
    let section = CARGO.split_once("[features]\n").unwrap().1.split_once("\n[").unwrap().0;
    let names = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    let default = cargo("default ").to_owned();
    let package: BTreeMap<_, _> = names
        .filter(|name| *name != "default")
        .map(|name| (name.to_owned(), default.contains(&format!("\"{name}\""))))
        .collect();
    let readme: BTreeMap<_, _> = features(README).into_iter().map(|(name, (default, _))| (name, default)).collect();
    assert_eq!(readme, package);
}

/// The paths in the README: of links, of pictures, and words in code that begin with a folder of the repository.
#[test]
fn every_path_of_the_readme_is_in_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let links = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let pictures = README.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let words = README.split('`').skip(1).step_by(2).flat_map(str::split_whitespace).filter(|word| {
        let folder = word.split('/').next().filter(|folder| word.len() > folder.len());
        folder.is_some_and(|folder| ["src", "tests", "examples", "benches", "fuzz", "docs", ".ci"].contains(&folder))
    });
    let paths: Vec<&str> =
        links.chain(pictures).chain(words).filter(|path| path.contains('/') && !path.contains("://")).collect();
    assert!(paths.len() > 8, "{paths:?}");
    for path in paths {
        assert!(root.join(path).exists(), "{path}");
    }
}

#[test]
fn the_readme_shows_both_graphs_with_their_names_in_words_and_the_package_has_them() {
    for name in ["login", "session"] {
        let (_, rest) = README.split_once(&format!("<img src=\"docs/{name}.svg\" alt=\"")).expect(name);
        assert!(rest.split('"').next().unwrap().contains(name));
    }
    assert!(cargo("include ").contains("\"docs/*.svg\""));
}

#[test]
fn the_loop_of_a_login_has_fifteen_lines_at_most() {
    let (_, rest) = LIB.split_once("//! let tokens = loop {\n").unwrap();
    let (body, _) = rest.split_once("//! };\n").unwrap();
    assert!(body.lines().count() + 2 <= 15);
    assert!(body.lines().all(|line| line.starts_with("//! ") && !line.starts_with("//! #") && line.len() <= 108));
}

/// What an app has, in the table of the front page: each row names an item of the crate, or a feature.
#[test]
fn every_row_of_where_to_start_points_somewhere() {
    let (_, section) = LIB.split_once("//! # Where to start\n").unwrap();
    let table = section.split_once("//! # ").unwrap().0;
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("//! | ")).skip(2).collect();
    assert!(rows.len() >= 12, "{rows:?}");
    for row in rows {
        assert!(row.contains("[`") || row.contains("the loop above") || row.contains("the feature"), "{row}");
    }
}
