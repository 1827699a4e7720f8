// Invariant: for any events, a session does what its model says: one refresh at a time, no token lost, none after sign-out.
#![no_main]

#[allow(dead_code, unused_imports)] // one model of two is used here
#[path = "../../tests/machines/model.rs"]
mod model;

/// Longer runs are slow and find little more.
const MAX_OCTETS: usize = 256;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = model::session::run(data.iter().copied().take(MAX_OCTETS));
});
