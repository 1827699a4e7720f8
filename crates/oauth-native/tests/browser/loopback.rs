//! Logins over the loopback listener.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use oauth_native::browser::{BrowserError, Loopback};
use oauth_native::oauth_proto::drive::{self, DriveError};
use oauth_native::oauth_proto::loopback::{Outcome, Page};
use oauth_native::oauth_proto::{Entropy, Error, Over};

use crate::world::{
    answer, block_on, connect, drive, get, login, parameter, redirect, request, scripted, soon, split, take, Clock,
    Server, Way, BOTH, CODE,
};

/// What browsers do around a redirect: an icon, a preconnect, the redirect in pieces, and somebody else's before.
fn visit(url: &str) -> Vec<String> {
    let redirect = redirect(url);
    let mut preconnect = connect(&redirect);
    let icon =
        get(&redirect.replace(redirect.split_once("/callback").unwrap().1, "").replace("callback", "favicon.ico"));
    let forged = get(&format!("{}?code=FORGED&state=FORGED", parameter(url, "redirect_uri")));
    let garbage = {
        let mut stream = connect(&redirect);
        stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS?\r\n\r\n").unwrap();
        answer(&mut stream)
    };
    let rebound = {
        let mut stream = connect(&redirect);
        let request = request(&redirect).replace(&split(&redirect).0, "evil.example.com");
        stream.write_all(request.as_bytes()).unwrap();
        answer(&mut stream)
    };
    let mut stream = connect(&redirect);
    for piece in request(&redirect).as_bytes().chunks(40) {
        stream.write_all(piece).unwrap();
        thread::sleep(Duration::from_millis(2));
    }
    let right = answer(&mut stream);
    // The same connection, kept open: the page is loaded again.
    stream.write_all(request(&redirect).as_bytes()).unwrap();
    let again = answer(&mut stream);
    preconnect.write_all(request(&redirect).as_bytes()).unwrap();
    let late = answer(&mut preconnect);
    vec![icon, forged, garbage, rebound, right, again, late]
}

#[test]
fn a_login_with_everything_that_browsers_do() {
    for way in BOTH {
        let (opener, pages) = scripted(visit);
        let mut browser = Loopback::bind(opener).unwrap();
        let mut pending = login(&browser.redirect_uri(), 60);
        let tokens = drive(way, &mut pending, &mut browser).unwrap();
        assert_eq!(tokens.access_token().reveal(), "AT1");
        let pages = take(&pages);
        let status: Vec<_> = pages.iter().map(|page| page.split(' ').nth(1).unwrap()).collect();
        assert_eq!(status, ["404", "400", "400", "421", "200", "400", "400"]);
        assert!(pages[1].contains("This is not the answer that the app waits for"));
        assert!(pages[4].contains("Return to the app"));
        assert!(pages[5].contains("The app does not wait for this") && pages[6].contains("The app does not wait"));
        for page in &pages {
            assert!(page.to_ascii_lowercase().contains("referrer-policy: no-referrer\r\n"));
            assert!(!page.contains(CODE) && !page.contains("FORGED") && !page.contains("state="), "{page}");
        }
        assert!(!format!("{browser:?} {:?}", browser.canceller()).contains(CODE));
    }
}

#[test]
fn the_page_can_be_the_apps() {
    let (opener, pages) = scripted(|url| get(&redirect(url)));
    let mut browser = Loopback::bind_path("/a/b", opener).unwrap().pages(|handled| match Outcome::of(handled) {
        Outcome::Accepted => Page::html(200, "<p>Welcome to the app").unwrap(),
        _ => Page::of(handled),
    });
    assert!(browser.redirect_uri().ends_with("/a/b"));
    drive(Way::Blocking, &mut login(&browser.redirect_uri(), 60), &mut browser).unwrap();
    assert!(take(&pages).ends_with("\r\n\r\n<p>Welcome to the app"));
}

#[test]
fn a_refusal_is_shown() {
    let refuse = |url: &str| {
        let (redirect_uri, state) = (parameter(url, "redirect_uri"), parameter(url, "state"));
        get(&format!("{redirect_uri}?error=access_denied&error_description=No%20%3Cb%3E&state={state}"))
    };
    for way in BOTH {
        let (opener, pages) = scripted(refuse);
        let mut browser = Loopback::bind(opener).unwrap();
        let error = drive(way, &mut login(&browser.redirect_uri(), 60), &mut browser).unwrap_err();
        assert_eq!(error.code(), "authorization_error");
        assert!(take(&pages).contains("No &lt;b&gt;"));
    }
}

#[test]
fn one_fixed_port_serves_login_after_login() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for host in ["127.0.0.1", "localhost"] {
        let redirect_uri = format!("http://{host}:{port}/cb");
        for _ in 0..2 {
            let (opener, pages) = scripted(|url| get(&redirect(url)));
            let mut browser = Loopback::bind_uri(&redirect_uri, opener).unwrap();
            assert_eq!(browser.redirect_uri(), redirect_uri);
            for way in BOTH {
                drive(way, &mut login(&redirect_uri, 60), &mut browser).unwrap();
                assert!(take(&pages).starts_with("HTTP/1.1 200 OK\r\n"));
            }
        }
    }
}

