//! The model of a session: its end, what is stored of it, what other processes have stored, and the sign-out.

use std::rc::Rc;

use oauth_proto::SessionPhase;

use super::session::{Answer, Api, Outcome, Says};
use super::session_grant::{backoff, Came, Grant, Patience, Slot};

#[derive(Clone, Debug)]
pub enum Model {
    Grant(Box<Grant>),
    /// With the grant as it was.
    Over(Box<Grant>),
    SigningOut(SigningOut),
    SignedOut,
}

#[derive(Clone, Debug)]
pub struct SigningOut {
    pub revocation: Option<Revocation>,
    /// The URL that the browser is sent to, until it comes back.
    logout: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Revocation {
    body: String,
    /// Of the request, once it was seen.
    pub id: Option<u64>,
    outcomes: u32,
    patience: Patience,
}

/// What the client's server offers.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    pub revokes: bool,
    pub logs_out: bool,
    /// There is a URI to come back to after a logout.
    pub comes_back: bool,
}

impl Grant {
    /// What the next process makes of the saved form.
    pub fn stored(&self) -> Self {
        let mut next = self.clone();
        next.losses = (self.losses + self.in_doubt()).min(2);
        (next.flight, next.lost, next.patience) = (None, Vec::new(), Patience::default());
        (next.forgiven, next.overlooked) = (0, 0);
        next.before.clear();
        for slot in &mut next.slots {
            (slot.patience, slot.not_granted) = (Patience::default(), false);
            if let Some(token) = &mut slot.token {
                (token.refused, token.after_refusal, token.hopeless_since) = (false, false, None);
                token.identity = Rc::new(());
            }
        }
        next
    }

    pub fn age(&self) -> (u64, u64) {
        (self.generation, self.renewals)
    }

    /// What is stored of another login is what the user logged in with last, unless this session had it before.
    fn is_outdated_by(&self, stored: &Self) -> bool {
        if self.login == stored.login {
            self.age() < stored.age()
        } else {
            !self.before.contains(&stored.login)
        }
    }

    fn follow(&mut self, ours: &Self) {
        self.before.clone_from(&ours.before);
        if ours.login != self.login {
            self.before.push(ours.login.clone());
        }
        if self.before.len() > 8 {
            self.before.remove(0);
        }
    }

    /// One of them is our own, if one is under way; a token that lives on has none.
    fn take_marks(&mut self, losses: u8, reusable: bool) {
        self.reusable |= reusable;
        let marks = losses.saturating_sub(self.in_doubt() + self.forgiven);
        self.losses = if self.reusable { 0 } else { self.losses.max(marks) };
    }

    fn adopt(&mut self, theirs: &Self) -> Outcome {
        if self.is_outdated_by(theirs) {
            let ours = std::mem::replace(self, theirs.stored());
            self.follow(&ours);
            if ours.login == self.login && ours.refresh_token == self.refresh_token {
                self.take_marks((ours.losses + ours.in_doubt()).min(2), ours.reusable);
            }
            if ours.login == self.login {
                self.narrowed = ours.narrowed;
                for (slot, our_slot) in self.slots.iter_mut().zip(ours.slots) {
                    // What is known of a token stays known: that it was refused, for one.
                    let text = |slot: &Slot| slot.token.as_ref().map(|token| token.text.clone());
                    if slot.token.is_none() || text(slot) == text(&our_slot) {
                        *slot = our_slot;
                    }
                }
            }
            return Outcome::Newer;
        }
        if self.refresh_token == theirs.refresh_token {
            self.take_marks(theirs.losses, theirs.reusable);
        }
        Outcome::NotNewer
    }

    /// Whether a restart shows in nothing.
    pub fn is_quiet(&self) -> bool {
        let waits = |patience: &Patience| patience.retry.is_some() || patience.failures > 0;
        let marked = |slot: &Slot| {
            waits(&slot.patience)
                || slot.not_granted
                || slot.token.as_ref().is_some_and(|token| token.refused || token.after_refusal)
        };
        self.flight.is_none()
            && self.lost.is_empty()
            && self.overlooked == 0
            && self.before.is_empty()
            && !waits(&self.patience)
            && !self.slots.iter().any(marked)
    }
}

impl SigningOut {
    fn is_logging_out(&self) -> bool {
        self.logout.is_some() && self.revocation.as_ref().is_none_or(|revocation| revocation.outcomes > 0)
    }

    fn pending(&self) -> Outcome {
        match (&self.logout, &self.revocation) {
            (Some(url), _) if self.is_logging_out() => Outcome::OpenUrl(url.clone()),
            (_, Some(revocation)) => Outcome::Send(revocation.body.clone()),
            (_, None) => Outcome::SignedOut,
        }
    }

    fn next(&mut self, now: u64) -> Outcome {
        let waits = !self.is_logging_out();
        let revocation = self.revocation.as_mut().filter(|_| waits);
        let until = revocation.and_then(|revocation| revocation.patience.until(now));
        until.map_or_else(|| self.pending(), Outcome::RetryAt)
    }

    fn answer(&mut self, id: u64, came: Came<'_>, now: u64) -> Outcome {
        let asked = !self.is_logging_out();
        let revocation = self.revocation.as_mut().filter(|revocation| asked && revocation.id == Some(id));
        let Some(revocation) = revocation else { return Outcome::Refused("unknown_request") };
        (revocation.id, revocation.outcomes) = (None, revocation.outcomes + 1);
        let wait = match came {
            Ok((answer @ (Answer::Unavailable { .. } | Answer::InvalidGrantWith500), _)) => {
                Some(answer.retry_after().unwrap_or(0))
            }
            Ok(_) => None,
            Err(_) => Some(0),
        };
        match wait.filter(|_| revocation.outcomes < 5) {
            Some(wait) => drop(revocation.patience.wait(wait.max(backoff(revocation.outcomes)), now)),
            None => self.revocation = None,
        }
        self.next(now)
    }
}

