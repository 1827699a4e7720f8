//! A login on a Cortex-M4 without an operating system: the authorization URL is shown, the user pastes the redirect, the code
//! is exchanged, an API is called, a refused access token is refreshed, and the session is stored for the next start.
//!
//! `login.rs`, `http.rs`, `browser.rs`, `clock.rs` and `net.rs` are to be copied: `docs/embassy.md` shows them. The other files
//! stand for the hardware: the host of the debugger (here QEMU's) plays network, console, clock and flash.
#![no_std]
#![no_main]

extern crate alloc;

mod browser;
mod clock;
mod host;
mod http;
mod login;
mod memory;
#[cfg(feature = "net")]
#[allow(dead_code)] // compiled only
mod net;
mod ticks;

use alloc::format;
use core::panic::PanicInfo;

use embassy_executor::Spawner;
use oauth_proto::{Client, Entropy, EntropyError, Session};
use zeroize::Zeroizing;

use crate::browser::Pasted;
use crate::clock::WallClock;
use crate::host::{Console, File, Link};
use crate::http::Http;
use crate::login::{Account, Code};

const API: &str = "https://api.example.com/thermostat";

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let _ = spawner; // this is the only task
    memory::begin();
    ticks::begin();
    let ended = run().await;
    host::say(&format!("heap: {} of {} bytes at most", memory::heap_peak(), memory::HEAP_BYTES));
    host::say(&format!("stack: {} bytes at most", memory::stack_peak()));
    match ended {
        Ok(()) => host::exit(true),
        Err(code) => {
            host::say(&format!("error: {code}"));
            host::exit(false)
        }
    }
}

/// Logs in, unless a session is stored, and calls the API. An error is its `code()`.
async fn run() -> Result<(), Code> {
    WallClock::set(host::time());
    let http = Http::new(Link::open());
    let client = login::client().map_err(|error| error.code())?;
    let session = if let Some(session) = stored(&client) {
        session
    } else {
        let mut octets = Zeroizing::new([0; 96]);
        File::read("entropy", octets.as_mut_slice());
        let entropy = Entropy::new(*octets).map_err(EntropyError::code)?;
        let mut browser = Pasted::new(Console::new(), login::REDIRECT_URI);
        login::sign_in(client, entropy, &http, &mut browser).await?
    };
    #[cfg(feature = "rustcrypto")]
    if let Some(id_token) = session.id_token() {
        host::say(&format!("user: {}", id_token.subject()));
    }
    let mut account = Account::new(session, &http, store);
    let answer = account.call("GET", API).await?;
    host::say(&format!("API: {} {}", answer.status, core::str::from_utf8(&answer.body).unwrap_or_default()));
    Ok(())
}

/// The session of the last start.
fn stored(client: &Client) -> Option<Session> {
    let saved = serde_json::from_slice(&Zeroizing::new(File::read_all("session")?)).ok()?;
    Session::restore(client.clone(), saved).ok()
}

/// Stores the session: real firmware writes it to flash that cannot be read from outside.
fn store(saved: Option<&[u8]>) {
    File::write("session", saved.unwrap_or_default());
}

/// Says where, and ends with an error: what runs out of memory gets here too.
#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    cortex_m::interrupt::disable();
    host::panicked(info)
}
