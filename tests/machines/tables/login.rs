//! `login::TRANSITIONS` against the code: every phase with every trigger.

use oauth_proto::login::{Transition, Trigger, Yields, TRANSITIONS};
use oauth_proto::{Action, AuthorizationRequest, Delivered, Error, Event, Login, Phase, RequestId, Response, UnixTime};

use super::assert_lists_all;
use crate::support::{
    at, awaiting, client, entropy, exchanging, html, json, redirect, state, HTML, INVALID_GRANT, JSON, TOKENS,
};

const PHASES: [Phase; 5] =
    [Phase::Ready, Phase::AwaitingRedirect, Phase::ExchangingCode, Phase::Finished, Phase::Failed];

const TRIGGERS: [Trigger; 13] = [
    Trigger::Start,
    Trigger::RedirectWithCode,
    Trigger::RedirectWithError,
    Trigger::RedirectBroken,
    Trigger::RedirectStray,
    Trigger::ResponseWithTokens,
    Trigger::ResponseWithError,
    Trigger::ResponseBroken,
    Trigger::UnknownRequest,
    Trigger::NotDelivered,
    Trigger::MaybeDelivered,
    Trigger::Cancelled,
    Trigger::Expired,
];

#[test]
fn the_lists_hold_every_phase_and_every_trigger() {
    assert_lists_all(&PHASES, "Phase", include_str!("../../../src/login/mod.rs"));
    assert_lists_all(&TRIGGERS, "Trigger", include_str!("../../../src/login/state.rs"));
}

