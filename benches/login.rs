//! Time per operation, `oauth2` beside oauth-proto: `cargo bench -p oauth-proto-benches`.

use criterion::{BatchSize, Criterion};
use oauth_proto_benches::{operations, Meter, Row};

struct Time<'a>(&'a mut Criterion);

impl Meter for Time<'_> {
    fn measure<S>(&mut self, row: Row, mut prepare: impl FnMut() -> S, mut operation: impl FnMut(&mut S)) {
        let mut group = self.0.benchmark_group(row.name.replace(' ', "_").to_lowercase());
        group.bench_function(row.of, |bencher| {
            bencher.iter_batched_ref(&mut prepare, &mut operation, BatchSize::SmallInput);
        });
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    operations::compared(&mut Time(&mut criterion));
    criterion.final_summary();
}
