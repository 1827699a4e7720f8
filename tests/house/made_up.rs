//! The checks on small made-up sources: that each of them can fail, and what must not count.

use crate::house::House;
use crate::tokens::tokens;
use crate::tree;

const ROOMS: [&[&str]; 4] = [&["leaf.rs"], &["low", "beside"], &["high"], &["lib.rs"]];

fn house(files: &[(&str, &str)]) -> House {
    House::new(
        [&("lib.rs", "mod leaf;"), &("leaf.rs", "")].into_iter().chain(files).map(|(p, s)| ((*p).into(), (*s).into())),
    )
}

/// All arrows, one a line.
fn arrows(files: &[(&str, &str)]) -> String {
    let edges = house(files).edges();
    let lines = edges.iter().flat_map(|(from, to)| to.iter().map(move |to| format!("{from} -> {to}")));
    lines.collect::<Vec<_>>().join("\n")
}

/// There is one offence, and it begins and ends like this.
fn one(offences: &[String], begin: &str, end: &str) {
    let [offence] = offences else { panic!("{offences:#?}") };
    assert!(offence.starts_with(begin) && offence.ends_with(end), "{offence}");
}

#[test]
fn every_form_of_use_is_an_arrow() {
    for import in [
        "use crate::low::a::A;",
        "use crate::low::a;",
        "use crate::low::a::{self, A as B};",
        "use crate::{\n    leaf,\n    low::{\n        a::{A, B},\n    },\n};",
        "#[cfg(test)]\npub(crate) use crate::low::a::A as _;",
        "use super::super::low::a::A;",
        "mod tests {\n    use super::super::super::low::a::*;\n}",
        "fn f() {\n    use crate::low::a::A;\n}",
        "use crate::low; fn f() { low::a::g() }",
        "macro_rules! m { () => { $crate::low::a::A } }",
        "impl crate::low::a::A<'static> {}",
        "mod inner { mod deeper {} } fn f() -> Vec<super::super::low::a::A> {}",
        "use self::super::super::low::a::A;",
    ] {
        let found = arrows(&[("high/mod.rs", ""), ("high/x.rs", import), ("low/mod.rs", ""), ("low/a.rs", "")]);
        assert!(found.contains("high/x.rs -> low/a.rs"), "{import}: {found}");
    }
}

#[test]
fn what_only_looks_like_a_use_is_none() {
    for text in [
        "// use crate::low::a::A;",
        "/// [`A`](crate::low::a::A)",
        "/* /* */ use crate::low::a::A; */",
        "const TEXT: &str = \"\\\" use crate::low::a::A;\";",
        "const TEXT: &str = r##\"\"# use crate::low::a::A;\"##;",
        "const QUOTE: char = '\"'; // '\"' use crate::low::a::A;",
        "const QUOTE: u8 = b'\\''; const TEXT: &[u8] = b\"crate::low::a::A\";",
        "pub(in crate::low) fn f<'a>(r#use: &'a str) -> impl Sized + use<'a> {}",
        "use ::low::a::A; use low::a::B; fn f() { low::a::g() }",
    ] {
        assert_eq!(arrows(&[("high.rs", text), ("low/mod.rs", ""), ("low/a.rs", "")]), "", "{text}");
    }
}

#[test]
fn an_arrow_upward_is_found() {
    let up = house(&[("low/mod.rs", ""), ("low/a.rs", "\nfn f() { crate::high::g() }"), ("high/mod.rs", "")]);
    one(&up.turning_back(&ROOMS), "src/low/a.rs:2: names `crate::high::g`, which is in src/high/mod.rs", "an argument");
    let beside = house(&[("low/mod.rs", "use crate::beside::B;"), ("beside/mod.rs", "")]);
    one(&beside.turning_back(&ROOMS), "src/low/mod.rs:1: names `crate::beside::B`", "an argument");
    let down = house(&[
        ("low/mod.rs", "use crate::leaf;"),
        ("high/mod.rs", "use crate::low::a; mod b; use b::B;"),
        ("high/b.rs", ""),
    ]);
    assert_eq!(down.turning_back(&ROOMS), [""; 0]);
    one(&house(&[("attic.rs", "")]).turning_back(&ROOMS), "src/attic.rs: `attic.rs` is in no room", "CONTRIBUTING.md");
}

