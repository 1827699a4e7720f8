// Invariant: for any events, a login does what its model says; saving and resuming it before every operation changes nothing.
#![no_main]

#[allow(dead_code, unused_imports)] // one model of two is used here
#[path = "../../tests/machines/model.rs"]
mod model;

/// Longer runs are slow and find little more.
const MAX_OCTETS: usize = 256;

use libfuzzer_sys::fuzz_target;
use model::login::{run, Mode};

fuzz_target!(|data: &[u8]| {
    let kept = run(data.iter().copied().take(MAX_OCTETS), Mode::Free);
    let resumed = run(data.iter().copied().take(MAX_OCTETS), Mode::Restarted);
    assert_eq!(kept.lines, resumed.lines);
});
