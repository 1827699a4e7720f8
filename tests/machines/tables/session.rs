//! `session::transitions::TRANSITIONS` against the code: every phase with every trigger.

use oauth_proto::session::transitions::{SessionTrigger as Trigger, TRANSITIONS};
use oauth_proto::SessionPhase as Phase;

use super::assert_lists_all;
use super::session_events::{fire, variants, Fired};
use super::session_scenes::bring;

pub const PHASES: [Phase; 6] =
    [Phase::Active, Phase::Refreshing, Phase::LoginRequired, Phase::SigningOut, Phase::LoggingOut, Phase::SignedOut];

pub const TRIGGERS: [Trigger; 25] = [
    Trigger::AccessFresh,
    Trigger::AccessDue,
    Trigger::AccessTimedOut,
    Trigger::AccessTimedOutWaiting,
    Trigger::Refused,
    Trigger::RefusedAgain,
    Trigger::Tokens,
    Trigger::LateTokens,
    Trigger::NoTokens,
    Trigger::NoAnswer,
    Trigger::InvalidGrant,
    Trigger::SomebodyElses,
    Trigger::EndGrant,
    Trigger::UnknownRequest,
    Trigger::Adopted,
    Trigger::AdoptedNothing,
    Trigger::SignOut,
    Trigger::SignOutInBrowser,
    Trigger::SignOutHere,
    Trigger::Revoked,
    Trigger::RevocationLater,
    Trigger::RevokedLogoutNext,
    Trigger::Returned,
    Trigger::ReturnedRevokeNext,
    Trigger::RedirectStray,
];

#[test]
fn the_lists_hold_every_phase_and_every_trigger() {
    assert_lists_all(&PHASES, "SessionPhase", include_str!("../../../src/session/outcome.rs"));
    assert_lists_all(&TRIGGERS, "SessionTrigger", include_str!("../../../src/session/transitions.rs"));
}

#[test]
fn every_phase_has_a_stable_name() {
    let names = ["active", "refreshing", "login_required", "signing_out", "logging_out", "signed_out"];
    assert_eq!(PHASES.map(Phase::code), names);
}

#[test]
fn every_phase_does_with_every_trigger_what_the_table_says() {
    let (mut fired, mut wrong) = (0, Vec::new());
    for from in PHASES {
        for on in TRIGGERS {
            let row = TRANSITIONS.iter().find(|row| row.from == from && row.on == on);
            let to = row.map_or(from, |row| row.to);
            let scenes = bring(from, on).len();
            let needs_openid = on == Trigger::SomebodyElses && !cfg!(feature = "openid");
            assert!(scenes > 0 || row.is_none() || needs_openid, "{row:?} cannot happen");
            for (variant, index) in
                (0..variants(on, from)).flat_map(|variant| (0..scenes).map(move |index| (variant, index)))
            {
                let mut scene = bring(from, on).swap_remove(index);
                let what = format!("{from:?}, {on:?}, variant {variant}, scene {index}");
                assert_eq!(scene.session.phase(), from, "{what}: the scene is set wrong");
                let before = scene.seen();
                let outcome = fire(&mut scene, on, variant);
                if scene.session.phase() != to {
                    wrong.push(format!("{what}: {:?}, not {to:?}", scene.session.phase()));
                } else if outcome == Fired::Refused {
                    assert_eq!(scene.seen(), before, "{what}: changed by what it refused");
                }
                fired += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(fired > 600, "{fired} events were fired");
}

/// What cannot be brought about is only what the scenes leave out by name.
#[test]
fn every_trigger_is_fired_in_some_phase() {
    let left_out = |on| PHASES.iter().filter(|from| bring(**from, on).is_empty()).count();
    for on in TRIGGERS {
        let expected = match on {
            // Where no refresh is under way, none can time out.
            Trigger::AccessTimedOutWaiting => PHASES.len() - 1,
            // Where there is nothing to revoke.
            Trigger::SignOut => 1,
            Trigger::SomebodyElses if !cfg!(feature = "openid") => PHASES.len(),
            _ => 0,
        };
        assert_eq!(left_out(on), expected, "{on:?}");
    }
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