impl Model {
    pub fn phase(&self) -> SessionPhase {
        match self {
            Self::Grant(grant) => grant.phase(),
            Self::Over(_) => SessionPhase::LoginRequired,
            Self::SigningOut(signing_out) if signing_out.is_logging_out() => SessionPhase::LoggingOut,
            Self::SigningOut(_) => SessionPhase::SigningOut,
            Self::SignedOut => SessionPhase::SignedOut,
        }
    }

    pub fn deadline(&self) -> Option<u64> {
        match self {
            Self::Grant(grant) => grant.deadline(),
            _ => None,
        }
    }

    pub fn access(&mut self, api: Api, id: u64, now: u64) -> Outcome {
        match self {
            Self::Grant(grant) => grant.access(api, id, now),
            Self::Over(_) => Outcome::LoginRequired("grant ended".into()),
            Self::SigningOut(_) | Self::SignedOut => Outcome::LoginRequired("signed out".into()),
        }
    }

    /// The API refused this token, and said so.
    pub fn refused(&mut self, api: Api, refused: (&str, &Rc<()>), says: Says, id: u64, now: u64) -> Outcome {
        match (says, &mut *self) {
            (
                Says::OtherScheme
                | Says::Forbidden
                | Says::ForbiddenMalformed
                | Says::ForbiddenMetadata
                | Says::ForbiddenBearer,
                _,
            ) => Outcome::Nothing,
            (_, Self::Grant(grant)) => grant.refused(api, refused, says, id, now),
            _ => self.access(api, id, now),
        }
    }

    pub fn answer(&mut self, id: u64, came: Came<'_>, now: u64) -> Outcome {
        match self {
            Self::Grant(grant) => match grant.answer(id, came, now) {
                Some(outcome) => outcome,
                None => {
                    *self = Self::Over(grant.clone());
                    Outcome::LoginRequired("grant ended".into())
                }
            },
            Self::SigningOut(signing_out) => {
                let outcome = signing_out.answer(id, came, now);
                self.step(outcome)
            }
            _ => Outcome::Refused("unknown_request"),
        }
    }

    /// `state` is the one that the entropy makes, if the user is to be logged out at the server, too.
    pub fn sign_out(&mut self, config: Config, state: Option<&str>, federated: bool) -> Outcome {
        let grant = match self {
            Self::Grant(grant) => Some(grant),
            Self::Over(_) => None,
            _ => return self.pending().unwrap_or(Outcome::SignedOut),
        };
        let revoked = grant.map(|grant| match &grant.refresh_token {
            Some(token) => (token.clone(), "refresh_token"),
            None => (grant.own().text.clone(), "access_token"),
        });
        let revocation = revoked.filter(|_| config.revokes).map(|(token, hint)| Revocation {
            body: format!("token={token}&token_type_hint={hint}&client_id=app"),
            id: None,
            outcomes: 0,
            patience: Patience::default(),
        });
        let logout = state.filter(|_| config.logs_out).map(|state| {
            let back = format!("&post_logout_redirect_uri=com.example.app%3A%2Fbye&state={state}");
            let back = if config.comes_back { back.as_str() } else { "" };
            let federated = if federated { "&federated" } else { "" };
            format!("https://as.example.com/logout?client_id=app{back}{federated}")
        });
        let signing_out = SigningOut { revocation, logout };
        let outcome = signing_out.pending();
        *self = Self::SigningOut(signing_out);
        self.step(outcome)
    }

    /// What a sign-out waits for.
    pub fn pending(&self) -> Option<Outcome> {
        match self {
            Self::SigningOut(signing_out) => Some(signing_out.pending()),
            _ => None,
        }
    }

    /// The browser has come back, or nobody waits for it; `None` if nobody did.
    pub fn returned(&mut self, now: u64) -> Option<Outcome> {
        let Self::SigningOut(signing_out) = self else { return None };
        if !signing_out.is_logging_out() {
            return None;
        }
        signing_out.logout = None;
        let outcome = signing_out.next(now);
        Some(self.step(outcome))
    }

    fn step(&mut self, outcome: Outcome) -> Outcome {
        if outcome == Outcome::SignedOut {
            *self = Self::SignedOut;
        }
        outcome
    }

    pub fn try_again(&mut self) {
        if let Self::Grant(grant) = self {
            let more = grant.losses.saturating_sub(1);
            grant.forgiven += more;
            grant.overlooked += more;
            grant.losses -= more;
        }
    }

    pub fn adopt(&mut self, theirs: &Grant) -> Outcome {
        match self {
            Self::Grant(grant) => grant.adopt(theirs),
            Self::Over(ours) => {
                // What was refused is not tried again, and nothing older.
                let is_older = ours.login == theirs.login && ours.age() > theirs.age();
                let is_refused = ours.login == theirs.login && ours.refresh_token == theirs.refresh_token;
                if is_older || is_refused || ours.before.contains(&theirs.login) {
                    return Outcome::NotNewer;
                }
                let mut newer = theirs.stored();
                newer.follow(ours);
                *self = Self::Grant(Box::new(newer));
                Outcome::Newer
            }
            Self::SigningOut(_) | Self::SignedOut => Outcome::NotNewer,
        }
    }
}
