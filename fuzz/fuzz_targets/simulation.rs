// Invariant: whatever happens to processes, network, server, clock and users, the laws of tests/simulation hold.
#![no_main]

#[allow(dead_code)] // what the seeds of the test take
#[path = "../../tests/simulation/world/mod.rs"]
mod world;

use libfuzzer_sys::fuzz_target;
use world::{run, Choices, Counts, Fixture, Trace};

/// Longer runs are slow and find little more.
const MAX_OCTETS: usize = 1024;

fuzz_target!(|data: &[u8]| {
    thread_local! {
        static FIXTURE: Fixture = Fixture::new();
    }
    let octets = data.get(..MAX_OCTETS).unwrap_or(data);
    let (mut counts, mut deaths) = (Counts::default(), Counts::default());
    FIXTURE.with(|fixture| {
        run(Choices::from_octets(octets), fixture, &mut counts, &mut deaths, &mut Trace::default());
    });
});