#[test]
fn every_phase_does_with_every_trigger_what_the_table_says() {
    let mut fired = 0;
    for from in PHASES {
        for on in TRIGGERS {
            let row = TRANSITIONS.iter().find(|row| row.from == from && row.on == on);
            for variant in 0.. {
                for mut login in bring(from) {
                    let Some(fire) = Fire::of(on, from, variant) else { break };
                    check(&mut login, row, &fire);
                    fired += 1;
                }
                if Fire::of(on, from, variant + 1).is_none() {
                    break;
                }
            }
        }
    }
    assert!(fired > 300, "{fired} events were fired");
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

/// Logins in this phase, by several ways.
fn bring(phase: Phase) -> Vec<Login> {
    let request = || AuthorizationRequest::new().scope("read");
    match phase {
        Phase::Ready => vec![Login::new(client(), request()).unwrap()],
        Phase::AwaitingRedirect => {
            let login = awaiting(client(), request());
            let resumed = Login::resume(client(), login.save().unwrap(), at(1)).unwrap();
            vec![login, resumed]
        }
        Phase::ExchangingCode => vec![exchanging(client(), request()).0],
        Phase::Finished => {
            let (mut login, request) = exchanging(client(), request());
            let event = Event::ResponseReceived(request.id(), json(200, TOKENS));
            assert!(matches!(login.handle(event, at(1)), Ok(Action::TokensReady(_))));
            vec![login]
        }
        Phase::Failed => {
            let mut never_started = Login::new(client(), request()).unwrap();
            never_started.handle(Event::Cancelled, at(1)).unwrap_err();
            let mut denied = awaiting(client(), request());
            let url = redirect(&format!("error=access_denied&state={}", state(1)));
            denied.handle(Event::RedirectReceived(&url), at(1)).unwrap_err();
            let (mut lost, request) = exchanging(client(), request());
            lost.handle(Event::SendFailed(request.id(), Delivered::Maybe), at(1)).unwrap_err();
            vec![never_started, denied, lost]
        }
        other => panic!("{other:?} is new"),
    }
}

/// The id that the token request of every login here has, once there is one.
fn id() -> RequestId {
    exchanging(client(), AuthorizationRequest::new().scope("read")).1.id()
}

/// An event to be made, which holds what the event borrows.
enum Fire {
    Start(UnixTime),
    Redirect(String, UnixTime),
    Response(RequestId, Response<'static>, UnixTime),
    SendFailed(RequestId, Delivered, UnixTime),
    Cancelled(UnixTime),
}

impl Fire {
    /// The variants of a trigger, in this phase.
    fn of(trigger: Trigger, phase: Phase, variant: usize) -> Option<Self> {
        let redirects = |queries: &[&str]| {
            let query = queries.get(variant)?.replace("STATE", &state(1));
            Some(Self::Redirect(redirect(&query), at(5)))
        };
        let responses = |all: &[Response<'static>]| Some(Self::Response(id(), *all.get(variant)?, at(5)));
        let redirect_uri_only = redirect("").trim_end_matches('?').to_owned();
        match trigger {
            Trigger::Start => [at(0), at(5), UnixTime::from_secs(0)].get(variant).copied().map(Self::Start),
            Trigger::RedirectWithCode => redirects(&[
                "code=C1&state=STATE",
                "state=STATE&code=C2#_=_",
                "iss=https%3A%2F%2Fany.example&state=STATE&x=1&x=2&code=%2B",
            ]),
            Trigger::RedirectWithError => redirects(&[
                "error=access_denied&state=STATE",
                "code=C1&state=STATE&error=server_error&error_description=try+later&error_uri=https%3A%2F%2Fx.example",
            ]),
            Trigger::RedirectBroken => redirects(&[
                "state=STATE",
                "state=STATE&code=",
                "state=STATE&code=%FF",
                "state=STATE&code=%0A",
                "state=STATE&error=%22",
            ]),
            Trigger::RedirectStray => match variant {
                0 => Some(Self::Redirect(redirect_uri_only, at(5))),
                1 => Some(Self::Redirect("https://as.example.com/callback?code=C1&state=S".into(), at(5))),
                2 => Some(Self::Redirect(redirect(&format!("code={}&state={}", "C".repeat(70_000), state(1))), at(5))),
                3 => Some(Self::Redirect(redirect(&format!("code=C1&state={}", state(2))), at(5))),
                4 => Some(Self::Redirect(redirect("error=access_denied"), at(5))),
                5 => Some(Self::Redirect(redirect(&format!("code=C1&state={0}&state={0}", state(1))), at(5))),
                6 => Some(Self::Redirect(String::new(), at(5))),
                _ => None,
            },
            Trigger::ResponseWithTokens => responses(&[
                json(200, TOKENS),
                Response::new(200, &JSON, br#"{"token_type":"bearer","access_token":"AT"}"#),
            ]),
            Trigger::ResponseWithError => {
                responses(&[json(400, INVALID_GRANT), html(503, "later"), html(404, ""), json(200, INVALID_GRANT)])
            }
            Trigger::ResponseBroken => responses(&[
                json(200, ""),
                html(200, TOKENS),
                json(302, TOKENS),
                json(200, r#"{"token_type":"Bearer"}"#),
                json(200, r#"{"access_token":"AT","token_type":"mac"}"#),
                Response::new(200, &HTML, &[0xff; 9]),
            ]),
            Trigger::UnknownRequest => {
                let other = RequestId::from_u64([0, 1, u64::MAX, id().as_u64() ^ 1][variant % 4]);
                match variant / 4 {
                    0 => Some(Self::Response(other, json(200, TOKENS), at(5))),
                    1 => Some(Self::Response(other, json(400, INVALID_GRANT), at(5))),
                    2 => Some(Self::SendFailed(other, Delivered::No, at(5))),
                    3 => Some(Self::SendFailed(other, Delivered::Maybe, at(5))),
                    _ => None,
                }
            }
            Trigger::NotDelivered => Some(Self::SendFailed(id(), Delivered::No, *[at(5), at(600)].get(variant)?)),
            Trigger::MaybeDelivered => Some(Self::SendFailed(id(), Delivered::Maybe, *[at(5), at(601)].get(variant)?)),
            Trigger::Cancelled => Some(Self::Cancelled(*[at(5), at(0)].get(variant)?)),
            Trigger::Expired => Self::late(phase, variant),
            other => panic!("{other:?} is new"),
        }
    }

    /// Events after every deadline; without one, those that are refused anyway.
    fn late(phase: Phase, variant: usize) -> Option<Self> {
        let now = [at(3601), UnixTime::from_secs(u64::MAX)][variant % 2];
        let undelivered = Self::SendFailed(id(), Delivered::No, now);
        match (phase, variant / 2) {
            (_, 0) => Some(undelivered),
            // An answer, an unknown outcome and a cancellation mean the same at all times while the code is exchanged.
            (Phase::ExchangingCode, _) => None,
            (_, 1) => Some(Self::Redirect(redirect(&format!("code=C1&state={}", state(1))), now)),
            (_, 2) => Some(Self::Redirect(redirect("code=C1&state=other"), now)),
            (_, 3) => Some(Self::Response(id(), json(200, TOKENS), now)),
            (_, 4) => Some(Self::Response(RequestId::from_u64(9), json(200, TOKENS), now)),
            (Phase::Ready, _) => None,
            (_, 5) => Some(Self::Start(now)),
            (_, 6) => Some(Self::Cancelled(now)),
            _ => None,
        }
    }

    fn at(&self, login: &mut Login) -> Result<Action, Error> {
        match self {
            Self::Start(now) => login.handle(Event::Start(entropy(2)), *now),
            Self::Redirect(url, now) => login.handle(Event::RedirectReceived(url), *now),
            Self::Response(id, response, now) => login.handle(Event::ResponseReceived(*id, *response), *now),
            Self::SendFailed(id, delivered, now) => login.handle(Event::SendFailed(*id, *delivered), *now),
            Self::Cancelled(now) => login.handle(Event::Cancelled, *now),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Start(now) => format!("Start at {now:?}"),
            Self::Redirect(url, now) => format!("RedirectReceived({url:.200}) at {now:?}"),
            Self::Response(id, response, now) => format!("ResponseReceived({id:?}, {response:?}) at {now:?}"),
            Self::SendFailed(id, delivered, now) => format!("SendFailed({id:?}, {delivered:?}) at {now:?}"),
            Self::Cancelled(now) => format!("Cancelled at {now:?}"),
        }
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
        Ok(Action::TokensReady(_)) => Yields::TokensReady,
        Err(error) if error.is_fatal() => Yields::FatalError,
        Err(error) => panic!("{row:?}, {name}: {error}"),
    };
    assert_eq!(yields, row.yields, "{row:?}, {name}");
    match result {
        Ok(Action::TokensReady(_)) | Err(_) => {
            assert!(login.pending_action().is_none() && login.deadline().is_none(), "{row:?}, {name}");
        }
        Ok(action) => assert_eq!(shown(login.pending_action()), shown(Some(action)), "{row:?}, {name}"),
    }
    if row.from == row.to {
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
        Some(Action::TokensReady(_)) => panic!("tokens are pending"),
    }
}

#[test]
fn a_failed_login_says_the_same_error_for_ever() {
    for mut login in bring(Phase::Failed) {
        let errors: Vec<Error> = TRIGGERS
            .iter()
            .filter_map(|on| Fire::of(*on, Phase::Failed, 0))
            .map(|fire| fire.at(&mut login).unwrap_err())
            .collect();
        assert_eq!(errors.len(), TRIGGERS.len());
        assert!(errors.windows(2).all(|pair| pair[0] == pair[1]), "{errors:?}");
    }
}
