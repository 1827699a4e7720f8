//! RFC 8252 §7.3: the app listens on a loopback port for the redirect.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

/// A listener on a port that the system chose.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    origin: String,
}

impl Loopback {
    /// Listens on 127.0.0.1.
    pub fn bind() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        Self { listener, origin }
    }

    /// The redirect URI to register with the client configuration.
    pub fn redirect_uri(&self) -> String {
        format!("{}/callback", self.origin)
    }

    /// `http://127.0.0.1:` and the port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The URL of the next request that comes in, whatever it is.
    pub fn next_url(&self) -> String {
        self.accept().0
    }

    /// The body of the next request that comes in: the form post.
    pub fn next_form(&self) -> String {
        self.accept().1
    }

    fn accept(&self) -> (String, String) {
        let (mut stream, _) = self.listener.accept().expect("a connection");
        let mut request = BufReader::new(&stream);
        let mut first = String::new();
        request.read_line(&mut first).expect("a request line");
        let target = first.split(' ').nth(1).expect("a request target");
        let url = format!("{}{target}", self.origin);

        let mut length = 0;
        loop {
            let mut line = String::new();
            request.read_line(&mut line).expect("a header field");
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().expect("a length");
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        request.read_exact(&mut body).expect("the body");

        let page = "You may close this window.";
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length:";
        write!(stream, "{head} {}\r\n\r\n{page}", page.len()).expect("the browser reads its page");
        (url, String::from_utf8(body).expect("a form"))
    }
}

/// The browser loads `urls` one after another, as it follows a redirect to the app.
pub fn browser_loads(urls: Vec<String>) -> JoinHandle<()> {
    thread::spawn(move || {
        let agent = super::http::agent();
        for url in urls {
            agent.get(&url).call().expect("the app answers");
        }
    })
}

/// The browser posts a form, as the page that the server sent it does by itself.
pub fn browser_posts(action: String, fields: Vec<(String, String)>) -> JoinHandle<()> {
    thread::spawn(move || {
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        super::http::agent().post(&action).send_form(fields).expect("the app answers");
    })
}
