//! The threads: one for each address accepts, one for each connection serves it.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{sleep, Builder, JoinHandle};
use std::time::{Duration, Instant};

use oauth_proto::loopback::Receiver;

use super::connection::{Served, Times};
use crate::browser::inbox::{Inbox, STACK_BYTES};

/// The most connections that are served at a time.
pub(super) const MAX_CONNECTIONS: usize = 16;

/// How long stopping waits for pages that are being sent, and then for threads.
const STOP_TIME: Duration = Duration::from_secs(2);

/// How long a new connection waits for an old one to end.
const ROOM_TIME: Duration = Duration::from_secs(2);

/// Listens until it is dropped.
pub(super) struct Listener {
    shared: Arc<Shared>,
    acceptors: Vec<(SocketAddr, JoinHandle<()>)>,
}

/// What the threads share.
pub(super) struct Shared {
    pub receiver: Receiver,
    pub inbox: Arc<Inbox>,
    times: Times,
    stopping: AtomicBool,
    table: Mutex<Table>,
    /// A connection has ended, or a page was sent.
    changed: Condvar,
}

#[derive(Default)]
struct Table {
    /// The connections that are open, the oldest first.
    open: Vec<(Arc<Served>, Option<JoinHandle<()>>)>,
    /// Threads that have nothing left to do but end.
    ending: Vec<JoinHandle<()>>,
}

impl Listener {
    pub fn start(receiver: Receiver, inbox: Arc<Inbox>, times: Times, sockets: Vec<TcpListener>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            receiver,
            inbox,
            times,
            stopping: AtomicBool::new(false),
            table: Mutex::default(),
            changed: Condvar::new(),
        });
        let mut listener = Self { shared, acceptors: Vec::new() };
        for socket in sockets {
            let address = socket.local_addr()?;
            let shared = Arc::clone(&listener.shared);
            let thread = spawn("oauth-accept", move || shared.accept(&socket))?;
            listener.acceptors.push((address, thread));
        }
        Ok(listener)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.inbox.close();
        self.shared.stopping.store(true, Ordering::SeqCst);
        for (address, thread) in self.acceptors.drain(..) {
            let end = after(STOP_TIME);
            // What wakes a thread that accepts is a connection.
            while !thread.is_finished() && Instant::now() < end {
                let _ = TcpStream::connect_timeout(&address, Duration::from_millis(200));
                let mut turns = 0_u32;
                while !thread.is_finished() && turns < 20 {
                    sleep(Duration::from_millis(1));
                    turns = turns.saturating_add(1);
                }
            }
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
        self.shared.stop();
    }
}

impl Shared {
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Says that a page was sent.
    pub fn sent(&self) {
        // The lock, so that nobody misses it between looking and waiting.
        drop(self.table());
        self.changed.notify_all();
    }

