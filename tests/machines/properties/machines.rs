//! Any sequence of events: both machines do as their models say, and a restart does not show.

use std::collections::BTreeSet;

use oauth_proto::Phase;
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};

use super::cases;
use crate::model::{login, session};

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn the_login_does_as_its_model_says(bytes in vec(any::<u8>(), 0..120)) {
        login::run(bytes.into_iter(), login::Mode::Free);
    }

    #[test]
    fn a_login_that_is_saved_and_resumed_at_every_step_says_the_same(bytes in vec(any::<u8>(), 0..120)) {
        let straight = login::run(bytes.iter().copied(), login::Mode::Free).lines;
        prop_assert_eq!(login::run(bytes.into_iter(), login::Mode::Restarted).lines, straight);
    }

    #[test]
    fn the_session_does_as_its_model_says(bytes in vec(any::<u8>(), 0..200)) {
        session::run(bytes.into_iter());
    }
}

/// The runs reach all there is: every transition of both tables, and no other.
#[test]
fn the_runs_go_from_phase_to_phase_as_the_tables_say() {
    let (mut login_seen, mut session_seen) = (BTreeSet::new(), BTreeSet::new());
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..3000 {
        let bytes: Vec<u8> = (0..180).map(|_| next(&mut random)).collect();
        if round < 1400 {
            let changes = session::run(bytes.iter().copied()).phase_changes;
            session_seen.extend(changes.iter().map(|(from, to)| format!("{from:?} to {to:?}")));
        }
        let changes = login::run(bytes.iter().copied(), login::Mode::Free).phase_changes;
        login_seen.extend(changes.iter().map(|(from, to)| format!("{from:?} to {to:?}")));
    }
    let rows = oauth_proto::session::transitions::TRANSITIONS.iter();
    assert_same(&session_seen, &rows.map(|row| format!("{:?} to {:?}", row.from, row.to)).collect());
    let needs_openid = |phase| matches!(phase, Phase::FetchingKeys | Phase::Verifying);
    let rows = oauth_proto::login::transitions::TRANSITIONS.iter().filter(|row| row.from != row.to);
    let rows = rows.filter(|row| cfg!(feature = "openid") || !needs_openid(row.from) && !needs_openid(row.to));
    assert_same(&login_seen, &rows.map(|row| format!("{:?} to {:?}", row.from, row.to)).collect());
}

#[track_caller]
fn assert_same(seen: &BTreeSet<String>, table: &BTreeSet<String>) {
    let never: Vec<_> = table.difference(seen).collect();
    let beside: Vec<_> = seen.difference(table).collect();
    assert!(never.is_empty() && beside.is_empty(), "never seen: {never:?}; not in the table: {beside:?}");
}

/// xorshift64: the same numbers every time.
fn next(random: &mut u64) -> u8 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    random.to_le_bytes()[3]
}
