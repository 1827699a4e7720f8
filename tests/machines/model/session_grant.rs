//! The model of a session whose grant lives: what it hands out, sends, keeps and forgets.

use std::rc::Rc;

use oauth_proto::{Delivered, SessionPhase};

use super::session::{Answer, Api, Outcome, Says};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub scope: String,
    pub obtained_at: Option<u64>,
    pub expires_at: Option<u64>,
    pub refused: bool,
    pub after_refusal: bool,
    /// When it was refused like the one before it.
    pub hopeless_since: Option<u64>,
    /// The same text may come twice.
    pub identity: Rc<()>,
}

/// What is kept for one API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    pub token: Option<Token>,
    pub patience: Patience,
    /// The server has refused it by name.
    pub not_granted: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    pub retry: Option<Retry>,
    pub failures: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    pub at: u64,
    decided_at: u64,
}

/// What a login asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub scope: String,
    pub acr_values: Option<&'static str>,
    pub max_age: Option<u64>,
    /// Of the API `A`.
    pub resource: bool,
    pub points: u8,
}

/// What an API demands, or a caller.
#[derive(Default)]
pub struct Demand {
    scope: Option<&'static str>,
    resource: bool,
    acr_values: Option<&'static str>,
    max_age: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub id: u64,
    pub api: Api,
    scope: String,
    generation: u64,
    /// Of what it brings.
    next_generation: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    pub sent: Sent,
    at: u64,
    /// The earliest time that was seen before `at`.
    seen_back_at: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub login: String,
    /// The logins before it in this session.
    pub before: Vec<String>,
    pub logged_in_at: Option<u64>,
    /// Of the refresh token, and how often that one brought access tokens and stayed.
    pub generation: u64,
    pub renewals: u64,
    pub asked: Asked,
    pub granted_scope: String,
    /// In the order of `APIS`.
    pub slots: [Slot; 4],
    pub refresh_token: Option<String>,
    /// The narrower scope of the own token.
    pub narrowed: String,
    pub flight: Option<Flight>,
    pub lost: Vec<Sent>,
    pub losses: u8,
    /// Losses that the user has decided to overlook.
    pub forgiven: u8,
    /// The same, all in all.
    pub overlooked: u8,
    /// The server leaves the refresh token as it is.
    pub reusable: bool,
    pub patience: Patience,
}

/// An answer with the tokens that are in it, or none.
pub type Came<'a> = Result<(Answer, (&'a str, Option<&'a str>)), Delivered>;

impl Token {
    pub fn new(text: &str, scope: &str, obtained_at: Option<u64>, expires_at: Option<u64>) -> Self {
        let (text, scope) = (text.to_owned(), scope.to_owned());
        Self {
            text,
            scope,
            obtained_at,
            expires_at,
            refused: false,
            after_refusal: false,
            hopeless_since: None,
            identity: Rc::new(()),
        }
    }

    fn just_came(&self, now: u64) -> bool {
        self.obtained_at.and_then(|at| now.checked_sub(at)).is_some_and(|age| age < 2)
    }

    pub fn usable(&self, now: u64) -> bool {
        !self.refused && (self.just_came(now) || self.expires_at.is_none_or(|at| now < at))
    }

    /// A minute before the end, or half the lifetime if that is less.
    fn due(&self, now: u64) -> bool {
        let Some(end) = self.expires_at else { return false };
        let lead = self.obtained_at.map_or(60, |start| (end.saturating_sub(start) / 2).min(60));
        !self.just_came(now) && end <= now.saturating_add(lead)
    }
}

impl Patience {
    /// If the clock was set back by more than threads differ, the wait begins anew. Nobody waits for more than an hour.
    pub fn until(&mut self, now: u64) -> Option<u64> {
        let retry = self.retry.as_mut()?;
        if now.saturating_add(60) < retry.decided_at {
            let wait = retry.at - retry.decided_at;
            *retry = Retry { at: now.saturating_add(wait), decided_at: now };
        }
        (now < retry.at).then_some(retry.at.min(now.saturating_add(3600)))
    }

    pub fn wait(&mut self, seconds: u64, now: u64) -> Outcome {
        let at = now.saturating_add(seconds);
        self.retry = Some(Retry { at, decided_at: now });
        Outcome::RetryAt(at)
    }
}