    fn accept(self: &Arc<Self>, socket: &TcpListener) {
        loop {
            let accepted = socket.accept();
            if self.is_stopping() {
                return;
            }
            match accepted {
                Ok((stream, _)) => self.admit(stream),
                // Too many open files, for example: it may pass.
                Err(_) => sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Serves a connection; closes the oldest if there are too many.
    fn admit(self: &Arc<Self>, stream: TcpStream) {
        let served = Arc::new(Served::new(stream, self.times));
        let end = after(ROOM_TIME);
        let mut table = self.table();
        while table.open.len() >= MAX_CONNECTIONS {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.is_stopping() {
                return;
            }
            table.close_one();
            (table, _) = self.changed.wait_timeout(table, left).unwrap_or_else(PoisonError::into_inner);
        }
        let ending = std::mem::take(&mut table.ending);
        let shared = Arc::clone(self);
        let own = Arc::clone(&served);
        // The thread may end before its handle is in the table: it waits for the lock to leave.
        let leave = Leave { shared, served: own };
        if let Ok(thread) = spawn("oauth-redirect", move || leave.served.serve(&leave.shared)) {
            table.open.push((served, Some(thread)));
        }
        drop(table);
        for thread in ending {
            let _ = thread.join();
        }
    }

    /// Ends all connections; those whose page is being sent, after it.
    fn stop(&self) {
        let end = after(STOP_TIME);
        let mut table = self.table();
        loop {
            for (served, _) in &table.open {
                if !served.is_busy() {
                    served.end();
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if table.open.is_empty() || left.is_zero() {
                break;
            }
            (table, _) = self.changed.wait_timeout(table, left).unwrap_or_else(PoisonError::into_inner);
        }
        for (served, _) in &table.open {
            served.close();
        }
        let end = after(STOP_TIME);
        while !table.open.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            (table, _) = self.changed.wait_timeout(table, left).unwrap_or_else(PoisonError::into_inner);
        }
        let ending = std::mem::take(&mut table.ending);
        drop(table);
        for thread in ending {
            let _ = thread.join();
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Closes the oldest connection, if possible one that waits for no page, unless one is being closed.
    fn close_one(&self) {
        let closing = self.open.iter().filter(|(served, _)| served.is_closed()).count();
        if self.open.len().saturating_sub(closing) < MAX_CONNECTIONS {
            return;
        }
        let oldest = |busy| self.open.iter().find(move |(served, _)| served.is_busy() == busy && !served.is_closed());
        if let Some((served, _)) = oldest(false).or_else(|| oldest(true)) {
            served.close();
        }
    }
}

/// Takes a connection off the table when its thread ends, however it ends.
struct Leave {
    shared: Arc<Shared>,
    served: Arc<Served>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        // Now, not only with the table's own reference.
        let _ = self.served.stream().shutdown(Shutdown::Both);
        let mut table = self.shared.table();
        if let Some(at) = table.open.iter().position(|(served, _)| Arc::ptr_eq(served, &self.served)) {
            let (_, thread) = table.open.remove(at);
            table.ending.extend(thread);
        }
        drop(table);
        self.shared.changed.notify_all();
    }
}

fn spawn(name: &str, task: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.into()).stack_size(STACK_BYTES).spawn(task)
}

/// The time after this long.
pub(super) fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use std::io::{Read, Write};
    use std::thread;

    use oauth_proto::redirect::RedirectUri;
    use oauth_proto::UnixTime;

    use super::*;

    const TIMES: Times = Times {
        idle: Duration::from_millis(400),
        request: Duration::from_millis(1200),
        linger: Duration::from_millis(300),
    };

    fn listener() -> (Listener, SocketAddr) {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let receiver = Receiver::new(&RedirectUri::new(&format!("http://{address}/cb")).unwrap()).unwrap();
        (Listener::start(receiver, Arc::default(), TIMES, vec![socket]).unwrap(), address)
    }

    /// Sends each of these after the pause, and returns what came, and when the connection was closed.
    fn send(address: SocketAddr, pieces: &[&str], pause: u64) -> (String, Duration) {
        let (mut stream, began) = (TcpStream::connect(address).unwrap(), Instant::now());
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let pieces: Vec<String> = pieces.iter().map(ToString::to_string).collect();
        let writing = thread::spawn(move || {
            for piece in pieces {
                if writer.write_all(piece.as_bytes()).is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(pause));
            }
        });
        let (mut text, mut buffer) = (Vec::new(), [0; 1024]);
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            text.extend_from_slice(&buffer[..count]);
        }
        let took = began.elapsed();
        writing.join().unwrap();
        (String::from_utf8(text).unwrap(), took)
    }

    #[track_caller]
    fn took(took: Duration, millis: u128) {
        assert!(took.as_millis() + 30 > millis && took.as_millis() < millis + 700, "{took:?}");
    }

    #[test]
    fn silence_is_cut_off() {
        let (_listener, address) = listener();
        let (text, time) = send(address, &[], 0);
        assert_eq!(text, "");
        took(time, 400);
        let (text, time) = send(address, &["GET /cb HTTP"], 0);
        assert_eq!(text, "");
        took(time, 400);
    }

    #[test]
    fn a_drip_is_cut_off() {
        let (_listener, address) = listener();
        let (text, time) = send(address, &["G"; 40], 100);
        assert_eq!(text, "");
        took(time, 1200);
    }

    /// Each request has its time.
    #[test]
    fn requests_on_one_connection_may_take_longer_together() {
        let (_listener, address) = listener();
        let request = format!("GET /icon HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let (text, time) = send(address, &[request.as_str(); 8], 250);
        assert_eq!(text.matches("HTTP/1.1 404").count(), 8);
        took(time, 7 * 250 + 400);
    }

    /// The browser is told that the app does not answer; the redirect is not lost.
    #[test]
    fn an_app_that_does_not_answer() {
        let (listener, address) = listener();
        let inbox = Arc::clone(&listener.shared.inbox);
        inbox.begin();
        let request = format!("GET /cb?code=C1 HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let (text, time) = send(address, &[&request], 0);
        assert!(text.starts_with("HTTP/1.1 5") && !text.contains("C1"), "{text}");
        took(time, 2000); // after a look at each second, and the time to linger is cut by the browser
        let arrival = inbox.wait(UnixTime::from_secs(0)).unwrap().unwrap();
        assert_eq!(arrival.url.reveal(), format!("http://{address}/cb?code=C1"));
    }

    /// Redirects that pile up are refused, and those with a page to come are not closed for others as long as there are any.
    #[test]
    fn redirects_are_not_closed_for_idle_connections() {
        let (listener, address) = listener();
        listener.shared.inbox.begin();
        let request = format!("GET /cb?code=C1 HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let mut first = TcpStream::connect(address).unwrap();
        first.write_all(request.as_bytes()).unwrap();
        while listener.shared.inbox.is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        let idle: Vec<_> = (0..50).map(|_| TcpStream::connect(address).unwrap()).collect();
        let arrival = listener.shared.inbox.wait(UnixTime::from_secs(0)).unwrap().unwrap();
        arrival.reply.unwrap().send(oauth_proto::loopback::Page::not_awaited()).unwrap();
        let mut answer = [0; 12];
        first.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 400");
        assert!(listener.shared.table().open.len() <= MAX_CONNECTIONS);
        drop(idle);
    }
}