#[test]
fn a_uri_without_a_port_gets_a_free_one() {
    for (host, address) in [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("[::1]", "::1")] {
        if TcpListener::bind((address, 0)).is_err() {
            continue; // no IPv6 here
        }
        let browser = Loopback::bind_uri(&format!("http://{host}/cb?a=b"), |_: &str| Ok(())).unwrap();
        let uri = browser.redirect_uri();
        let port = uri.strip_prefix(&format!("http://{host}:")).unwrap().strip_suffix("/cb?a=b").unwrap();
        let mut stream = TcpStream::connect((address, port.parse().unwrap())).unwrap();
        stream.write_all(format!("GET /cb HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n").as_bytes()).unwrap();
        assert!(answer(&mut stream).contains("The app does not wait for this"));
    }
}

#[test]
fn localhost_is_both_addresses() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let Ok(probe) = TcpListener::bind(("::1", port)) else { return }; // no IPv6 here
    drop(probe);
    let browser = Loopback::bind_uri(&format!("http://localhost:{port}/cb"), |_: &str| Ok(())).unwrap();
    for address in ["127.0.0.1", "::1"] {
        let mut stream = TcpStream::connect((address, port)).unwrap();
        stream.write_all(format!("GET /cb HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n").as_bytes()).unwrap();
        assert!(answer(&mut stream).contains("The app does not wait for this"));
    }
    drop(browser);
    let other = TcpListener::bind(("::1", port)).unwrap();
    let error = Loopback::bind_uri(&format!("http://localhost:{port}/cb"), |_: &str| Ok(())).unwrap_err();
    assert_eq!(error.code(), "port_in_use");
    drop(other);
}

#[test]
fn a_port_in_use_is_said() {
    let first = Loopback::bind(|_: &str| Ok(())).unwrap();
    let error = Loopback::bind_uri(&first.redirect_uri(), |_: &str| Ok(())).unwrap_err();
    let port = first.redirect_uri()["http://127.0.0.1:".len()..].split('/').next().unwrap().to_owned();
    assert!(matches!(error, BrowserError::PortInUse(address) if address.port().to_string() == port));
    let text = format!(
        "port {port} is in use: end what listens on 127.0.0.1:{port}, perhaps this app itself, or use another port"
    );
    assert_eq!(error.to_string(), text);
    drop(first);
    Loopback::bind_uri(&format!("http://127.0.0.1:{port}/callback"), |_: &str| Ok(())).unwrap();
    for wrong in ["https://app.example.com/cb", "com.example.app:/cb", "http://192.0.2.1/cb", "nothing"] {
        let error = Loopback::bind_uri(wrong, |_: &str| Ok(())).unwrap_err();
        assert!(matches!(error, BrowserError::RedirectUri(_)), "{wrong}");
    }
    assert!(matches!(Loopback::bind_path("/a b", |_: &str| Ok(())), Err(BrowserError::RedirectUri(_))));
    assert!(Loopback::bind_path("cb", |_: &str| Ok(())).unwrap().redirect_uri().ends_with("/cb"));
}

#[test]
fn waiting_ends_at_the_deadline() {
    for way in BOTH {
        let mut browser = Loopback::bind(|_: &str| Ok(())).unwrap();
        let began = Instant::now();
        let error = drive(way, &mut login(&browser.redirect_uri(), 2), &mut browser).unwrap_err();
        assert_eq!(error.code(), "expired", "{way:?}");
        let took = began.elapsed();
        assert!(took > Duration::from_millis(1900) && took < Duration::from_secs(5), "{took:?}");
    }
}

#[test]
fn waiting_ends_when_cancelled() {
    for way in BOTH {
        let (opener, pages) = scripted(|_| ());
        let mut browser = Loopback::bind(opener).unwrap();
        let redirect_uri = browser.redirect_uri();
        for early in [true, false] {
            let canceller = browser.canceller();
            let cancel = canceller.clone();
            let thread = thread::spawn(move || {
                thread::sleep(Duration::from_millis(if early { 0 } else { 100 }));
                cancel.cancel();
            });
            if early {
                thread.join().unwrap();
            }
            let error = drive(way, &mut login(&redirect_uri, 60), &mut browser).unwrap_err();
            assert!(matches!(error, DriveError::Login(Error::Over(Over::Cancelled))), "{error}");
            take(&pages);
            // Late: it must not end the next login.
            canceller.cancel();
        }
        let (opener, pages) = scripted(|url| get(&redirect(url)));
        let mut browser = Loopback::bind(opener).unwrap();
        let late = browser.canceller();
        drive(way, &mut login(&browser.redirect_uri(), 60), &mut browser).unwrap();
        late.cancel();
        drive(way, &mut login(&browser.redirect_uri(), 60), &mut browser).unwrap();
        take(&pages);
        take(&pages);
    }
}

