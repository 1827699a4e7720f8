//! The whole story in one command: log in with the system browser, greet the user, call an API, refresh, call again, sign out.
//!
//! `cargo run --example login` needs no account: an OpenID provider and a small API run inside. With options it logs in to
//! a real one: see `--help`. The library's part is three loops: a login (`story.rs`), a session
//! (`account.rs`), a sign-out (`sign_out.rs`); and who it is (`who.rs`).

mod account;
mod advice;
mod browser;
mod failure;
mod http;
mod landing;
mod listener;
mod options;
mod print;
mod redirects;
mod scene;
mod server;
mod sign_out;
mod story;
mod tries;
mod wait;
mod who;

use std::env;
use std::process::ExitCode;

use options::HELP;
use scene::Scene;

fn main() -> ExitCode {
    let options = match options::parse(env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print::say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("error: {problem}\n  try: --help shows all options");
            return ExitCode::from(2);
        }
    };
    match Scene::set(&options).and_then(|scene| story::tell(&scene)) {
        Ok(()) => {
            print::part("Done.");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("\nerror: {}\n  try: {}", print::plain(&failure.what), failure.advice);
            ExitCode::FAILURE
        }
    }
}
