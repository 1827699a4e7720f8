//! What `benches/size` weighs: an app that reads all it needs from its standard input, so that the compiler can work nothing
//! out beforehand, and drives a login, then a session, then a sign-out. It has no standard library, so that what is weighed is
//! the library, what it depends on, and little else.
//!
//! The input: see `input.txt` and `input-openid.txt`. The output: what the app would do outside, and what went wrong.
#![no_std]
#![no_main]

extern crate alloc;

mod input;
mod login;
#[cfg(feature = "openid")]
mod openid;
mod platform;
mod session;

use alloc::string::{String, ToString};
use core::fmt::Display;

use input::Input;

/// Whatever went wrong: an app shows it.
type Outcome<T> = Result<T, String>;

/// The error as text.
fn text(error: impl Display) -> String {
    error.to_string()
}

/// From the login to the sign-out.
fn run(input: &mut Input<'_>) -> Outcome<()> {
    let client = login::client(input)?;
    let tokens = login::log_in(input, &client)?;
    session::live(input, client, tokens)
}

#[no_mangle]
extern "C" fn main() -> i32 {
    let stdin = platform::read_stdin();
    let mut input = Input::new(&stdin);
    let outcome = run(&mut input);
    if let Err(error) = &outcome {
        input.show(error);
    }
    platform::write_stdout(input.shown());
    i32::from(outcome.is_err())
}