/// 0, 1, 2, 4 … 64 seconds.
pub fn backoff(failures: u32) -> u64 {
    if failures == 0 {
        0
    } else {
        1 << (failures - 1).min(6)
    }
}

/// Whether all tokens of a scope are in another one.
pub fn within(scope: &str, whole: &str) -> bool {
    scope.split(' ').all(|token| token.is_empty() || whole.split(' ').any(|other| other == token))
}

/// The scope that an API's tokens are narrowed to.
fn scope_of(api: Api) -> Option<&'static str> {
    match api {
        Api::Own | Api::A => None,
        Api::B => Some("read"),
        Api::C => Some("admin"),
    }
}

impl Grant {
    pub fn slot(&self, api: Api) -> &Slot {
        &self.slots[api as usize]
    }

    fn slot_mut(&mut self, api: Api) -> &mut Slot {
        &mut self.slots[api as usize]
    }

    pub fn own(&self) -> &Token {
        self.slot(Api::Own).token.as_ref().unwrap()
    }

    pub fn phase(&self) -> SessionPhase {
        match (&self.flight, self.losses) {
            (Some(_), 0) => SessionPhase::Refreshing,
            (Some(_), _) => SessionPhase::Retrying,
            (None, 0) => SessionPhase::Active,
            (None, 1) => SessionPhase::OutcomeUnknown,
            (None, _) => SessionPhase::Exhausted,
        }
    }

    pub fn deadline(&self) -> Option<u64> {
        self.flight.as_ref().map(|flight| flight.seen_back_at.unwrap_or(flight.at).saturating_add(60))
    }

    fn asked_scope(&self, api: Api) -> String {
        let own = if api == Api::Own { self.narrowed.as_str() } else { "" };
        scope_of(api).unwrap_or(own).to_owned()
    }

    fn refresh_body(&self, api: Api, refresh_token: &str) -> String {
        let mut body = format!("grant_type=refresh_token&refresh_token={refresh_token}");
        let scope = self.asked_scope(api);
        if !scope.is_empty() {
            body = body + "&scope=" + &scope.replace(' ', "+");
        }
        body += match api {
            Api::A => "&resource=https%3A%2F%2Fa.example.com%2F",
            Api::B => "&audience=b+%26+c",
            Api::Own | Api::C => "",
        };
        body + "&client_id=app"
    }

    /// `id` is the one that the machine gives a refresh that it sends now.
    pub fn access(&mut self, api: Api, id: u64, now: u64) -> Outcome {
        if api == Api::C && !within("admin", &self.granted_scope) {
            return self.demand(&Demand { scope: Some("admin"), ..Demand::default() }, now);
        }
        let token = self.slot(api).token.clone();
        let usable = token.as_ref().filter(|token| token.usable(now));
        let fallback = |otherwise| usable.map_or(otherwise, |token| Outcome::Ready(token.text.clone()));
        if usable.is_some_and(|token| !token.due(now)) {
            return fallback(Outcome::Nothing);
        }
        let hopeless_since = token.as_ref().and_then(|token| token.hopeless_since);
        if hopeless_since.and_then(|since| now.checked_sub(since)).is_some_and(|age| age < 60) {
            return Outcome::LoginRequired("token refused".into());
        }
        let slot_waits = self.slot_mut(api).patience.until(now);
        let Some(refresh_token) = self.refresh_token.clone() else {
            return fallback(Outcome::LoginRequired("none".into()));
        };
        if let Some(flight) = &mut self.flight {
            // Before it was sent, the time that counts is the one since the set-back was seen.
            let since = if now < flight.at {
                let earliest = flight.seen_back_at.map_or(now, |before| before.min(now));
                flight.seen_back_at = Some(earliest);
                earliest
            } else {
                flight.seen_back_at = None;
                flight.at
            };
            if now < since || now - since < 60 {
                return fallback(Outcome::Wait);
            }
            self.lose();
        }
        if self.losses > 1 {
            return fallback(Outcome::LoginRequired("outcome unknown".into()));
        }
        if self.slot(api).not_granted && slot_waits.is_some() {
            let demand = Demand { scope: scope_of(api), resource: api == Api::A, ..Demand::default() };
            let login = self.demand(&demand, now);
            // A login names one audience, so that another login does not help.
            return fallback(if api == Api::B { Outcome::LoginRequired("demand not met".into()) } else { login });
        }
        if let Some(at) = self.patience.until(now).max(slot_waits) {
            return fallback(Outcome::RetryAt(at));
        }
        let body = self.refresh_body(api, &refresh_token);
        // In steps of eight, and of what one refresh token brings in several tries the last is the newest.
        let next_generation = self.generation / 8 * 8 + 8 + u64::from(self.losses + self.overlooked).min(7);
        let sent = Sent { id, api, scope: self.asked_scope(api), generation: self.generation, next_generation };
        self.flight = Some(Flight { sent, at: now, seen_back_at: None });
        // What was sent with an earlier refresh token cannot bring a newer one.
        let present = self.generation;
        self.lost.retain(|lost| lost.generation == present);
        self.patience.retry = None;
        self.slot_mut(api).patience.retry = None;
        Outcome::Send(body)
    }

