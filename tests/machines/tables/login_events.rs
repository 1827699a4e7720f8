//! Events for every trigger.

use oauth_proto::login::transitions::Trigger;
use oauth_proto::{Action, Delivered, Error, Event, Login, Phase, RequestId, Response, UnixTime};

use crate::support::{at, client, entropy, exchanging, redirect, state, HTML, INVALID_GRANT, JSON, TOKENS};

/// Of which request an outcome is.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// The one under way, or the token request if there is none.
    Current,
    /// The one under way in this phase; in another phase, one that such a login sends in this one.
    Phase(Phase),
    Other(u64),
}

type Headers = &'static [(&'static str, &'static str)];

/// An event to be made, which holds what the event borrows.
pub enum Fire {
    Start(UnixTime),
    Redirect(String, UnixTime),
    Response(Of, u16, Headers, String, UnixTime),
    SendFailed(Of, Delivered, UnixTime),
    /// `None`: it cannot be verified now.
    Verified(Of, Option<bool>, UnixTime),
    Cancelled(UnixTime),
}

/// The answer to a token request; where an ID token is to come, there is one.
fn token_body() -> String {
    #[cfg(feature = "openid")]
    return crate::support::openid::token_body(|_| {});
    #[cfg(not(feature = "openid"))]
    TOKENS.into()
}

