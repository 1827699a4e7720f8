//! What is kept of a run: a trace for whoever reads a failure, and counts that show that the runs are not empty.

use std::collections::BTreeMap;

/// The steps of one run in words. Off unless a run is replayed, since words cost time.
#[derive(Default)]
pub struct Trace {
    pub on: bool,
    pub lines: Vec<String>,
}

impl Trace {
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if self.on {
            self.lines.push(line());
        }
    }
}

/// How often each thing happened.
#[derive(Default)]
pub struct Counts(pub BTreeMap<&'static str, u64>);

impl Counts {
    pub fn add(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }
}
