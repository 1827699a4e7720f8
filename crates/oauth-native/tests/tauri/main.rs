//! The code of `docs/tauri.md`, compiled with this crate. The attribute `#[tauri::command]` is left out: it needs the real crate.

#![cfg(all(feature = "reqwest", feature = "file-store"))]
#![allow(dead_code, clippy::expect_used, clippy::unwrap_used)] // it is there to be compiled

#[allow(clippy::pedantic, clippy::unused_unit, clippy::unit_arg)] // what is in it has the form of another crate
mod stub;

mod auth {
    use crate::stub::{tauri, tauri_plugin_opener};

    include!("auth.rs");
}

mod deep_link {
    use std::error::Error;
    use std::io;

    use crate::stub::tauri_plugin_opener::OpenerExt;
    use crate::stub::{tauri, tauri_plugin_deep_link};

    include!("deep_link.rs");
}

#[allow(clippy::default_constructed_unit_structs, clippy::unit_arg)] // of the stub
mod app {
    use crate::auth;
    use crate::stub::{tauri, tauri_plugin_opener, tauri_plugin_single_instance};

    include!("app.rs");
}

#[test]
fn the_page_has_this_code() {
    let page = include_str!("../../../../docs/tauri.md");
    let blocks: Vec<_> = page.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let blocks: Vec<_> = blocks.iter().map(|block| block.replace("#[tauri::command]\n", "")).collect();
    let code = [include_str!("auth.rs"), include_str!("app.rs"), include_str!("deep_link.rs")];
    assert_eq!(blocks, code);
    app::run();
}