impl Fire {
    /// The variants of a trigger, in this phase.
    pub fn of(trigger: Trigger, phase: Phase, variant: usize) -> Option<Self> {
        let redirects = |queries: &[&str]| {
            let query = queries.get(variant)?.replace("STATE", &state(1));
            Some(Self::Redirect(redirect(&query), at(5)))
        };
        match trigger {
            Trigger::Start | Trigger::StartByIssuer => {
                [at(0), at(5), UnixTime::from_secs(0)].get(variant).copied().map(Self::Start)
            }
            Trigger::RedirectWithCode => {
                redirects(&["code=C1&state=STATE", "state=STATE&code=C2#_=_", "state=STATE&x=1&x=2&code=%2B"])
            }
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
                "state=STATE&code=C1&iss=https%3A%2F%2Fother.example.com",
                "state=STATE&code=C1&c%6Fde=",
                "state=STATE&error=access_denied&error=access_denied",
                "state=STATE&code=C1&state=STATE",
            ]),
            Trigger::RedirectStray => Self::stray(variant),
            Trigger::UnknownRequest => {
                let other = Of::Other([0, 1, 1 << 40, 1 << 55][variant % 4]);
                match variant / 4 {
                    0 => Some(Self::Response(other, 200, &JSON, token_body(), at(5))),
                    1 => Some(Self::Response(other, 400, &JSON, INVALID_GRANT.into(), at(5))),
                    2 => Some(Self::SendFailed(other, Delivered::No, at(5))),
                    3 => Some(Self::SendFailed(other, Delivered::Maybe, at(5))),
                    4 => Some(Self::Verified(other, Some(true), at(5))),
                    5 => Some(Self::Verified(other, Some(false), at(5))),
                    6 => Some(Self::Verified(other, None, at(5))),
                    _ => None,
                }
            }
            Trigger::NotDelivered => {
                Some(Self::SendFailed(Of::Current, Delivered::No, *[at(5), at(600)].get(variant)?))
            }
            Trigger::MaybeDelivered => {
                let late = if phase == Phase::ExchangingCode { at(601) } else { at(600) };
                Some(Self::SendFailed(Of::Current, Delivered::Maybe, *[at(5), late].get(variant)?))
            }
            Trigger::SignatureValid => Self::verified(Some(true), variant),
            Trigger::SignatureOfAnotherKey | Trigger::SignatureOfNewKey | Trigger::SignatureInvalid => {
                Self::verified(Some(false), variant)
            }
            Trigger::VerifyFailed => Self::verified(None, variant),
            Trigger::Cancelled => Some(Self::Cancelled(*[at(5), at(0)].get(variant)?)),
            Trigger::Expired => Self::late(phase, variant),
            _ => Self::answer(trigger, variant),
        }
    }

    /// The outcome of the check that a login waits for.
    fn verified(is_valid: Option<bool>, variant: usize) -> Option<Self> {
        let now = *[at(5), at(600)].get(variant)?;
        Some(Self::Verified(Of::Phase(Phase::Verifying), is_valid, now))
    }

    fn stray(variant: usize) -> Option<Self> {
        let redirect_uri_only = redirect("").trim_end_matches('?').to_owned();
        let url = match variant {
            0 => redirect_uri_only,
            1 => "https://as.example.com/callback?code=C1&state=S".into(),
            2 => redirect(&format!("code={}&state={}", "C".repeat(70_000), state(1))),
            3 => redirect(&format!("code=C1&state={}", state(2))),
            4 => redirect("error=access_denied"),
            5 => redirect(&format!("code=C1&state={}&state={}", state(1), state(2))),
            6 => redirect("code=C1&code=C1"),
            7 => String::new(),
            _ => return None,
        };
        Some(Self::Redirect(url, at(5)))
    }

    /// An answer to the token request, or to one of those that need the feature `openid`.
    fn answer(trigger: Trigger, variant: usize) -> Option<Self> {
        type Answers<'a> = &'a [(u16, Headers, &'a str)];
        let one = |phase: Phase, answers: Answers<'_>| {
            let (status, headers, body) = answers.get(variant)?;
            Some(Self::Response(Of::Phase(phase), *status, headers, (*body).into(), at(5)))
        };
        let with_tokens = token_body();
        let exchange = Phase::ExchangingCode;
        match trigger {
            Trigger::ResponseWithTokens | Trigger::ResponseWithoutKeys | Trigger::ResponseToVerify => {
                let bare = with_tokens.replace(r#""expires_in":3600,"#, "");
                one(exchange, &[(200, &JSON, &with_tokens), (200, &[], &bare)])
            }
            Trigger::ResponseLater => one(
                exchange,
                &[
                    (503, &HTML, "later"),
                    (429, &JSON, "{}"),
                    (408, &HTML, ""),
                    (425, &[("Retry-After", "500")], ""),
                    (400, &JSON, r#"{"error":"temporarily_unavailable"}"#),
                ],
            ),
            Trigger::ResponseWithError => one(
                exchange,
                &[
                    (400, &JSON, INVALID_GRANT),
                    (500, &HTML, "?"),
                    (502, &[("Retry-After", "1")], ""),
                    (503, &[("Retry-After", "700")], ""),
                    (404, &HTML, ""),
                    (200, &JSON, INVALID_GRANT),
                ],
            ),
            Trigger::ResponseBroken => one(
                exchange,
                &[
                    (200, &JSON, ""),
                    (200, &HTML, TOKENS),
                    (302, &JSON, TOKENS),
                    (200, &JSON, r#"{"token_type":"Bearer"}"#),
                    (200, &JSON, r#"{"access_token":"AT","token_type":"mac"}"#),
                    (200, &HTML, "\u{fffd}"),
                ],
            ),
            #[cfg(feature = "openid")]
            _ => {
                use crate::model::keys::{jwks, named};
                let (first, both, other) = (jwks(&[1]), jwks(&[2, 1]), jwks(&[2]));
                let same_name = named(&[(1, 2)]);
                let keys = Phase::FetchingKeys;
                match trigger {
                    Trigger::Keys | Trigger::KeysToVerify => {
                        one(keys, &[(200, &JSON, &first), (200, &[], &both), (200, &HTML, &both)])
                    }
                    Trigger::KeysLater => one(keys, &[(503, &HTML, ""), (429, &JSON, "{}"), (500, &JSON, &first)]),
                    Trigger::KeysBroken => one(
                        keys,
                        &[
                            (200, &JSON, &other),
                            (200, &JSON, r#"{"keys":[]}"#),
                            (200, &JSON, &same_name),
                            (404, &JSON, &first),
                            (302, &JSON, &first),
                            (200, &JSON, "{}"),
                            (200, &HTML, "<h1>keys</h1>"),
                        ],
                    ),
                    _ => Self::metadata(trigger, variant),
                }
            }
            #[cfg(not(feature = "openid"))]
            Trigger::Keys | Trigger::KeysToVerify | Trigger::KeysLater | Trigger::KeysBroken => None,
            #[cfg(not(feature = "openid"))]
            _ => Self::metadata(trigger, variant),
        }
    }

    fn metadata(trigger: Trigger, variant: usize) -> Option<Self> {
        let good = crate::support::discovery::metadata("ISSUER", |_| {});
        let with = |old: &str, new: &str| {
            assert!(good.contains(old), "{good}");
            good.replace(old, new)
        };
        let answers: Vec<(u16, Headers, String)> = match trigger {
            Trigger::Metadata => vec![(200, &JSON, good.clone()), (200, &[], with("S256", "S256\",\"plain"))],
            Trigger::MetadataElsewhere => vec![
                (404, &JSON, good.clone()),
                (403, &HTML, String::new()),
                (301, &JSON, good.clone()),
                (200, &HTML, "<h1>welcome</h1>".into()),
                (200, &JSON, "[]".into()),
                (429, &JSON, good.clone()),
                (500, &HTML, String::new()),
            ],
            Trigger::MetadataLater => vec![
                (429, &JSON, good.clone()),
                (503, &[("Retry-After", "60")], String::new()),
                (502, &HTML, "<h1>no answer</h1>".into()),
            ],
            Trigger::MetadataBroken => vec![
                (200, &JSON, with("ISSUER", "ISSUER/")),
                (200, &JSON, with("token_endpoint", "token-endpoint")),
                (200, &JSON, with("S256", "plain")),
                (200, &JSON, with("https://as.example.com/token", "http://as.example.com/token")),
            ],
            other => panic!("{other:?} is new"),
        };
        let (status, headers, body) = answers.into_iter().nth(variant)?;
        Some(Self::Response(Of::Phase(Phase::Discovering), status, headers, body, at(5)))
    }

    /// Events after every deadline; without one, those that are refused anyway.
    fn late(phase: Phase, variant: usize) -> Option<Self> {
        let now = [at(3601), UnixTime::from_secs(u64::MAX)][variant % 2];
        let undelivered = Self::SendFailed(Of::Current, Delivered::No, now);
        let response = |of| Self::Response(of, 200, &JSON, token_body(), now);
        match (phase, variant / 2) {
            // Keys and the app are waited for at all times.
            (Phase::FetchingKeys | Phase::Verifying, _) => None,
            (_, 0) => Some(undelivered),
            // An answer, an unknown outcome and a cancellation mean the same at all times while something is exchanged.
            (Phase::ExchangingCode, _) => None,
            (_, 1) => Some(Self::Redirect(redirect(&format!("code=C1&state={}", state(1))), now)),
            (_, 2) => Some(Self::Redirect(redirect("code=C1&state=other"), now)),
            (_, 3) => Some(response(Of::Current)),
            (_, 4) => Some(response(Of::Other(9))),
            (Phase::Ready, _) => None,
            (_, 5) => Some(Self::Start(now)),
            (_, 6) => Some(Self::Cancelled(now)),
            _ => None,
        }
    }

    pub fn at(&self, login: &mut Login) -> Result<Action, Error> {
        match self {
            Self::Start(now) => login.handle(Event::Start(entropy(2)), *now),
            Self::Redirect(url, now) => login.handle(Event::RedirectReceived(url), *now),
            Self::Response(of, status, headers, body, now) => {
                let body = body.replace("ISSUER", issuer(login));
                let response = Response::new(*status, *headers, body.as_bytes());
                login.handle(Event::ResponseReceived(of.id(login), response), *now)
            }
            Self::SendFailed(of, delivered, now) => login.handle(Event::SendFailed(of.id(login), *delivered), *now),
            Self::Verified(of, Some(is_valid), now) => login.handle(Event::Verified(of.id(login), *is_valid), *now),
            Self::Verified(of, None, now) => login.handle(Event::VerifyFailed(of.id(login)), *now),
            Self::Cancelled(now) => login.handle(Event::Cancelled, *now),
        }
    }

    pub fn name(&self) -> String {
        match self {
            Self::Start(now) => format!("Start at {now:?}"),
            Self::Redirect(url, now) => format!("RedirectReceived({url:.200}) at {now:?}"),
            Self::Response(of, status, _, body, now) => {
                format!("ResponseReceived({of:?}, {status}, {body:.200}) at {now:?}")
            }
            Self::SendFailed(of, delivered, now) => format!("SendFailed({of:?}, {delivered:?}) at {now:?}"),
            Self::Verified(of, is_valid, now) => format!("Verified({of:?}, {is_valid:?}) at {now:?}"),
            Self::Cancelled(now) => format!("Cancelled at {now:?}"),
        }
    }
}

/// Of which issuer metadata are asked for.
fn issuer(login: &Login) -> &'static str {
    match login.pending_action() {
        Some(Action::SendRequest(request)) if request.url().contains("/t/") || request.url().ends_with("/t") => {
            "https://as.example.com/t"
        }
        _ => "https://as.example.com",
    }
}

impl Of {
    fn id(self, login: &Login) -> RequestId {
        let current = match login.pending_action() {
            Some(Action::SendRequest(request)) => Some(request.id()),
            Some(Action::Verify(check)) => Some(check.id()),
            _ => None,
        };
        let exchanging = || exchanging(client(), oauth_proto::AuthorizationRequest::new()).1.id();
        match self {
            Self::Current => current.unwrap_or_else(exchanging),
            Self::Phase(phase) if phase == login.phase() => current.unwrap(),
            Self::Phase(Phase::ExchangingCode) => exchanging(),
            Self::Phase(Phase::Discovering) => {
                use crate::support::discovery::{discovering, issuer_only};
                crate::support::pending(&discovering(issuer_only())).id()
            }
            #[cfg(feature = "openid")]
            Self::Phase(Phase::FetchingKeys) => {
                use crate::support::openid::{fetching_keys, keyed};
                crate::support::pending(&fetching_keys(keyed())).id()
            }
            #[cfg(feature = "openid")]
            Self::Phase(Phase::Verifying) => {
                use crate::support::openid::{check, verifying};
                check(&verifying(&[1], false)).id()
            }
            #[cfg(not(feature = "openid"))]
            Self::Phase(Phase::Verifying) => current.unwrap_or_else(exchanging),
            Self::Phase(other) => panic!("{other:?} sends nothing"),
            Self::Other(0) => RequestId::from_u64(0),
            Self::Other(bits) => RequestId::from_u64(current.unwrap_or_else(exchanging).as_u64() ^ bits << 8),
        }
    }
}
