// Invariant: whatever happens, a session does what its model says: one refresh at a time, no token lost, none after sign-out.
#![no_main]

#[path = "../../tests/machines/model.rs"]
mod model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = model::session::run(data.iter().copied(), model::session::Mode::Free);
});
