//! The threads: one for each address accepts, one for each connection serves it.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{sleep, Builder, JoinHandle};
use std::time::{Duration, Instant};

use oauth_proto::loopback::Receiver;

use super::connection::Served;
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
    pub fn start(receiver: Receiver, inbox: Arc<Inbox>, sockets: Vec<TcpListener>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            receiver,
            inbox,
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
        let served = Arc::new(Served::new(stream));
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
