//! Logins in every phase, in every way that a trigger needs them. All of them are of seed 1.

use oauth_proto::login::transitions::Trigger;
use oauth_proto::{Action, AuthorizationRequest, Delivered, Event, Login, Phase};

use crate::support::{at, awaiting, client, exchanging, html, json, pending, redirect, state, TOKENS};

fn request() -> AuthorizationRequest {
    AuthorizationRequest::new().scope("read")
}

/// Logins in this phase in which the trigger can be pulled; none if it cannot be.
pub fn bring(phase: Phase, on: Trigger) -> Vec<Login> {
    let mut logins = match phase {
        Phase::Ready if on == Trigger::StartByIssuer => vec![],
        Phase::Ready => vec![Login::new(client(), request()).unwrap()],
        Phase::AwaitingRedirect => {
            let login = awaiting(client(), request());
            let resumed = Login::resume(client(), login.save().unwrap(), at(1)).unwrap();
            vec![login, resumed]
        }
        // Nobody asked for an ID token.
        Phase::ExchangingCode if matches!(on, Trigger::ResponseWithoutKeys | Trigger::ResponseToVerify) => vec![],
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
        _ => vec![],
    };
    logins.extend(discovery::bring(phase, on));
    #[cfg(feature = "openid")]
    logins.extend(openid::bring(phase, on));
    logins.shrink_to_fit();
    logins
}

/// The server could not answer, and is asked once more.
fn later(mut login: Login) -> Login {
    let event = Event::ResponseReceived(pending(&login).id(), html(503, ""));
    assert!(matches!(login.handle(event, at(1)), Ok(Action::RetryAt(_))));
    if login.phase() == Phase::Discovering {
        let event = Event::ResponseReceived(pending(&login).id(), html(404, ""));
        assert!(matches!(login.handle(event, at(1)), Ok(Action::SendRequest(_))));
    }
    login
}

fn undelivered(mut login: Login) -> Login {
    for delivered in [Delivered::No, Delivered::Maybe] {
        let event = Event::SendFailed(pending(&login).id(), delivered);
        assert!(matches!(login.handle(event, at(1)), Ok(Action::SendRequest(_))));
    }
    login
}

/// Those that find the server by its issuer.
mod discovery {
    use oauth_proto::login::transitions::Trigger;
    use oauth_proto::{Action, Client, Event, Headers, Login, Phase, Response};

    use super::{later, undelivered};
    use crate::support::discovery::{discovering, issuer_only, issuer_only_with_path, metadata, request, ISSUER};
    use crate::support::{at, html, json, pending};

    pub fn bring(phase: Phase, on: Trigger) -> Vec<Login> {
        match phase {
            Phase::Ready if on == Trigger::Start => vec![],
            Phase::Ready => vec![Login::new(issuer_only(), request()).unwrap()],
            // At the last place.
            Phase::Discovering if on == Trigger::MetadataLater => {
                vec![at_the_second_place(issuer_only()), later(at_the_second_place(issuer_only()))]
            }
            Phase::Discovering => vec![
                discovering(issuer_only()),
                discovering(issuer_only_with_path()),
                at_the_second_place(issuer_only_with_path()),
                undelivered(discovering(issuer_only())),
            ],
            Phase::AwaitingRedirect => {
                let found = found_elsewhere();
                let saved = found.save().unwrap();
                let resumed = Login::resume(issuer_only(), saved, at(1)).unwrap();
                vec![found, resumed]
            }
            Phase::Failed => {
                let mut nowhere = at_the_second_place(issuer_only());
                let event = Event::ResponseReceived(pending(&nowhere).id(), Response::new(404, Headers::NONE, b""));
                nowhere.handle(event, at(1)).unwrap_err();
                vec![nowhere]
            }
            _ => vec![],
        }
    }

    fn at_the_second_place(client: Client) -> Login {
        let mut login = discovering(client);
        let event = Event::ResponseReceived(pending(&login).id(), html(404, ""));
        assert!(matches!(login.handle(event, at(1)), Ok(Action::SendRequest(_))));
        login
    }

