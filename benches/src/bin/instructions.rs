//! Run under callgrind by `table`, which reads one profile per row: everything called by `callgrind_counts` is counted,
//! and each call of `callgrind_dumps` ends a profile. Prints the names of the rows.

use std::hint::black_box;

use oauth_proto_benches::{operations, sizes, Meter, Row};

struct Callgrind;

impl Meter for Callgrind {
    fn measure<S>(&mut self, row: Row, mut prepare: impl FnMut() -> S, mut operation: impl FnMut(&mut S)) {
        let (warm_up, rounds) = if row.input > 0 { (1, 1) } else { (4, 32) };
        for _ in 0..warm_up {
            operation(&mut prepare());
        }
        for _ in 0..rounds {
            callgrind_counts(&mut prepare(), &mut operation);
        }
        println!("{}\t{}\t{}\t{rounds}", row.name, row.of, row.input);
        callgrind_dumps(row);
    }
}

#[inline(never)]
fn callgrind_counts<S>(state: &mut S, operation: &mut impl FnMut(&mut S)) {
    operation(state);
}

#[inline(never)]
fn callgrind_dumps(row: Row) {
    black_box(row);
}

fn main() {
    operations::all(&mut Callgrind);
    sizes::all(&mut Callgrind);
}
