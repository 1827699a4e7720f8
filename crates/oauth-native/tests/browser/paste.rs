//! Redirects that the user pastes.

use std::io::{BufReader, Read, Write};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use oauth_native::browser::Paste;

use crate::world::{drive, login, parameter, redirect, soon, threads, BOTH, CODE};

const URI: &str = "http://127.0.0.1:51004/callback";

/// What the program prints.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The URL that it asks to open.
    fn url(&self) -> String {
        assert!(soon(|| self.text().contains("paste it here")));
        self.text().split_whitespace().find(|word| word.starts_with("https://")).unwrap().into()
    }
}

impl Write for Screen {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the user types.
struct Keyboard(Receiver<Vec<u8>>, Vec<u8>);

impl Read for Keyboard {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.1.is_empty() {
            let Ok(typed) = self.0.recv() else { return Ok(0) };
            self.1 = typed;
        }
        let count = self.1.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.1.drain(..count).collect::<Vec<_>>());
        Ok(count)
    }
}

fn keyboard() -> (Sender<Vec<u8>>, BufReader<Keyboard>) {
    let (sender, typed) = channel();
    (sender, BufReader::new(Keyboard(typed, Vec::new())))
}

#[test]
fn a_pasted_redirect_completes_the_login() {
    for way in BOTH {
        for form in 0..4 {
            let (screen, (keys, input)) = (Screen::default(), keyboard());
            let mut browser = Paste::new(URI, input, screen.clone());
            let user = screen.clone();
            let typing = thread::spawn(move || {
                let url = user.url();
                let (redirect, state) = (redirect(&url), parameter(&url, "state"));
                // Not yet the whole of it.
                keys.send(format!("\n  \n{CODE}\n").into_bytes()).unwrap();
                assert!(soon(|| user.text().contains("not the address that is needed")));
                let text = match form {
                    0 => redirect,
                    1 => redirect.replace("http://", ""),
                    2 => format!("code={CODE}&state={state}"),
                    _ => format!("{CODE}#{state}"),
                };
                keys.send(format!("  {text} \r\n").into_bytes()).unwrap();
                keys
            });
            drive(way, &mut login(URI, 60), &mut browser).unwrap();
            typing.join().unwrap();
            let shown = screen.text();
            assert!(!shown.contains(CODE) && shown.contains("redirect_uri="), "{shown}");
            assert_eq!(format!("{browser:?}"), format!("Paste {{ redirect_uri: {URI:?}, .. }}"));
        }
    }
}

#[test]
fn the_end_of_the_input_cancels() {
    for way in BOTH {
        let mut browser = Paste::new(URI, &b""[..], std::io::sink());
        assert_eq!(drive(way, &mut login(URI, 60), &mut browser).unwrap_err().code(), "cancelled");
    }
}

#[test]
fn input_that_fails_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    }
    for way in BOTH {
        let mut browser = Paste::new(URI, BufReader::new(Broken), std::io::sink());
        let error = drive(way, &mut login(URI, 60), &mut browser).unwrap_err();
        assert_eq!(error.to_string(), "the browser could not be used: the input could not be read: broken pipe");
    }
}

#[test]
fn waiting_ends_without_input() {
    for way in BOTH {
        let (_keys, input) = keyboard();
        let mut browser = Paste::new(URI, input, std::io::sink());
        assert_eq!(drive(way, &mut login(URI, 1), &mut browser).unwrap_err().code(), "expired");
        let canceller = browser.canceller();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            canceller.cancel();
        });
        assert_eq!(drive(way, &mut login(URI, 60), &mut browser).unwrap_err().code(), "cancelled");
    }
}

/// Input that the test can read on with.
struct Shared(Arc<Mutex<BufReader<Keyboard>>>);
impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // One octet at a time, as `BufReader` would take all.
        self.0.lock().unwrap().read(&mut buffer[..1])
    }
}

/// The line after the redirect is the app's.
#[test]
fn no_line_too_many_is_read() {
    let (screen, (keys, input)) = (Screen::default(), keyboard());
    let input = Arc::new(Mutex::new(input));
    let mut browser = Paste::new(URI, BufReader::with_capacity(1, Shared(Arc::clone(&input))), screen.clone());
    let user = screen.clone();
    let typing = thread::spawn(move || {
        keys.send(format!("{}\nnext\n", redirect(&user.url())).into_bytes()).unwrap();
        keys
    });
    drive(crate::world::Way::Blocking, &mut login(URI, 60), &mut browser).unwrap();
    drop(typing.join().unwrap());
    thread::sleep(Duration::from_millis(50));
    let mut rest = String::new();
    input.lock().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "next\n");
}

/// Input without a line end neither fills memory nor ends the wait.
#[test]
fn a_line_without_end_is_cut() {
    let (screen, (keys, input)) = (Screen::default(), keyboard());
    let mut browser = Paste::new(URI, input, screen.clone());
    let user = screen.clone();
    let typing = thread::spawn(move || {
        let url = user.url();
        for _ in 0..64 {
            keys.send(vec![b'x'; 1 << 16]).unwrap();
        }
        keys.send(format!("\n{}\n", redirect(&url)).into_bytes()).unwrap();
        keys
    });
    drive(crate::world::Way::Blocking, &mut login(URI, 60), &mut browser).unwrap();
    typing.join().unwrap();
    assert_eq!(screen.text().matches("not the address that is needed").count(), 1);
}

#[test]
fn the_thread_ends_with_it() {
    // Other tests of this process have such threads for a moment.
    let (_screen, (keys, input)) = (Screen::default(), keyboard());
    let mut browser = Paste::new(URI, input, std::io::sink());
    let _ = drive(crate::world::Way::Blocking, &mut login(URI, 1), &mut browser);
    drop(browser);
    drop(keys);
    assert!(soon(|| threads("oauth-paste") == 0), "{}", threads("oauth-paste"));
}