    /// The API refused this token, and said so.
    pub fn refused(&mut self, api: Api, refused: (&str, &Rc<()>), says: Says, id: u64, now: u64) -> Outcome {
        let (text, identity) = refused;
        let known = self.slot(api).token.as_ref().is_some_and(|token| token.text == text);
        let demand = match says {
            Says::MoreScope => Some(Demand { scope: Some("admin"), ..Demand::default() }),
            Says::OtherScope => Some(Demand { scope: Some("write"), ..Demand::default() }),
            Says::SomeScope => Some(Demand::default()),
            Says::StepUp => Some(Demand { acr_values: Some("gold"), max_age: Some(5), ..Demand::default() }),
            Says::AtOnce => Some(Demand { max_age: Some(0), ..Demand::default() }),
            _ => None,
        };
        if let Some(demand) = demand.as_ref().filter(|_| known) {
            let narrowed = self.asked_scope(api);
            let wider_would_do = demand.scope.is_some_and(|scope| {
                !narrowed.is_empty() && !within(scope, &narrowed) && within(scope, &self.granted_scope)
            });
            return if wider_would_do { Outcome::Nothing } else { self.demand(demand, now) };
        }
        if known {
            let under_way = self.flight.iter().map(|flight| &flight.sent);
            let another_comes = under_way.chain(&self.lost).any(|sent| sent.api == api);
            let token = self.slot_mut(api).token.as_mut().unwrap();
            // One that came in the future is not fresh.
            let just_came = token.obtained_at.is_none_or(|at| at <= now && now - at < 60);
            if token.after_refusal && just_came && !another_comes && Rc::ptr_eq(&token.identity, identity) {
                token.hopeless_since = Some(now);
            }
            token.refused = true;
        }
        self.access(api, id, now)
    }

