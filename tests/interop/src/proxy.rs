//! What can go wrong between the app and the server: the answer is cut off on its way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::thread;

/// Hands every request on to the server as it is, and its answer back; of some answers only the first half. It runs until the
/// tests end.
#[derive(Debug)]
pub struct Proxy {
    /// `http://127.0.0.1:` and its port.
    pub origin: String,
    to_cut: Arc<AtomicU32>,
}

impl Proxy {
    /// Before the server of this origin, on a port that the system chooses.
    pub fn before(origin: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let own = format!("http://{}", listener.local_addr().expect("an address"));
        let server = origin.strip_prefix("http://").expect("an http origin").to_owned();
        let to_cut = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&to_cut);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (server, counter) = (server.clone(), Arc::clone(&counter));
                thread::spawn(move || pass_on(&client, &server, &counter));
            }
        });
        Self { origin: own, to_cut }
    }

    /// So many of the next answers are cut off.
    pub fn cut(&self, answers: u32) {
        self.to_cut.store(answers, Ordering::SeqCst);
    }

    /// How many are yet to be cut off.
    pub fn yet_to_cut(&self) -> u32 {
        self.to_cut.load(Ordering::SeqCst)
    }
}

/// One request, and its answer.
fn pass_on(mut client: &TcpStream, server: &str, to_cut: &AtomicU32) {
    let request = whole_request(client);
    let mut server = TcpStream::connect(server).expect("the server listens");
    server.write_all(&request).expect("the server reads");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("the server answers, and closes the connection");
    let one_less = |left: u32| left.checked_sub(1);
    if to_cut.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
        answer.truncate(answer.len() / 2);
    }
    // Whoever has gone away meanwhile need not have it.
    let _ = client.write_all(&answer);
    let _ = client.shutdown(Shutdown::Both);
}

/// With a header field that has the server close the connection after its answer.
fn whole_request(client: &TcpStream) -> Vec<u8> {
    let mut client = BufReader::new(client);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        client.read_line(&mut line).expect("a header field");
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().expect("a length");
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
        request.push_str(&line);
    }
    request.push_str("connection: close\r\n\r\n");
    let mut request = request.into_bytes();
    let head = request.len();
    request.resize(head + length, 0);
    client.read_exact(&mut request[head..]).expect("the body");
    request
}