    fn found_elsewhere() -> Login {
        let mut login = at_the_second_place(issuer_only());
        let document = metadata(ISSUER, |_| {});
        let event = Event::ResponseReceived(pending(&login).id(), json(200, &document));
        assert!(matches!(login.handle(event, at(1)), Ok(Action::OpenUrl(_))));
        login
    }
}

/// Those that check ID tokens.
#[cfg(feature = "openid")]
mod openid {
    use oauth_proto::login::transitions::Trigger;
    use oauth_proto::{Action, Event, Login, Phase, UnixTime};

    use super::{later, undelivered};
    use crate::support::openid::{
        by_action, check, exchanging, fetching_keys, keyed, keys, on_tls_alone, request, token_body, verifying,
    };
    use crate::support::{at, awaiting, json, pending, START};

    pub fn bring(phase: Phase, on: Trigger) -> Vec<Login> {
        match phase {
            Phase::AwaitingRedirect => vec![awaiting(keyed(), request())],
            Phase::ExchangingCode if on == Trigger::ResponseWithoutKeys => {
                let other_keys = keyed().with_keys(keys(&[2], UnixTime::from_secs(START - 30)));
                vec![exchanging(keyed()), exchanging(other_keys), exchanging(by_action())]
            }
            Phase::ExchangingCode if on == Trigger::ResponseToVerify => {
                vec![exchanging(by_action().with_keys(keys(&[2, 1], at(0))))]
            }
            Phase::ExchangingCode => {
                vec![exchanging(on_tls_alone()), exchanging(keyed().with_keys(keys(&[2, 1], at(0))))]
            }
            Phase::FetchingKeys if on == Trigger::KeysToVerify => {
                let mut refused = verifying(&[1], false);
                let event = Event::Verified(check(&refused).id(), false);
                assert!(matches!(refused.handle(event, at(1)), Ok(Action::SendRequest(_))));
                vec![fetching_keys(by_action()), refused]
            }
            Phase::FetchingKeys => {
                let later = later(fetching_keys(keyed()));
                let old = keyed().with_keys(keys(&[2], UnixTime::from_secs(START - 30)));
                vec![fetching_keys(keyed()), fetching_keys(old), later, undelivered(fetching_keys(keyed()))]
            }
            Phase::Verifying => match on {
                Trigger::SignatureOfAnotherKey => vec![verifying(&[2, 1], false), verifying(&[3, 2, 1], true)],
                Trigger::SignatureOfNewKey => vec![verifying(&[1], false), second_key(verifying(&[2, 1], false))],
                Trigger::SignatureInvalid => vec![verifying(&[1], true), second_key(verifying(&[2, 1], true))],
                _ => vec![verifying(&[2, 1], false), verifying(&[1], true), not_now(verifying(&[1], true))],
            },
            Phase::Finished => {
                let mut login = exchanging(on_tls_alone());
                let body = token_body(|_| {});
                let event = Event::ResponseReceived(pending(&login).id(), json(200, &body));
                assert!(matches!(login.handle(event, at(1)), Ok(Action::TokensReady(_))));
                vec![login]
            }
            Phase::Failed => {
                let mut forged = fetching_keys(keyed());
                let set = crate::model::keys::named(&[(1, 2)]);
                let event = Event::ResponseReceived(pending(&forged).id(), json(200, &set));
                forged.handle(event, at(1)).unwrap_err();
                vec![forged]
            }
            _ => vec![],
        }
    }

    /// The first key has not signed it.
    fn second_key(mut login: Login) -> Login {
        let event = Event::Verified(check(&login).id(), false);
        assert!(matches!(login.handle(event, at(1)), Ok(Action::Verify(_))));
        login
    }

    fn not_now(mut login: Login) -> Login {
        let event = Event::VerifyFailed(check(&login).id());
        assert!(matches!(login.handle(event, at(1)), Ok(Action::RetryAt(_))));
        login
    }
}
