//! A small app that logs its user in by a browser: what the tests of this folder drive. It writes what happens, one JSON object
//! for each line, to the file `events` in its folder.
//!
//! `oauth-proto-browser FOLDER pages` serves all pages of the library instead: see `pages.rs`.

mod events;
mod instances;
mod log_in;
mod options;
mod pages;
mod remembering;

use std::env;
use std::error::Error;
use std::io::stdin;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use oauth_native::browser::{Canceller, DeepLink, Loopback, Opener, SystemBrowser};
use serde_json::json;

use events::Events;
use log_in::App;
use options::Options;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let options = Options::read(env::args().skip(1))?;
    let events = Events::to(&options.folder)?;
    if options.pages {
        return pages::serve(&events);
    }
    if options.redirect_uri.starts_with("http://") {
        on_loopback(&options, &events)
    } else {
        by_scheme(&options, &events)
    }
}

fn on_loopback(options: &Options, events: &Events) -> Result<(), Failure> {
    let opener = opener(options, events);
    let browser = Loopback::bind_uri(&options.redirect_uri, opener)?;
    let redirect_uri = browser.redirect_uri();
    events.say(&json!({ "event": "listens", "redirect_uri": redirect_uri }));
    let canceller = Arc::new(Mutex::new(browser.canceller()));
    App::new(options, events, &redirect_uri, browser)?.run(&commands(&canceller), |browser| {
        renew(&canceller, browser.canceller());
    })
}

fn by_scheme(options: &Options, events: &Events) -> Result<(), Failure> {
    // The app is started with a URL: an instance that runs already gets it.
    if let Some(url) = &options.url {
        if instances::pass_on(&options.folder, url) {
            events.say(&json!({ "event": "passed_on" }));
            return Ok(());
        }
    }
    let (browser, links) = DeepLink::new(opener(options, events));
    // Before the login goes on, or else it would open the browser again.
    if let Some(url) = &options.url {
        links.deliver(url);
    }
    instances::take_over(&options.folder, links)?;
    events.say(&json!({ "event": "listens", "redirect_uri": options.redirect_uri }));
    let canceller = Arc::new(Mutex::new(browser.canceller()));
    let app = App::new(options, events, &options.redirect_uri, browser)?;
    if options.url.is_some() {
        // Started by the browser: nobody sends commands.
        app.run(&channel().1, |_| ())
    } else {
        app.run(&commands(&canceller), |browser| renew(&canceller, browser.canceller()))
    }
}

/// Opens the system's browser, or leaves it to the test.
fn opener(options: &Options, events: &Events) -> impl Opener + Send + 'static {
    let (by_system, events) = (options.system_browser, events.clone());
    move |url: &str| {
        events.say(&json!({ "event": "opens", "url": url }));
        if by_system {
            SystemBrowser.open(url)
        } else {
            Ok(())
        }
    }
}

/// What the test writes to the standard input: `cancel`, or `again` for one more login. At its end the app ends.
fn commands(canceller: &Arc<Mutex<Canceller>>) -> std::sync::mpsc::Receiver<()> {
    let (sender, commands) = channel();
    let canceller = Arc::clone(canceller);
    let cancel = move || {
        if let Ok(canceller) = canceller.lock() {
            canceller.cancel();
        }
    };
    thread::spawn(move || {
        for line in stdin().lines().map_while(Result::ok) {
            match line.as_str() {
                "cancel" => cancel(),
                "again" => drop(sender.send(())),
                _ => {}
            }
        }
        drop(sender);
        cancel();
    });
    commands
}

fn renew(canceller: &Mutex<Canceller>, next: Canceller) {
    if let Ok(mut canceller) = canceller.lock() {
        *canceller = next;
    }
}