#[test]
fn an_opener_that_fails_tells_nothing_of_the_url() {
    let fails = |url: &str| Err(std::io::Error::other(format!("cannot run xdg-open {url}")));
    for way in BOTH {
        let mut browser = Loopback::bind(fails).unwrap();
        let error = drive(way, &mut login(&browser.redirect_uri(), 60), &mut browser).unwrap_err();
        assert!(matches!(error, DriveError::Browser(BrowserError::Open(_))));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("state="), "{shown}");
    }
}

/// What a future that was dropped has not read is there for the next, and no second window opens for it.
#[test]
fn a_dropped_login_is_driven_again() {
    let polled = Arc::new(AtomicBool::new(false));
    let may_go = Arc::clone(&polled);
    let (opener, pages) = scripted(move |url| {
        assert!(soon(|| may_go.load(Ordering::SeqCst)));
        get(&redirect(url))
    });
    let mut browser = Loopback::bind(opener).unwrap();
    let mut pending = login(&browser.redirect_uri(), 60);
    {
        let mut task =
            std::pin::pin!(drive::login(&mut pending, Entropy::from_os().unwrap(), &Server, &mut browser, &Clock));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(std::future::Future::poll(task.as_mut(), &mut context).is_pending());
        polled.store(true, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(500));
    }
    let tokens = drive(Way::Async, &mut pending, &mut browser).unwrap();
    assert_eq!(tokens.access_token().reveal(), "AT1");
    assert!(take(&pages).starts_with("HTTP/1.1 200 OK"));
    assert!(pages.recv_timeout(Duration::from_millis(50)).is_err(), "opened twice");
}

#[test]
fn the_future_can_go_to_another_thread() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let (opener, pages) = scripted(|url| get(&redirect(url)));
    let mut browser = Loopback::bind(opener).unwrap();
    let mut pending = login(&browser.redirect_uri(), 60);
    thread::spawn(move || {
        let entropy = Entropy::from_os().unwrap();
        block_on(is_send(drive::login(&mut pending, entropy, &Server, &mut browser, &Clock))).unwrap();
    })
    .join()
    .unwrap();
    take(&pages);
}

/// Asks for the redirect, reads nothing for as long, and then all; returns how much that was.
fn read_late(url: &str, pause: Duration) -> std::io::Result<usize> {
    let mut stream = connect(&redirect(url));
    stream.write_all(request(&redirect(url)).as_bytes())?;
    thread::sleep(pause);
    let (mut read, mut buffer) = (0, vec![0; 64 << 10]);
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(read),
            Ok(count) => read += count,
            // The connection is kept open.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(read),
            Err(error) => return Err(error),
        }
    }
}

/// The page is big and read slowly: the drop waits for it, and nothing else is too slow for it.
#[test]
fn the_page_is_written_to_the_end() {
    for (drops_before, pause) in [(true, 1200), (false, 3600)] {
        let (opener, pages) = scripted(move |url| read_late(url, Duration::from_millis(pause)));
        let page = Page::html(200, "x".repeat(24 << 20)).unwrap();
        let browser = &mut Some(Loopback::bind(opener).unwrap().pages(move |_| page.clone()));
        let running = browser.as_mut().unwrap();
        drive(Way::Blocking, &mut login(&running.redirect_uri(), 60), running).unwrap();
        if drops_before {
            *browser = None;
        }
        let read = take(&pages).unwrap();
        assert!(read > 24 << 20, "{read}");
    }
}

/// But not for a browser that does not read.
#[test]
fn the_drop_does_not_wait_forever() {
    let stuck = |url: &str| {
        let mut stream = connect(&redirect(url));
        stream.write_all(request(&redirect(url)).as_bytes()).unwrap();
        thread::sleep(Duration::from_secs(6));
    };
    let (opener, pages) = scripted(stuck);
    let page = Page::html(200, "x".repeat(32 << 20)).unwrap();
    let mut browser = Loopback::bind(opener).unwrap().pages(move |_| page.clone());
    drive(Way::Blocking, &mut login(&browser.redirect_uri(), 60), &mut browser).unwrap();
    let began = Instant::now();
    drop(browser);
    let took = began.elapsed();
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(4), "{took:?}");
    take(&pages);
}

/// Octets that nobody reads do not reset the connection: the page is read to the end.
#[test]
fn more_than_a_request_does_not_lose_the_page() {
    let more = |url: &str| {
        let mut stream = connect(&redirect(url));
        let request = request(&redirect(url)).replace("User-Agent: test", "Connection: close");
        stream.write_all((request + &"x".repeat(20_000)).as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(100));
        stream.write_all("x".repeat(20_000).as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).map(|_| text)
    };
    let (opener, pages) = scripted(more);
    let mut browser = Loopback::bind(opener).unwrap();
    drive(Way::Blocking, &mut login(&browser.redirect_uri(), 60), &mut browser).unwrap();
    drop(browser);
    assert!(take(&pages).unwrap().starts_with("HTTP/1.1 200 OK"));
}
