//! The model of a session that is over: its grant, or the user's wish for it.

use oauth_proto::{Delivered, SessionPhase};

use super::session::{Answer, Api, Outcome, Says};
use super::session_grant::{Came, Grant, Sent};
use super::session_waits::{Held, Patience};

#[derive(Clone, Debug)]
pub enum Model {
    Grant(Box<Grant>),
    /// With the grant as it was.
    Over(Box<Grant>),
    SigningOut(SigningOut),
    SignedOut(SigningOut),
}

/// What the client's server offers.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub revokes: bool,
    pub logs_out: bool,
    /// There is a URI to come back to after a logout.
    pub comes_back: bool,
}

#[derive(Clone, Debug)]
pub struct SigningOut {
    config: Config,
    pub revocation: Option<Revocation>,
    /// The URL that the browser is sent to, until it comes back.
    logout: Option<String>,
    /// Refreshes whose outcome may come yet: the one under way, and the one that was lost.
    open: [Option<Sent>; 2],
    /// A refresh token may live on that nobody will hear of.
    may_live_on: bool,
    /// Refresh tokens that came late.
    late: Vec<String>,
    last_error: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct Revocation {
    body: String,
    /// Of the request, once it was seen.
    pub id: Option<u64>,
    outcomes: u32,
    patience: Patience,
    /// The logout waits for it.
    goes_first: bool,
    last_error: Option<&'static str>,
}

impl Revocation {
    fn new(token: &str, hint: &str, goes_first: bool) -> Self {
        let body = format!("token={token}&token_type_hint={hint}&client_id=app");
        Self { body, id: None, outcomes: 0, patience: Patience::default(), goes_first, last_error: None }
    }
}

impl SigningOut {
    fn is_logging_out(&self) -> bool {
        self.logout.is_some() && !self.revocation.as_ref().is_some_and(|it| it.goes_first && it.outcomes == 0)
    }

    fn pending(&self) -> Option<Outcome> {
        match (&self.logout, &self.revocation) {
            (Some(url), _) if self.is_logging_out() => Some(Outcome::OpenUrl(url.clone())),
            (_, Some(revocation)) => Some(Outcome::Send(revocation.body.clone())),
            (_, None) => None,
        }
    }

    fn next(&mut self, seen: &Outcome, now: u64) -> Outcome {
        if self.revocation.is_none() {
            let next = (!self.late.is_empty()).then(|| self.late.remove(0));
            self.revocation = next.map(|token| Revocation::new(&token, "refresh_token", false));
        }
        let waits = !self.is_logging_out();
        let held = self.revocation.as_mut().filter(|_| waits).map(|revocation| revocation.patience.until(now, seen));
        match held {
            Some(Held::Until(at)) => Outcome::RetryAt(at),
            Some(Held::Unclear) => Outcome::Unclear,
            _ => self.pending().unwrap_or(Outcome::SignedOut),
        }
    }

    fn answer(&mut self, id: u64, came: Came<'_>, seen: &Outcome, now: u64) -> Outcome {
        let asked = !self.is_logging_out();
        let Some(revocation) = self.revocation.as_mut().filter(|it| asked && it.id == Some(id)) else {
            return self.late(id, came, seen, now);
        };
        (revocation.id, revocation.outcomes) = (None, revocation.outcomes + 1);
        let is_last = revocation.outcomes == 5;
        let (error, wait) = match came {
            Ok((
                Answer::Tokens { .. }
                | Answer::Nothing
                | Answer::Unreadable
                | Answer::OnlyRefreshToken
                | Answer::OtherTokenType,
                _,
            )) => (None, None),
            // A redirect is not followed, and no answer.
            Ok((Answer::Redirected, _)) => (Some("http_error"), None),
            Ok((Answer::Unavailable { retry_after }, _)) => (Some("unavailable"), Some(retry_after)),
            Ok((answer @ Answer::InvalidGrantWith500, _)) => (Some(answer.code()), Some(None)),
            Ok((answer, _)) => (Some(answer.code()), None),
            Err(_) => (Some("not_revoked"), Some(None)),
        };
        match wait.filter(|_| !is_last) {
            Some(retry_after) => {
                revocation.patience.answered(Some(retry_after.unwrap_or(0)), now);
                revocation.last_error = error;
            }
            None => {
                self.revocation = None;
                self.last_error = error.or(self.last_error);
            }
        }
        self.next(seen, now)
    }