    /// The login that gives what this grant gives, and what is demanded.
    pub fn again(&self, demand: &Demand, points: u8) -> Asked {
        let mut tokens: Vec<&str> = Vec::new();
        for token in self.granted_scope.split(' ').chain(demand.scope.unwrap_or_default().split(' ')) {
            if !token.is_empty() && !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        Asked {
            scope: tokens.join(" "),
            acr_values: demand.acr_values.or(self.asked.acr_values),
            max_age: [demand.max_age, self.asked.max_age].into_iter().flatten().min(),
            resource: demand.resource || self.asked.resource,
            points,
        }
    }

    fn demand(&self, demand: &Demand, now: u64) -> Outcome {
        let age = self.logged_in_at.map_or(u64::MAX, |at| now.saturating_sub(at));
        let had = format!("{} {}", self.asked.scope, self.granted_scope);
        let is_step_up = demand.acr_values.is_some() || demand.max_age.is_some();
        let asked_for = within(demand.scope.unwrap_or_default(), &had)
            && (!demand.resource || self.asked.resource)
            && (demand.acr_values.is_none() || demand.acr_values == self.asked.acr_values);
        let is_recent = demand.max_age.is_none_or(|seconds| age < seconds.max(60));
        let all_granted = within(&self.asked.scope, &self.granted_scope);
        let points = match () {
            () if age >= 3600 => 0,
            () if asked_for && is_recent => self.asked.points + 2,
            () if asked_for || !is_step_up && all_granted => self.asked.points,
            () => self.asked.points + 1,
        };
        if points > 4 {
            return Outcome::LoginRequired("demand not met".into());
        }
        Outcome::LoginRequired(format!("{:?}", self.again(demand, points)))
    }

    /// 1 if a refresh with the present refresh token is under way, which may spend it.
    pub fn in_doubt(&self) -> u8 {
        let flight = self.flight.as_ref().filter(|_| !self.reusable);
        u8::from(flight.is_some_and(|flight| flight.sent.generation == self.generation))
    }

    /// What the user has overlooked was for one refresh.
    fn settle(&mut self) {
        (self.flight, self.forgiven) = (None, 0);
    }

    fn lose(&mut self) {
        self.losses = (self.losses + self.in_doubt()).min(2);
        self.forgiven = 0;
        let Some(flight) = self.flight.take() else { return };
        if self.lost.len() == 4 {
            self.lost.remove(0);
        }
        self.lost.push(flight.sent);
    }

    /// What the answer to this refresh gives; `None` when it ends the grant.
    pub fn answer(&mut self, id: u64, came: Came<'_>, now: u64) -> Option<Outcome> {
        let current = self.flight.as_ref().map(|flight| flight.sent.clone()).filter(|sent| sent.id == id);
        let is_current = current.is_some();
        let Some(sent) = current.or_else(|| self.lost.iter().find(|sent| sent.id == id).cloned()) else {
            return Some(Outcome::Refused("unknown_request"));
        };
        match came {
            Ok((Answer::Tokens { expires_in, scope, .. }, (access_token, refresh_token))) => {
                let meant = if sent.scope.is_empty() { &self.granted_scope } else { &sent.scope };
                let expires_at = expires_in.map(|seconds| now.saturating_add(seconds.min(u64::from(u32::MAX))));
                let mut token = Token::new(access_token, scope.unwrap_or(meant), Some(now), expires_at);
                let slot = self.slot_mut(sent.api);
                token.after_refusal = slot.token.as_ref().is_some_and(|earlier| earlier.refused);
                *slot = Slot { token: Some(token), ..Slot::default() };
                self.rotate(&sent, refresh_token);
                self.patience = Patience::default();
                Some(Outcome::Save(Some(sent.api)))
            }
            Ok((answer @ Answer::OnlyRefreshToken, (_, refresh_token))) => {
                self.rotate(&sent, refresh_token);
                let _ = self.fail(answer, sent.api, now);
                Some(Outcome::Save(None))
            }
            _ if !is_current => Some(Outcome::Refused("unknown_request")),
            _ if sent.generation != self.generation => {
                self.settle();
                Some(Outcome::RetryAt(now))
            }
            Ok((Answer::InvalidGrant, _)) => None,
            Ok((answer, _)) => {
                if answer == Answer::Unreadable {
                    self.lose();
                }
                self.settle();
                Some(self.fail(answer, sent.api, now))
            }
            Err(delivered) => {
                if delivered == Delivered::Maybe {
                    self.lose();
                }
                self.settle();
                self.patience.failures += 1;
                let wait = backoff(self.patience.failures - 1);
                Some(self.patience.wait(wait, now))
            }
        }
    }

    /// As long as the server asks, and never shorter than the session's own wait.
    fn fail(&mut self, answer: Answer, api: Api, now: u64) -> Outcome {
        // A refusal of what was asked for, not of the client, is about this API alone.
        let of_api = matches!(answer, Answer::InvalidTarget | Answer::InvalidGrantInOtherCase | Answer::Html403);
        let patience = if of_api {
            self.slot_mut(api).not_granted = answer == Answer::InvalidTarget;
            &mut self.slots[api as usize].patience
        } else {
            &mut self.patience
        };
        patience.failures += 1;
        let own = backoff(patience.failures);
        patience.wait(answer.retry_after().map_or(own, |asked| asked.max(own)), now)
    }

    fn rotate(&mut self, sent: &Sent, refresh_token: Option<&str>) {
        // Only of the token that was sent it is known that it lives on.
        self.reusable = refresh_token.is_none() && (self.reusable || sent.generation == self.generation);
        self.renewals += 1;
        if let Some(refresh_token) = refresh_token {
            self.refresh_token = Some(refresh_token.into());
            // Of the token that was sent, not of the present one.
            if sent.next_generation > self.generation {
                (self.generation, self.renewals) = (sent.next_generation, 0);
            }
        }
        (self.losses, self.forgiven, self.overlooked) = (0, 0, 0);
        if self.flight.as_ref().is_some_and(|flight| flight.sent.id == sent.id) {
            self.flight = None;
            self.lost.clear();
        } else {
            // Those that were sent before it are of no more use.
            let index = self.lost.iter().position(|lost| lost.id == sent.id).unwrap();
            self.lost.drain(..=index);
        }
    }
}
