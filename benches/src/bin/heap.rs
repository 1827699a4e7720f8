//! Counts heap allocations: for each row, and for a login that waits for its redirect.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use oauth_proto::Login;
use oauth_proto_benches::ours::{self, App};
use oauth_proto_benches::{operations, peer, sizes, Meter, Row};

struct Counting;

/// Blocks that were allocated or grown, and the octets requested for them; blocks that were freed; octets allocated now, and
/// their maximum; blocks allocated now.
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static ASKED: AtomicUsize = AtomicUsize::new(0);
static FREED: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static BLOCKS: AtomicUsize = AtomicUsize::new(0);

fn takes(old: usize, new: usize) {
    TAKEN.fetch_add(1, Relaxed);
    ASKED.fetch_add(new, Relaxed);
    let live = LIVE.fetch_add(new, Relaxed) + new;
    PEAK.fetch_max(live, Relaxed);
    LIVE.fetch_sub(old, Relaxed);
}

// SAFETY: all arguments are passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        takes(0, layout.size());
        BLOCKS.fetch_add(1, Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        FREED.fetch_add(1, Relaxed);
        BLOCKS.fetch_sub(1, Relaxed);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        takes(layout.size(), size);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allocations of an operation.
#[derive(Clone, Copy, Default)]
struct Cost {
    taken: usize,
    asked: usize,
    freed: usize,
    peak: usize,
}

fn cost<T>(operation: impl FnOnce() -> T) -> (Cost, T) {
    let (taken, asked, freed, live) =
        (TAKEN.load(Relaxed), ASKED.load(Relaxed), FREED.load(Relaxed), LIVE.load(Relaxed));
    PEAK.store(live, Relaxed);
    let result = operation();
    let cost = Cost {
        taken: TAKEN.load(Relaxed) - taken,
        asked: ASKED.load(Relaxed) - asked,
        freed: FREED.load(Relaxed) - freed,
        peak: PEAK.load(Relaxed) - live,
    };
    (cost, result)
}

struct Heap;

impl Meter for Heap {
    fn measure<S>(&mut self, row: Row, mut prepare: impl FnMut() -> S, mut operation: impl FnMut(&mut S)) {
        operation(&mut prepare());
        let mut most = Cost::default();
        for _ in 0..8 {
            let mut state = prepare();
            let (cost, ()) = cost(|| operation(&mut state));
            most.taken = most.taken.max(cost.taken);
            most.asked = most.asked.max(cost.asked);
            most.freed = most.freed.max(cost.freed);
            most.peak = most.peak.max(cost.peak);
        }
        let Cost { taken, asked, freed, peak } = most;
        println!("{}\t{}\t{}\t{taken}\t{asked}\t{freed}\t{peak}", row.name, row.of, row.input);
    }
}

/// What is kept of a login while the user is in the browser, without the shared parts and the URL.
fn pending<T>(of: &str, start: impl Fn() -> T) {
    drop(start());
    let (blocks, octets) = (BLOCKS.load(Relaxed), LIVE.load(Relaxed));
    let pending = start();
    let (blocks, octets) = (BLOCKS.load(Relaxed) - blocks, LIVE.load(Relaxed) - octets);
    println!("pending\t{of}\t{}\t{blocks}\t{octets}", size_of::<T>());
    drop(pending);
}

fn main() {
    operations::all(&mut Heap);
    sizes::all(&mut Heap);
    let (app, peer) = (App::new(), peer::app());
    pending("oauth-proto", || -> Login {
        let mut login = app.login();
        drop(ours::start(&mut login));
        login
    });
    pending("oauth2", || peer::start(&peer).1);
}
