//! The heap, which is fixed and knows its highest level, and the highest level of the stack.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering};

use cortex_m_rt::STACK_PAINT_VALUE;
use embedded_alloc::LlffHeap;

/// The size of the heap. What needs more ends in the panic handler.
pub const HEAP_BYTES: usize = 16 * 1024;

#[global_allocator]
static HEAP: Counted = Counted { heap: LlffHeap::empty(), peak: AtomicUsize::new(0) };

/// An allocator that remembers the most bytes that were in use, with what it adds to each block.
struct Counted {
    heap: LlffHeap,
    peak: AtomicUsize,
}

impl Counted {
    unsafe fn init(&self, start: usize, size: usize) {
        self.heap.init(start, size);
    }
}

// SAFETY: `LlffHeap` allocates; counting changes nothing.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = self.heap.alloc(layout);
        self.peak.fetch_max(self.heap.used(), Ordering::Relaxed);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.heap.dealloc(block, layout);
    }
}

/// Gives the heap its memory. Called once, before anything is allocated.
pub fn begin() {
    // SAFETY: called once, and the memory is a static variable of the macro, which nobody else has.
    unsafe {
        embedded_alloc::init!(HEAP, HEAP_BYTES);
    }
}

/// The most bytes of heap that were in use.
pub fn heap_peak() -> usize {
    HEAP.peak.load(Ordering::Relaxed)
}

/// The most bytes of stack that were in use. Before `main`, cortex-m-rt paints all of it; what still has the paint was never
/// used.
pub fn stack_peak() -> usize {
    extern "C" {
        static _stack_start: u32;
        static _stack_end: u32;
    }
    let (mut lowest, start) = (&raw const _stack_end, &raw const _stack_start);
    // SAFETY: the linker reserves all words between the two for the stack; they are read only, and not cached.
    unsafe {
        while lowest < start && lowest.read_volatile() == STACK_PAINT_VALUE {
            lowest = lowest.add(1);
        }
        start.byte_offset_from(lowest).unsigned_abs()
    }
}
