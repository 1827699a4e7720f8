// Invariant: whatever happens, a login does what its model says; saving and resuming it before every operation does not show.
#![no_main]

#[path = "../../tests/machines/model.rs"]
mod model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let kept = model::login::run(data.iter().copied(), false);
    let resumed = model::login::run(data.iter().copied(), true);
    assert_eq!(kept, resumed);
});
