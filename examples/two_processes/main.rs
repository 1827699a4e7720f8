//! Two processes of one app share a login: one store, one lock, and a recipe that prevents them from using a refresh
//! token twice. `cargo run --example two_processes`
//!
//! The recipe is in `worker.rs`: lock, load, adopt, and only then refresh; file and lock are `oauth-native`'s. (Its `Api` follows
//! the recipe by itself: this is for those who drive a session themselves.) This program starts a token server that
//! rotates refresh tokens and ends a login whose refresh token is used twice, and then two worker processes. With `--apart`
//! each process has a store of its own, to show why one store is needed: the run fails.

mod process;
mod server;
mod story;
mod worker;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        [] => story::tell(false),
        ["--apart"] => story::tell(true),
        // The arguments with which this program starts itself as a worker.
        ["worker", store, server] => worker::work(store, server),
        _ => Err("there is one option: --apart, each process with a store of its own".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}
