//! Two processes of one app share a login: one store, one lock, and the recipe that keeps them from spending a refresh
//! token twice. `cargo run --example two_processes`
//!
//! The recipe is in `worker.rs`: lock, load, adopt, and only then refresh. This program starts a token server that
//! rotates refresh tokens and ends a login whose token comes twice, and then itself, twice. With `--apart` each process
//! has a store of its own, to see what happens then: the run fails.

#[path = "../login/http.rs"]
#[allow(dead_code)] // the other example uses all of it
mod http;
mod process;
mod server;
mod store;
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
        // How this program starts itself.
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
