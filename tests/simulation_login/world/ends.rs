//! The end of a login: tokens, or an error that fits what happened.

use oauth_proto::{Delivered, Error, Event, Over, Phase, Refused, Tokens};

use super::server::{Answer, EXPIRES_IN};
use super::truth::{broken, Answered, Cause, LEEWAY};
use super::weather::Kind;
use super::{Endpoint, World};

impl World<'_> {
    /// An answer with tokens has come: what can be said of them.
    pub fn tokens_came(&mut self, answer: &Answer) {
        let Some(issued) = &self.server.issued else { return };
        let device = self.time();
        let date = answer.date.filter(|date| date.abs_diff(device) <= super::truth::DAY);
        // Of a login that is under way it was issued just now, so it is no earlier than that.
        let judged_at = date.unwrap_or(device.max(issued.iat));
        let is_in_time = judged_at < issued.exp + LEEWAY || !self.plan.identity.has_id_tokens();
        let is_good = self.plan.flaw.is_none() && is_in_time;
        let may_seem_old = self.plan.max_age.is_some() && (date.is_none() || self.truth.set_back_at.is_some());
        self.truth.answered = Some(Answered { date: answer.date, device, judged_at, is_good, may_seem_old });
        self.begin_step();
    }

    /// (g) The login ends with tokens.
    pub fn got(&mut self, tokens: &Tokens) {
        let Some(issued) = &self.server.issued else { broken!("g", "tokens that the server did not issue") };
        let Some(answered) = &self.truth.answered else { broken!("g", "tokens that have not come") };
        if tokens.access_token().reveal() != issued.access_token {
            broken!("g", "other tokens than the server issued");
        }
        // By the device's clock, whatever that is.
        let latest = answered.device + EXPIRES_IN;
        let earliest = answered.device.min(self.truth.code_deadline) + EXPIRES_IN;
        let expires_at = tokens.expires_at().unwrap().as_secs();
        if !(earliest..=latest).contains(&expires_at) {
            broken!("g", "the access token is said to expire {expires_at}, and not {earliest} to {latest}");
        }
        self.check_identity(tokens);
        if self.login.phase() != Phase::Finished || self.login.pending_action().is_some() {
            broken!("f", "the login has ended, and there is more to do");
        }
        self.counts.add("logged in");
        let waits = self.waits;
        if waits > 0 {
            self.counts.add("logged in at a busy server");
        }
        if waits > 20 {
            self.counts.add("logged in after very many waits");
        }
    }

    /// (a, b, e) The login ends with an error.
    pub fn failed(&mut self, error: &Error, before: Phase, cause: Cause) {
        self.trace.note(|| format!("ended by {cause:?} in {before:?}: {error}"));
        if !error.is_fatal() || self.login.phase() != Phase::Failed || self.login.pending_action().is_some() {
            broken!("e", "an end that is none: {error}");
        }
        let now = self.unix_time();
        if self.login.handle(Event::Cancelled, now).err().as_ref() != Some(error) {
            broken!("e", "the error that ended the login is not said again: {error}");
        }
        let is_later = match cause {
            Cause::Answer(endpoint, _) if endpoint.is_place() => {
                self.round().iter().flatten().any(|kind| kind.is_later())
            }
            Cause::Answer(_, kind) => kind.is_some_and(Kind::is_later),
            _ => false,
        };
        if error.to_string().contains("later") && !is_later {
            broken!("e", "later is no better: {error}");
        }
        let reason = self.reason(error, before, cause);
        // Let pass: see `main.rs`.
        let is_let_pass = |answered: &Answered| answered.may_seem_old && error.code() == "id_token_auth_time_too_old";
        let is_good = self.truth.answered.as_ref().is_some_and(|answered| answered.is_good && !is_let_pass(answered));
        if is_good && !matches!(cause, Cause::Cancelled | Cause::Answer(Endpoint::Keys, Some(_))) {
            broken!("b", "tokens are thrown away: {error}");
        }
        match reason {
            Some(name) => self.counts.add(name),
            None if is_good => broken!("b", "tokens are thrown away after {cause:?}: {error}"),
            None => broken!("a", "after {cause:?} in {before:?} the login ends, without a reason: {error}"),
        }
    }

    /// What the end is called, if the error fits it.
    fn reason(&self, error: &Error, before: Phase, cause: Cause) -> Option<&'static str> {
        let device = self.time();
        match (cause, error) {
            (Cause::Cancelled, Error::Over(Over::Cancelled)) => Some("the user gave up"),
            (_, Error::Over(Over::Expired)) => {
                let deadline = match (before, cause) {
                    (Phase::ExchangingCode, Cause::Failed(Endpoint::Token, Delivered::No)) => self.truth.code_deadline,
                    (Phase::Discovering | Phase::AwaitingRedirect, _) => self.truth.deadline,
                    _ => return None,
                };
                (device > deadline).then_some("it took too long")
            }
            (Cause::Failed(Endpoint::Token, Delivered::Maybe), Error::Over(Over::OutcomeUnknown)) => {
                Some("the answer to the code was lost")
            }
            (Cause::Denied, Error::Refused(refused)) => (refused.oauth_error() == Some("access_denied")
                && refused.status().is_none())
            .then_some("the user said no"),
            (Cause::Answer(Endpoint::Token, kind), _) => self.reason_of_code(error, kind),
            (Cause::Answer(Endpoint::Keys, kind), _) => self.reason_of_keys(error, kind),
            (Cause::Answer(_, kind), _) => self.reason_of_metadata(error, kind),
            _ => None,
        }
    }

    fn reason_of_metadata(&self, error: &Error, kind: Option<Kind>) -> Option<&'static str> {
        // A document that is there decides.
        if kind == Some(Kind::OtherIssuers) {
            return (error.code() == "bad_metadata").then_some("the metadata were another issuer's");
        }
        let round = self.round();
        if round.len() < self.plan.places() {
            return None;
        }
        let later: Vec<Kind> = round.iter().flatten().filter(|kind| kind.is_later()).copied().collect();
        if !later.is_empty() {
            let is_one = |refused: &Refused| later.iter().any(|kind| Some(kind.status()) == refused.status());
            let fits = matches!(error, Error::Refused(refused) if is_one(refused));
            return (fits && self.would_be_too_late(Endpoint::Place1, &later)).then_some("no metadata in time");
        }
        let is_garbled = round.contains(&Some(Kind::Garbled));
        let code = if is_garbled { "response_malformed" } else { "bad_metadata" };
        (error.code() == code).then_some("no metadata anywhere")
    }

    fn reason_of_code(&self, error: &Error, kind: Option<Kind>) -> Option<&'static str> {
        let Some(kind) = kind else {
            return match &self.truth.answered {
                None => is_refused(error, 400, Some("invalid_grant")).then_some("the code was too old"),
                Some(_) => self.reason_of_id_token(error),
            };
        };
        if kind.is_unprocessed() {
            let words = (kind == Kind::BusyInWords).then_some("temporarily_unavailable");
            let fits = is_refused(error, kind.status(), words) && self.would_be_too_late(Endpoint::Token, &[kind]);
            return fits.then_some("the server was busy for longer than a code lives");
        }
        let fits = match kind {
            Kind::Refusal => is_refused(error, 401, Some("invalid_client")),
            Kind::Moved => error.code() == "redirect_refused",
            Kind::Page => error.code() == "unexpected_content_type",
            Kind::Garbled => error.code() == "response_malformed",
            kind => is_refused(error, kind.status(), None),
        };
        fits.then_some("the server broke over the code")
    }

    fn reason_of_id_token(&self, error: &Error) -> Option<&'static str> {
        let (answered, issued) = (self.truth.answered.as_ref()?, self.server.issued.as_ref()?);
        let is_late = answered.judged_at >= issued.exp + LEEWAY;
        match self.plan.flaw {
            Some(flaw) if error.code() == flaw.code() => Some("an ID token with a flaw"),
            // It has expired, and more.
            Some(flaw) if flaw.is_of_time() && error.code().starts_with("id_token_auth_time") => {
                Some("an ID token with a flaw")
            }
            Some(flaw) if !flaw.is_seen_last() => None,
            _ if is_late => (error.code() == "id_token_expired").then_some("a clock that nobody could put right"),
            _ if answered.may_seem_old => {
                (error.code() == "id_token_auth_time_too_old").then_some("a new proof that was said to be too old")
            }
            _ => None,
        }
    }

    fn reason_of_keys(&self, error: &Error, kind: Option<Kind>) -> Option<&'static str> {
        let Some(kind) = kind else {
            let flaw = self.plan.flaw.filter(|flaw| !flaw.is_of_time() && flaw.code() == error.code());
            return flaw.map(|_| "an ID token with a flaw");
        };
        let fits = match kind {
            kind if kind.is_later() => false,
            Kind::Moved => error.code() == "redirect_refused",
            Kind::Page | Kind::Garbled => error.code() == "response_malformed",
            Kind::OldKeys => matches!(error.code(), "id_token_key_not_found" | "id_token_signature"),
            kind => is_refused(error, kind.status(), None),
        };
        // Let pass: see `main.rs`.
        fits.then_some("tokens thrown away, since the server had another page than its keys")
    }
}

fn is_refused(error: &Error, status: u16, words: Option<&str>) -> bool {
    matches!(error, Error::Refused(refused) if refused.status() == Some(status) && refused.oauth_error() == words)
}
