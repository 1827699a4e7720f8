//! The operations that are measured, written once for all the programs that measure them.
//!
//! `login.rs` measures time (criterion), `src/bin/instructions.rs` counts instructions (under callgrind), `src/bin/heap.rs`
//! heap allocations. `src/bin/table.rs` runs the last two and writes the table in `README.md`.

pub mod inputs;
pub mod openid;
pub mod operations;
pub mod ours;
pub mod peer;
pub mod sizes;

/// Measures what an operation costs.
pub trait Meter {
    /// Measures `operation` any number of times, each time on a new state from `prepare`. Making and dropping the state does
    /// not count; dropping what the operation made does.
    fn measure<S>(&mut self, row: Row, prepare: impl FnMut() -> S, operation: impl FnMut(&mut S));
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The operation, or the kind of input.
    pub name: &'static str,
    /// The crate that does it.
    pub of: &'static str,
    /// The size of the input in octets; 0 if the row is not about size.
    pub input: usize,
}

impl Row {
    /// A row about an input of this size.
    pub fn sized(name: &'static str, of: &'static str, input: usize) -> Self {
        Self { name, of, input }
    }
}
