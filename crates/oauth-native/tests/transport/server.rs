//! A server of a few lines, on a port of its own, which ends with the test.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// No server lives longer.
const LIFETIME: Duration = Duration::from_secs(20);

/// How often a waiting connection looks whether the test is over.
const TICK: Duration = Duration::from_millis(20);

pub struct Server {
    pub port: u16,
    log: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// One connection.
pub struct Peer {
    pub stream: TcpStream,
    /// Which one it is, from 0.
    pub index: usize,
    log: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Hands each connection to `serve`, in a thread of its own.
    pub fn start(serve: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (log, connections, stop) = (Arc::default(), Arc::new(Mutex::new(0)), Arc::new(AtomicBool::new(false)));
        let serve = Arc::new(serve);
        let shared = (Arc::clone(&log), Arc::clone(&connections), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let (log, connections, stop) = shared;
            let (end, mut workers) = (Instant::now() + LIFETIME, Vec::new());
            while !stop.load(Ordering::SeqCst) && Instant::now() < end {
                match listener.accept() {
                    Ok((stream, _)) => {
                        stream.set_nonblocking(false).unwrap();
                        stream.set_read_timeout(Some(TICK)).unwrap();
                        stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
                        let mut count = connections.lock().unwrap();
                        let mut peer = Peer { stream, index: *count, log: Arc::clone(&log), stop: Arc::clone(&stop) };
                        *count += 1;
                        let serve = Arc::clone(&serve);
                        workers.push(thread::spawn(move || serve(&mut peer)));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(2)),
                    Err(error) => panic!("{error}"),
                }
            }
            for worker in workers {
                let _ = worker.join();
            }
        });
        Self { port, log, connections, stop, thread: Some(thread) }
    }

    /// Reads one request from each connection, answers with these bytes and closes.
    pub fn answers(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::start(move |peer| {
            peer.request();
            peer.send(&response);
        })
    }

    /// What was read so far, request by request.
    pub fn requests(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = self.thread.take().unwrap().join();
    }
}

impl Peer {
    /// Reads one request with its body; what was read if the connection ends before.
    pub fn request(&mut self) -> String {
        let mut read = Vec::new();
        while !is_whole(&read) {
            let mut octet = [0];
            match self.stream.read(&mut octet) {
                Ok(1..) => read.push(octet[0]),
                Err(error) if is_tick(&error) && !self.is_over() => {}
                _ => break,
            }
        }
        if !read.is_empty() {
            self.note(&read);
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Writes down what was read.
    pub fn note(&mut self, read: &[u8]) {
        self.log.lock().unwrap().push(String::from_utf8_lossy(read).into_owned());
    }

    /// Writes; `false` when the other side is gone.
    pub fn send(&mut self, octets: &[u8]) -> bool {
        self.stream.write_all(octets).is_ok()
    }

    /// Waits until bytes have arrived, and leaves them unread: dropping the stream then resets the connection.
    pub fn wait_for_bytes(&mut self) {
        while !self.is_over() && self.stream.peek(&mut [0]).is_err_and(|error| is_tick(&error)) {}
    }

    /// Says and does nothing until the other side closes or the test is over.
    pub fn be_silent(&mut self) {
        let end = Instant::now() + LIFETIME;
        while !self.is_over() && Instant::now() < end {
            match self.stream.read(&mut [0; 1024]) {
                Ok(1..) => {}
                Err(error) if is_tick(&error) => {}
                _ => return,
            }
        }
    }

    /// Whether the test is over.
    pub fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Closes in an orderly way: all that was written arrives.
    pub fn close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn is_tick(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

pub fn is_whole(read: &[u8]) -> bool {
    let text = String::from_utf8_lossy(read);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