    /// What became of a refresh that was open when the user signed out: a refresh token that it brought is revoked.
    fn late(&mut self, id: u64, came: Came<'_>, seen: &Outcome, now: u64) -> Outcome {
        let is_done = self.revocation.is_none() && self.logout.is_none();
        let Some(open) = self.open.iter_mut().find(|open| open.as_ref().is_some_and(|sent| sent.id == id)) else {
            return Outcome::Err("unknown_request");
        };
        let sent = open.take();
        match came {
            Ok((
                Answer::Unreadable | Answer::Redirected | Answer::InvalidGrantWith500 | Answer::Unavailable { .. },
                _,
            )) => {
                self.may_live_on = true;
            }
            Ok((_, (_, refresh_token))) if !self.config.revokes => self.may_live_on |= refresh_token.is_some(),
            Ok((_, (_, refresh_token))) => self.late.extend(refresh_token.map(str::to_owned)),
            Err(Delivered::No) => {}
            // It may come yet, and of one lost before nobody will hear.
            Err(Delivered::Maybe) => {
                let before = std::mem::replace(&mut self.open[1], sent);
                self.may_live_on |= before.is_some();
            }
        }
        if is_done {
            self.next(seen, now)
        } else {
            Outcome::RetryAt(now)
        }
    }

    fn last_error(&self) -> Option<&'static str> {
        let is_told = self.revocation.is_none() && self.late.is_empty();
        let may_live_on = !is_told || self.may_live_on || self.open.iter().any(Option::is_some);
        let of_first = self.revocation.as_ref().and_then(|it| it.last_error);
        of_first.or(self.last_error).or(may_live_on.then_some("not_revoked"))
    }
}

impl Model {
    pub fn phase(&self) -> SessionPhase {
        match self {
            Self::Grant(grant) => grant.phase(),
            Self::Over(_) => SessionPhase::LoginRequired,
            Self::SigningOut(signing_out) if signing_out.is_logging_out() => SessionPhase::LoggingOut,
            Self::SigningOut(_) => SessionPhase::SigningOut,
            Self::SignedOut(_) => SessionPhase::SignedOut,
        }
    }

    pub fn grant(&self) -> Option<&Grant> {
        match self {
            Self::Grant(grant) => Some(grant),
            _ => None,
        }
    }