#[test]
fn a_circle_of_three_files_is_found() {
    let files = [
        ("low/mod.rs", "mod a; mod b; mod c; pub use a::A;"),
        ("low/a.rs", "use super::b::B;"),
        ("low/b.rs", "mod tests { use super::super::c::C; }"),
        ("low/c.rs", "fn f(a: crate::low::a::A) {}"),
    ];
    let circles = house(&files).circles_of_files();
    one(
        &circles,
        "a circle: low/a.rs ↔ low/b.rs ↔ low/c.rs.",
        "src/low/c.rs:1: names `crate::low::a::A` (src/low/a.rs)",
    );
    assert_eq!(house(&files[..3]).circles_of_files(), [""; 0]);
}

/// Unless the head of the folder uses what it re-exports.
#[test]
fn a_mere_reexport_makes_no_circle() {
    let a = ("low/a.rs", "use super::Head;");
    assert_eq!(house(&[("low/mod.rs", "pub use a::A; struct Head;"), a]).circles_of_files(), [""; 0]);
    let user = house(&[("low/mod.rs", "pub use a::A; struct Head(A);"), a]);
    one(&user.circles_of_files(), "a circle: low/a.rs ↔ low/mod.rs.", "(src/low/mod.rs)");
}

/// A file may give functions to a type of another one, which then must not call them.
#[test]
fn a_circle_by_the_functions_of_a_type_is_found() {
    let more = ("low/more.rs", "use super::a::A;\nimpl A<'_> {\n    pub fn more(&self) {}\n    fn own(&self) {}\n}");
    for call in ["self.more()", "Self::more(self)", "A::more(self)", "super::a::A::more(self)"] {
        let text = format!(
            "struct A<'a>(&'a str);\nimpl<'a, T: From<A<'a>>> A<'a> {{\n fn f(&self) {{ {call}; self.own.g() }}\n}}"
        );
        let circles = house(&[("low/mod.rs", ""), ("low/a.rs", &text), more]).circles_of_files();
        one(
            &circles,
            "a circle: low/a.rs ↔ low/more.rs.",
            "src/low/more.rs:1: names `crate::low::a::A` (src/low/a.rs)",
        );
        assert!(circles[0].contains("src/low/a.rs:3: names `crate::low::more::A::more`"), "{circles:?}");
    }
    let text = "struct A;\nimpl A { fn f(&self) { self.own(); x.more() } fn own(&self) {} }\nimpl B for A { fn more(&self) {} }";
    assert_eq!(house(&[("low/mod.rs", ""), ("low/a.rs", text), more]).circles_of_files(), [""; 0]);
}

#[test]
fn a_circle_of_folders_is_found() {
    let files = [
        ("low/mod.rs", ""),
        ("low/x/mod.rs", ""),
        ("low/x/one.rs", "use crate::low::y::one::One;"),
        ("low/x/two.rs", ""),
        ("low/y/mod.rs", ""),
        ("low/y/one.rs", ""),
        ("low/y/two.rs", "use super::super::x::two::Two;"),
    ];
    assert_eq!(house(&files).circles_of_files(), [""; 0]);
    one(&house(&files).circles_of_folders(), "a circle: low/x/ ↔ low/y/.", "(src/low/x/two.rs)");
    assert_eq!(house(&files[..6]).circles_of_folders(), [""; 0]);
}

