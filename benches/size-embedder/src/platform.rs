//! The platform: memory, standard input and output of the C library. All unsafe code is here.

use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::panic::PanicInfo;

#[link(name = "c")]
extern "C" {
    fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void;
    fn malloc(size: usize) -> *mut c_void;
    fn realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn free(block: *mut c_void);
    fn abort() -> !;
    fn read(file: i32, buffer: *mut c_void, size: usize) -> isize;
    fn write(file: i32, buffer: *const c_void, size: usize) -> isize;
}

/// What `malloc` aligns to.
const ALIGNED: usize = 2 * size_of::<usize>();

struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: malloc and aligned_alloc give blocks as large and as aligned as they are asked for, or null; free takes both.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNED {
            malloc(layout.size()).cast()
        } else {
            aligned_alloc(layout.align(), layout.size().next_multiple_of(layout.align())).cast()
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        free(block.cast());
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGNED {
            return realloc(block.cast(), size).cast();
        }
        let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
        if !new.is_null() {
            new.copy_from_nonoverlapping(block, layout.size().min(size));
            free(block.cast());
        }
        new
    }
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}

/// `alloc` comes compiled for unwinding and refers to these two; with `panic = "abort"` nobody calls them.
#[no_mangle]
extern "C" fn rust_eh_personality() {}

#[no_mangle]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}

/// All of the standard input.
pub fn read_stdin() -> Vec<u8> {
    let mut all = Vec::new();
    let mut part = [0_u8; 512];
    loop {
        // SAFETY: the buffer has as many octets as are asked for.
        let read = unsafe { read(0, part.as_mut_ptr().cast(), part.len()) };
        match usize::try_from(read).ok().and_then(|read| part.get(..read)) {
            Some([]) | None => return all,
            Some(octets) => all.extend_from_slice(octets),
        }
    }
}

/// Writes it all to the standard output.
pub fn write_stdout(mut octets: &[u8]) {
    while !octets.is_empty() {
        // SAFETY: the buffer has as many octets as are written.
        let written = unsafe { write(1, octets.as_ptr().cast(), octets.len()) };
        match usize::try_from(written).ok().and_then(|written| octets.get(written..)) {
            Some(rest) if written > 0 => octets = rest,
            _ => return,
        }
    }
}
