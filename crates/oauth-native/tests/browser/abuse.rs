//! Whoever can connect to the port: slow, many, and garbage.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use oauth_native::browser::Loopback;

use crate::world::{connect, drive, get, login, redirect, request, scripted, take, BOTH};

/// The login goes on while others misuse the port: runs `misuse` first, then the redirect.
fn login_under(misuse: fn(&str) -> Vec<TcpStream>) {
    for way in BOTH {
        let (opener, pages) = scripted(move |url| {
            let redirect = redirect(url);
            let held = misuse(&redirect);
            let began = Instant::now();
            let page = get(&redirect);
            drop(held);
            (page, began.elapsed())
        });
        let mut browser = Loopback::bind(opener).unwrap();
        drive(way, &mut login(&browser.redirect_uri(), 60), &mut browser).unwrap();
        let (page, took) = take(&pages);
        assert!(page.starts_with("HTTP/1.1 200 OK"));
        assert!(took < Duration::from_secs(2), "{took:?}");
        let began = Instant::now();
        drop(browser);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
}

#[test]
fn slow_clients_block_nobody() {
    login_under(|redirect| {
        let text = request(redirect);
        (0..40)
            .map(|index| {
                let mut stream = connect(redirect);
                // The connection may have made room for another already.
                let _ = stream.write_all(&text.as_bytes()[..index % 8]);
                stream
            })
            .collect()
    });
}

#[test]
fn ten_thousand_connections() {
    login_under(|redirect| {
        let mut held = VecDeque::new();
        for index in 0..10_000 {
            held.push_back(connect(redirect));
            // Else the system's queue of connections runs over, and it lets us wait for a second.
            if index % 64 == 0 {
                assert!(get(&redirect.replace("/callback", "/favicon.ico")).starts_with("HTTP/1.1 404"));
            }
            if held.len() > 100 {
                held.pop_front();
            }
        }
        let served = std::fs::read_dir("/proc/self/task").unwrap().count();
        assert!(served < 150, "{served} threads");
        held.into()
    });
}

#[test]
fn garbage() {
    login_under(|redirect| {
        let end = Instant::now() + Duration::from_secs(1);
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        while Instant::now() < end {
            let mut stream = connect(redirect);
            for _ in 0..64 {
                let octets: Vec<u8> = (0..512)
                    .flat_map(|_| {
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        random.to_le_bytes()
                    })
                    .collect();
                if stream.write_all(&octets).is_err() {
                    break;
                }
            }
        }
        Vec::new()
    });
}

/// A head without end is refused for its size, and what follows is not read for long.
#[test]
fn a_head_without_end_is_refused() {
    login_under(|redirect| {
        let mut stream = connect(redirect);
        stream.write_all(b"GET /callback HTTP/1.1\r\n").unwrap();
        let line = [b"A: ".as_slice(), &[b'a'; 1000], b"\r\n"].concat();
        let mut sent = 0;
        while sent < 10 << 20 && stream.write_all(&line).is_ok() {
            sent += line.len();
        }
        assert!(sent < 10 << 20, "{sent}");
        Vec::new()
    });
}

/// In a process of its own, as all its threads and files are counted.
#[test]
fn no_thread_is_left() {
    if std::env::var_os("OAUTH_NATIVE_TEST_ALONE").is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "abuse::no_thread_is_left", "--nocapture"])
            .env("OAUTH_NATIVE_TEST_ALONE", "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let files = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = (threads(), files());
    for way in BOTH {
        let (opener, pages) = scripted(|url| {
            let redirect = redirect(url);
            let held: Vec<_> = (0..5).map(|_| connect(&redirect)).collect();
            (get(&redirect), held)
        });
        let mut browser = Loopback::bind(opener).unwrap();
        drive(way, &mut login(&browser.redirect_uri(), 60), &mut browser).unwrap();
        let (_, held) = take(&pages);
        assert!(threads() > before.0);
        let began = Instant::now();
        drop(browser);
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
        for mut stream in held {
            assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)), "still open");
        }
        drop(pages);
        // The scripted browser's own thread may need a moment.
        assert!(crate::world::soon(|| (threads(), files()) == before), "{:?} {before:?}", (threads(), files()));
    }
}
