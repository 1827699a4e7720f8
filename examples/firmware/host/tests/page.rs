//! `docs/embassy.md` shows files of the firmware as they are. `UPDATE_PAGE=1` writes them into it again.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A block of code is shown after a line that ends with its path: `` `examples/firmware/src/http.rs`: ``
#[test]
fn the_page_shows_the_files_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let path = root.join("docs/embassy.md");
    let page = fs::read_to_string(&path).unwrap();
    let (mut fresh, mut rest, mut shown) = (String::new(), page.as_str(), Vec::new());
    while let Some((before, block)) = rest.split_once("```rust\n") {
        let (_, after) = block.split_once("```\n").expect("a block of code ends");
        let file = before.trim_end().strip_suffix("`:").and_then(|before| before.rsplit('`').next());
        let file = file.expect("a block of code is shown after the path of its file");
        let code = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        write!(fresh, "{before}```rust\n{code}```\n").unwrap();
        shown.push(file);
        rest = after;
    }
    fresh += rest;
    let files = ["login", "http", "browser", "clock", "net"].map(|name| format!("examples/firmware/src/{name}.rs"));
    assert_eq!(shown, files);
    if std::env::var_os("UPDATE_PAGE").is_some() {
        fs::write(path, &fresh).unwrap();
    } else {
        assert!(page == fresh, "docs/embassy.md shows other code; run this with UPDATE_PAGE=1");
    }
}
