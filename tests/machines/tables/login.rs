//! `login::transitions::TRANSITIONS` against the code: every phase with every trigger.

use oauth_proto::login::transitions::{Transition, Trigger, Yields, TRANSITIONS};
use oauth_proto::{Action, Delivered, Error, Event, Login, Phase, RequestId, UnixTime};

use super::assert_lists_all;
use super::login_events::Fire;
use super::login_scenes::bring;
use crate::support::at;

const PHASES: [Phase; 8] = [
    Phase::Ready,
    Phase::Discovering,
    Phase::AwaitingRedirect,
    Phase::ExchangingCode,
    Phase::FetchingKeys,
    Phase::Verifying,
    Phase::Finished,
    Phase::Failed,
];

const TRIGGERS: [Trigger; 30] = [
    Trigger::Start,
    Trigger::StartByIssuer,
    Trigger::Metadata,
    Trigger::MetadataElsewhere,
    Trigger::MetadataLater,
    Trigger::MetadataBroken,
    Trigger::RedirectWithCode,
    Trigger::RedirectWithError,
    Trigger::RedirectBroken,
    Trigger::RedirectStray,
    Trigger::ResponseWithTokens,
    Trigger::ResponseWithoutKeys,
    Trigger::ResponseToVerify,
    Trigger::ResponseLater,
    Trigger::ResponseWithError,
    Trigger::ResponseBroken,
    Trigger::Keys,
    Trigger::KeysToVerify,
    Trigger::KeysLater,
    Trigger::KeysBroken,
    Trigger::SignatureValid,
    Trigger::SignatureOfAnotherKey,
    Trigger::SignatureOfNewKey,
    Trigger::SignatureInvalid,
    Trigger::VerifyFailed,
    Trigger::UnknownRequest,
    Trigger::NotDelivered,
    Trigger::MaybeDelivered,
    Trigger::Cancelled,
    Trigger::Expired,
];

/// So many triggers are of keys and ID tokens.
const WITHOUT_OPENID: usize = if cfg!(feature = "openid") { 0 } else { 5 };

#[test]
fn the_lists_hold_every_phase_and_every_trigger() {
    assert_lists_all(&PHASES, "Phase", include_str!("../../../src/login/action.rs"));
    assert_lists_all(&TRIGGERS, "Trigger", include_str!("../../../src/login/transitions.rs"));
}

#[test]
fn every_phase_does_with_every_trigger_what_the_table_says() {
    let (mut fired, mut rows) = (0, 0);
    for from in PHASES {
        for on in TRIGGERS {
            let row = TRANSITIONS.iter().find(|row| row.from == from && row.on == on);
            let before = fired;
            for variant in 0.. {
                let Some(fire) = Fire::of(on, from, variant) else { break };
                for mut login in bring(from, on) {
                    assert_eq!(login.phase(), from, "{on:?}: the scene is set wrong");
                    check(&mut login, row, &fire);
                    fired += 1;
                }
            }
            rows += usize::from(row.is_some() && fired > before);
        }
    }
    if cfg!(feature = "openid") {
        assert_eq!(rows, TRANSITIONS.len(), "a row was not tried");
        assert!(fired > 1000, "{fired} events were fired");
    } else {
        let of_keys = |row: &&Transition| {
            matches!(row.from, Phase::FetchingKeys | Phase::Verifying)
                || matches!(row.on, Trigger::ResponseWithoutKeys | Trigger::ResponseToVerify)
        };
        assert_eq!(rows, TRANSITIONS.len() - TRANSITIONS.iter().filter(of_keys).count(), "a row was not tried");
        assert!(fired > 500, "{fired} events were fired");
    }
}

#[test]
fn no_row_of_the_login_table_is_there_twice() {
    for (index, row) in TRANSITIONS.iter().enumerate() {
        let same = TRANSITIONS.iter().position(|other| other.from == row.from && other.on == row.on);
        assert_eq!(same, Some(index), "{row:?}");
        assert!(PHASES.contains(&row.from) && PHASES.contains(&row.to) && TRIGGERS.contains(&row.on), "{row:?}");
        assert_eq!(row.to == Phase::Failed, row.yields == Yields::FatalError, "{row:?}");
    }
}

