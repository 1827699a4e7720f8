//! The whole story in one command: log in with the system browser, greet the user, call an API, refresh, call again, sign out.
//!
//! `cargo run --example login` needs no account: an OpenID provider and a small API run inside. With options it logs in to
//! a real one: see `--help`. What an app needs of it is in `story.rs`, on the parts of `oauth-native`; `told.rs` wraps these so
//! that each step is seen on the screen.

mod advice;
mod failure;
mod options;
mod pasted;
mod print;
mod scene;
mod server;
mod story;
mod told;
mod user_agent;
mod ways;
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
    match Scene::set(&options).and_then(|(scene, browser)| story::tell(&scene, browser)) {
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
