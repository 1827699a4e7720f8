//! `session::TRANSITIONS` against the code: every phase with every trigger.

use oauth_proto::session::{SessionTrigger as Trigger, TRANSITIONS};
use oauth_proto::SessionPhase as Phase;

use super::assert_lists_all;
use super::session_events::{bring, fire, variants};

pub const PHASES: [Phase; 7] = [
    Phase::Active,
    Phase::Refreshing,
    Phase::OutcomeUnknown,
    Phase::Retrying,
    Phase::LoginRequired,
    Phase::SigningOut,
    Phase::SignedOut,
];

pub const TRIGGERS: [Trigger; 17] = [
    Trigger::AccessFresh,
    Trigger::AccessDue,
    Trigger::AccessTimedOut,
    Trigger::Refused,
    Trigger::RefusedAgain,
    Trigger::ResponseWithTokens,
    Trigger::LateResponseWithTokens,
    Trigger::InvalidGrant,
    Trigger::ResponseLater,
    Trigger::UnknownRequest,
    Trigger::NotDelivered,
    Trigger::MaybeDelivered,
    Trigger::SignOut,
    Trigger::SignOutHere,
    Trigger::Revoked,
    Trigger::RevocationLater,
    Trigger::RevocationGivenUp,
];

#[test]
fn the_lists_hold_every_phase_and_every_trigger() {
    assert_lists_all(&PHASES, "SessionPhase", include_str!("../../../src/session/mod.rs"));
    assert_lists_all(&TRIGGERS, "SessionTrigger", include_str!("../../../src/session/state.rs"));
}

#[test]
fn every_phase_does_with_every_trigger_what_the_table_says() {
    let mut fired = 0;
    for from in PHASES {
        for on in TRIGGERS {
            let to = TRANSITIONS.iter().find(|row| row.from == from && row.on == on).map_or(from, |row| row.to);
            for variant in 0..variants(on) {
                for mut scene in bring(from, on) {
                    assert_eq!(scene.session.phase(), from, "the scene for {on:?} is set wrong");
                    let before = scene.seen();
                    let refused = fire(&mut scene, on, variant);
                    assert_eq!(scene.session.phase(), to, "{from:?}, {on:?}, variant {variant}");
                    if let Some(error) = refused {
                        assert!(!error.is_fatal(), "{from:?}, {on:?}, variant {variant}: {error}");
                        assert_eq!(
                            scene.seen(),
                            before,
                            "{from:?}, {on:?}, variant {variant}: changed by what it refused"
                        );
                    }
                    fired += 1;
                }
            }
        }
    }
    assert!(fired > 200, "{fired} events were fired");
}

#[test]
fn no_row_of_the_session_table_is_there_twice() {
    for (index, row) in TRANSITIONS.iter().enumerate() {
        let same = TRANSITIONS.iter().position(|other| other.from == row.from && other.on == row.on);
        assert_eq!(same, Some(index), "{row:?}");
        assert_ne!(row.from, row.to, "{row:?} is no transition from one phase to another");
        assert!(PHASES.contains(&row.from) && PHASES.contains(&row.to) && TRIGGERS.contains(&row.on), "{row:?}");
    }
}
