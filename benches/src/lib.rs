//! What the benchmarks measure: every operation once, for all who count something about it.
//!
//! `login.rs` counts time (criterion), `src/bin/instructions.rs` instructions (under callgrind), `src/bin/heap.rs` what
//! is asked of the allocator. `src/bin/table.rs` runs the last two and writes the table in `README.md`.

pub mod inputs;
pub mod openid;
pub mod operations;
pub mod ours;
pub mod peer;
pub mod sizes;

/// Something that counts what an operation costs.
pub trait Meter {
    /// Measures `operation`, as often as it likes, each time on a state of its own that `prepare` makes. Neither
    /// making the state nor dropping it counts; whatever the operation makes it also drops, and that counts.
    fn measure<S>(&mut self, row: Row, prepare: impl FnMut() -> S, operation: impl FnMut(&mut S));
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is done, or the kind of input.
    pub name: &'static str,
    /// Which crate does it.
    pub of: &'static str,
    /// How large the input is, in octets; 0 where that is not the question.
    pub input: usize,
}

impl Row {
    /// A row about an input of a size.
    pub fn sized(name: &'static str, of: &'static str, input: usize) -> Self {
        Self { name, of, input }
    }
}
