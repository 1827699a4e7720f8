//! How much memory a whole login takes. `UPDATE_FIGURES=1` writes the table in the README.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use oauth_proto_firmware_host::board::Build;
use oauth_proto_firmware_host::memory::Memory;
use oauth_proto_firmware_host::story::whole_login;
use tempfile::tempdir;

/// The most that a build may take: about five percent more than it takes with Rust 1.96, since compilers differ.
fn budget(build: Build) -> Memory {
    match build {
        Build::Plain => Memory { flash: 288_000, variables: 4_400, heap: 3_900, stack: 7_600 },
        Build::RustCrypto => Memory { flash: 605_000, variables: 4_600, heap: 6_800, stack: 17_200 },
    }
}

#[test]
fn memory_is_within_the_budget() {
    let mut table = String::from(
        "| features | flash | variables | heap at most | stack at most |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    let mut over = Vec::new();
    for build in Build::ALL {
        let files = tempdir().unwrap();
        let (_, ended) = whole_login(build, files.path());
        let (is, most) = (Memory::of(build, &ended), budget(build));
        let columns = [
            ("flash", is.flash, most.flash),
            ("variables", is.variables, most.variables),
            ("heap", is.heap, most.heap),
            ("stack", is.stack, most.stack),
        ];
        write!(table, "| {}", build.features()).unwrap();
        for (name, is, most) in columns {
            write!(table, " | {}", grouped(is)).unwrap();
            if is > most {
                over.push(format!("{}: {name}: {is}, at most {most}", build.features()));
            }
        }
        table += " |\n";
    }
    writeln!(std::io::stdout(), "{table}").unwrap(); // also shown if the test passes
    if std::env::var_os("UPDATE_FIGURES").is_some() {
        write_readme(&table);
    }
    assert!(over.is_empty(), "over budget: {over:#?}");
}

/// Writes the table between its two marks.
fn write_readme(table: &str) {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = fs::read_to_string(&readme).unwrap();
    let (before, rest) = text.split_once("<!-- figures -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of figures -->").unwrap();
    fs::write(readme, format!("{before}<!-- figures -->\n{table}<!-- end of figures -->{after}")).unwrap();
}

/// With commas.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