fn check(login: &mut Login, row: Option<&Transition>, fire: &Fire) {
    let (before, phase, name) = (seen(login), login.phase(), fire.name());
    let result = fire.at(login);
    let Some(row) = row else {
        let error = result.expect_err(&name);
        assert_eq!(seen(login), before, "{phase:?}, {name}: a refused event changed the login");
        assert_eq!(error.is_fatal(), phase == Phase::Failed, "{phase:?}, {name}: {error}");
        let repeated = login.handle(Event::SendFailed(RequestId::from_u64(7), Delivered::No), at(5)).unwrap_err();
        assert!(phase != Phase::Failed || repeated == error, "{name}: {repeated} is not {error}");
        return;
    };
    assert_eq!(login.phase(), row.to, "{row:?}, {name}");
    let yields = match &result {
        Ok(Action::OpenUrl(_)) => Yields::OpenUrl,
        Ok(Action::SendRequest(_)) => Yields::SendRequest,
        Ok(Action::Verify(_)) => Yields::Verify,
        Ok(Action::RetryAt(_)) => Yields::RetryAt,
        Ok(Action::TokensReady(_)) => Yields::TokensReady,
        Err(error) if error.is_fatal() => Yields::FatalError,
        Err(error) => panic!("{row:?}, {name}: {error}"),
    };
    assert_eq!(yields, row.yields, "{row:?}, {name}");
    match result {
        Ok(Action::TokensReady(_)) | Err(_) => {
            assert!(login.pending_action().is_none() && login.deadline().is_none(), "{row:?}, {name}");
        }
        Ok(Action::RetryAt(time)) => {
            // The next request has another name, so that the answer to this one is no answer to it.
            let same = |request: &str| request.split_once(' ').map(|(_, request)| request.to_owned());
            let (old, new) = (before.3.as_str(), shown(login.pending_action()));
            assert!(time > at(5) && old != new, "{row:?}, {name}");
            assert!(row.from == Phase::Discovering || same(old) == same(&new), "{row:?}, {name}: {old} and {new}");
        }
        Ok(action) => assert_eq!(shown(login.pending_action()), shown(Some(action)), "{row:?}, {name}"),
    }
    let goes_on = matches!(row.on, Trigger::MetadataElsewhere | Trigger::SignatureOfAnotherKey);
    if row.from == row.to && row.yields != Yields::RetryAt && !goes_on {
        assert_eq!(seen(login), before, "{row:?}, {name}: not the same again");
    }
}

/// All of a login that can be seen: phase, deadline, saved form, pending action.
fn seen(login: &Login) -> (Phase, Option<UnixTime>, String, String) {
    let saved = serde_json::to_string(&login.save()).unwrap();
    (login.phase(), login.deadline(), saved, shown(login.pending_action()))
}

fn shown(action: Option<Action>) -> String {
    match action {
        None => String::new(),
        Some(Action::OpenUrl(url)) => url.into_string(),
        Some(Action::SendRequest(request)) => {
            let headers: Vec<_> = request.headers().collect();
            format!(
                "{:?} {} {headers:?} {}",
                request.id(),
                request.url(),
                core::str::from_utf8(request.body()).unwrap()
            )
        }
        #[cfg(feature = "openid")]
        Some(Action::Verify(check)) => {
            format!("{:?} {} {:?} {:?}", check.id(), check.jwk(), check.message(), check.signature())
        }
        Some(other) => panic!("{other:?} is pending"),
    }
}

#[test]
fn a_failed_login_says_the_same_error_for_ever() {
    for mut login in bring(Phase::Failed, Trigger::Start) {
        let errors: Vec<Error> = TRIGGERS
            .iter()
            .filter_map(|on| Fire::of(*on, Phase::Failed, 0))
            .map(|fire| fire.at(&mut login).unwrap_err())
            .collect();
        assert!(errors.len() >= TRIGGERS.len() - WITHOUT_OPENID, "{errors:?}");
        assert!(errors.windows(2).all(|pair| pair[0] == pair[1]), "{errors:?}");
    }
}