#[test]
fn an_import_through_a_reexport_is_found() {
    let low = ("low/mod.rs", "mod a; mod b; pub use a::A; use b::B; struct Own;");
    for (import, definition) in [
        ("use crate::low::A;", "`crate::low::a::A`"),
        ("use crate::low::{A as X, Own};", "`crate::low::a::A`"),
        ("use crate::low::B;", "`crate::low::b::B`"),
        ("fn f() { crate::Lent::new() }", "`crate::low::a::A::new`"),
        ("use crate::low; fn f() { low::A::new() }", "`crate::low::a::A::new`"),
    ] {
        let lib = ("lib.rs", "mod low; pub use low::A as Lent;");
        let files = [lib, low, ("low/a.rs", ""), ("low/b.rs", ""), ("high.rs", import)];
        let house = House::new(files.map(|(path, text)| (path.into(), text.into())));
        one(&house.through_reexports(), "src/high.rs:1: `crate::", &format!("Name the definition: {definition}"));
    }
    let plain = "use crate::low::{a::{self, A}, Own}; fn f() { a::g(A::new()) }";
    let house = house(&[low, ("low/a.rs", "use super::Own;"), ("low/b.rs", ""), ("high.rs", plain)]);
    assert_eq!(house.through_reexports(), [""; 0]);
}

#[test]
fn a_glob_import_is_found() {
    let house = house(&[("low.rs", "mod tests { use super::*; }\nuse serde::{de::*, ser};")]);
    one(&house.globs(), "src/low.rs:2: `use serde::de::*`", "Name each item");
}

#[test]
fn a_path_in_a_text_is_found() {
    for text in ["#[serde(with = \"crate::high::a\")]", "    with = \"super::a\"", "include!(\"../high/a.rs\");"] {
        one(&house(&[("low.rs", &format!("\n{text}"))]).hidden(), "src/low.rs:2: a text hides", "a `use` line");
    }
    let fine = "// include!(\"a\") \"crate::a\"\n#[serde(with = \"a::b\")]\n#[doc = include_str!(\"a.svg\")]";
    assert_eq!(house(&[("low.rs", fine)]).hidden(), [""; 0]);
}

#[test]
fn a_file_under_another_name_is_found() {
    for attribute in ["#[path = \"b.rs\"]", "#[cfg_attr(not(feature = \"x\"),\n path = \"b.rs\")]"] {
        let house = house(&[("low.rs", &format!("// #[path]\nfn path() {{ let path = 1; }}\n{attribute}\nmod a;"))]);
        one(&house.twins(), "src/low.rs:3: a `path` attribute", "on what differs");
    }
    one(&house(&[("low/who_off.rs", "")]).twins(), "src/low/who_off.rs:1:", "in one file");
}

#[test]
fn a_long_file_is_found() {
    let file = "\n".repeat(11);
    one(&house(&[("low.rs", &file)]).long(10), "src/low.rs:11: more than 10 lines", "by its ideas");
    assert_eq!(house(&[("low.rs", &file)]).long(11), [""; 0]);
}

#[test]
fn a_tree_that_is_not_so_is_found() {
    let tree = "# Title\n```text\nsrc/  all of it\n  lib.rs   the face\n  low/     a room\n    a.rs   one thing\n```\nsrc/ is told\n";
    let files = ["lib.rs", "low/a.rs"].map(String::from);
    let check = |document: &str| tree::check("DOC.md", document, &files);
    assert_eq!(check(tree), [""; 0]);
    one(&check(&tree.replace("    a.rs   one thing\n", "")), "DOC.md:3: the tree lacks `src/low/a.rs`", "for it");
    one(&check(&tree.replace("   the face", "")), "DOC.md:4: `src/lib.rs` has no description", "what it holds");
    one(
        &check(&tree.replace("one thing", "one thing\n    b.rs   two")),
        "DOC.md:7: there is no `src/low/b.rs`",
        "the line",
    );
    one(&check(&tree.replace("  low/", "  lib.rs   again\n  low/")), "DOC.md:5: `src/lib.rs` is listed twice", "lines");
    one(&check("no tree"), "DOC.md:1: no code block", "each file");
}

#[test]
fn tokens_keep_their_lines() {
    let source = "a // b\n/* c\n */ d::e \"f\n\\\"g\" r#\"h\n\"# 'i' 'j k";
    let found: Vec<_> = tokens(source).into_iter().map(|token| (token.text, token.line)).collect();
    let expected = [("a", 1), ("d", 3), ("::", 3), ("e", 3), ("\"\"", 3), ("\"\"", 4), ("\"\"", 5), ("k", 5)];
    assert_eq!(found, expected.map(|(text, line)| (text.to_owned(), line)));
}