    pub fn last_error(&self) -> Option<&'static str> {
        match self {
            Self::Grant(grant) | Self::Over(grant) => grant.last_error,
            Self::SigningOut(signing_out) | Self::SignedOut(signing_out) => signing_out.last_error(),
        }
    }

    fn why_over(&self) -> Outcome {
        Outcome::LoginRequired(if matches!(self, Self::Over(_)) { "grant_ended" } else { "signed_out" })
    }

    pub fn access(&mut self, api: Api, id: u64, seen: &Outcome, now: u64) -> Outcome {
        match self {
            Self::Grant(grant) => grant.access(api, id, seen, now),
            _ => self.why_over(),
        }
    }

    /// The API refused this token of an API, or one of another login, and said so.
    pub fn refused(&mut self, token: Option<(Api, &str)>, says: Says, id: u64, seen: &Outcome, now: u64) -> Outcome {
        match (says, &mut *self, token) {
            (Says::Forbidden | Says::ForbiddenBearer, ..) => Outcome::Nothing,
            (_, Self::Grant(_), None) => Outcome::LoginRequired("other_login"),
            (_, Self::Grant(grant), Some((api, text))) => grant.refused(api, text, says, id, seen, now),
            _ => self.why_over(),
        }
    }

    pub fn answer(&mut self, id: u64, came: Came<'_>, seen: &Outcome, now: u64) -> Outcome {
        match self {
            Self::Grant(grant) => match grant.answer(id, came, seen, now) {
                Some(outcome) => outcome,
                None => self.end(),
            },
            Self::Over(_) => Outcome::Err("unknown_request"),
            Self::SigningOut(signing_out) | Self::SignedOut(signing_out) => {
                let outcome = signing_out.answer(id, came, seen, now);
                self.step(outcome)
            }
        }
    }

    pub fn end(&mut self) -> Outcome {
        if let Self::Grant(grant) = self {
            *self = Self::Over(grant.clone());
        }
        self.why_over()
    }

    /// `state` is the one that the entropy makes, if the user is to be logged out at the server, too.
    pub fn sign_out(&mut self, config: Config, state: Option<&str>, federated: bool) -> Outcome {
        let (grant, is_over) = match self {
            Self::Grant(grant) => (grant, false),
            Self::Over(grant) => (grant, true),
            _ => return self.pending().unwrap_or(Outcome::SignedOut),
        };
        let revocation = match (&grant.refresh_token, &grant.slot(Api::Own).token) {
            _ if is_over || !config.revokes => None,
            (Some(token), _) => Some(Revocation::new(token, "refresh_token", true)),
            (None, Some(token)) => Some(Revocation::new(&token.text, "access_token", true)),
            (None, None) => None,
        };
        let logout = state.filter(|_| config.logs_out).map(|state| {
            let back = format!("&post_logout_redirect_uri=com.example.app%3A%2Fbye&state={state}");
            let back = if config.comes_back { back.as_str() } else { "" };
            let federated = if federated { "&federated" } else { "" };
            format!("https://as.example.com/logout?client_id=app{back}{federated}")
        });
        let last_error = (state.is_some() && logout.is_none()).then_some("no_logout_endpoint");
        let open = [grant.flight.take(), grant.lost.take()];
        let (may_live_on, late) = (grant.forgotten, Vec::new());
        let signing_out = SigningOut { config, revocation, logout, open, may_live_on, late, last_error };
        let outcome = signing_out.pending().unwrap_or(Outcome::SignedOut);
        *self = Self::SigningOut(signing_out);
        self.step(outcome)
    }

    /// What a sign-out waits for.
    pub fn pending(&self) -> Option<Outcome> {
        match self {
            Self::SigningOut(signing_out) => signing_out.pending(),
            _ => None,
        }
    }

    /// The browser has come back, or nobody waits for it; `None` if nobody did.
    pub fn returned(&mut self, seen: &Outcome, now: u64) -> Option<Outcome> {
        let Self::SigningOut(signing_out) = self else { return None };
        if !signing_out.is_logging_out() {
            return None;
        }
        signing_out.logout = None;
        let outcome = signing_out.next(seen, now);
        Some(self.step(outcome))
    }

    /// Signed out is who has nothing left to do.
    fn step(&mut self, outcome: Outcome) -> Outcome {
        if let Self::SigningOut(state) | Self::SignedOut(state) = self {
            let state = state.clone();
            *self = match outcome {
                Outcome::Err(_) => return outcome,
                Outcome::SignedOut => Self::SignedOut(state),
                _ => Self::SigningOut(state),
            };
        }
        outcome
    }

    pub fn adopt(&mut self, theirs: &Grant) -> Outcome {
        match self {
            Self::Grant(grant) => grant.adopt(theirs),
            Self::Over(ours) if ours.login != theirs.login => Outcome::OtherLogin,
            Self::Over(ours) if ours.revision < theirs.revision => {
                ours.lose(false);
                let mut next = theirs.stored();
                (next.lost, next.forgotten) = (ours.lost.take(), ours.forgotten);
                (next.overtaken, next.untold) = (ours.overtaken, ours.untold);
                *self = Self::Grant(Box::new(next));
                Outcome::Newer
            }
            _ => Outcome::NotNewer,
        }
    }

    /// The next time at which everybody knows whether a wait is over.
    pub fn clear_after(&self, now: u64) -> Option<u64> {
        match self {
            Self::Grant(grant) => {
                let slots = grant.slots.iter().map(|slot| &slot.obstacle.patience);
                slots.chain([&grant.obstacle.patience]).filter_map(|patience| patience.clear_after(now)).max()
            }
            Self::Over(_) => None,
            Self::SigningOut(signing_out) | Self::SignedOut(signing_out) => {
                signing_out.revocation.as_ref().and_then(|revocation| revocation.patience.clear_after(now))
            }
        }
    }
}
