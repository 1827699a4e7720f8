//! The model of a session whose grant lives: what it hands out, sends, keeps and forgets.

use oauth_proto::{Delivered, SessionPhase};

use super::session::{Answer, Api, Ends, Outcome, Says};
use super::session_waits::{Hold, Obstacle, Refusals};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub scope: String,
    pub obtained_at: Option<u64>,
    pub expires_at: Option<u64>,
    pub refused: bool,
}

/// What is kept for one API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    pub token: Option<Token>,
    pub obstacle: Obstacle,
    pub refusals: Refusals,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub id: u64,
    api: Api,
    refresh_token: String,
    at: u64,
    /// The earliest time that was seen before `at`.
    seen_back_at: Option<u64>,
    /// What the deadline is now, if it was found long past.
    found_late: Option<u64>,
}

impl Sent {
    fn deadline(&self) -> u64 {
        let own = self.seen_back_at.unwrap_or(self.at).saturating_add(60);
        // A clock that was set back since takes nothing of its time away.
        self.found_late.map_or(own, |until| until.max(own))
    }

    /// Whether it is waited for. Where nobody looked for a minute after the deadline, the answer gets ten seconds.
    fn is_waited_for(&mut self, now: u64) -> bool {
        let seconds = now.saturating_add(10);
        if now < self.at {
            (self.seen_back_at, self.found_late) = (Some(now.min(self.seen_back_at.unwrap_or(now))), None);
        } else if let Some(found_late) = self.found_late {
            self.found_late = Some(found_late.min(seconds));
        } else {
            self.seen_back_at = None;
            self.found_late = (now >= self.deadline().saturating_add(60)).then_some(seconds);
        }
        now < self.deadline()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
pub struct Grant {
    pub login: String,
    pub revision: u64,
    pub scope: String,
    /// In the order of `APIS`.
    pub slots: [Slot; 4],
    pub refresh_token: Option<String>,
    pub flight: Option<Sent>,
    /// The last one whose answer has not come.
    pub lost: Option<Sent>,
    /// There were others.
    pub forgotten: bool,
    /// Newer tokens have come since; only a sign-out asks for those that were lost before.
    pub overtaken: bool,
    /// Of some of them the driver has not said that they are gone.
    pub untold: bool,
    pub obstacle: Obstacle,
    /// Whether the grant lives, the next refresh is to tell.
    in_doubt: bool,
    pub authorization_ends: Option<u64>,
    pub refresh_token_ends: Option<u64>,
    /// The app says that the server is to be asked past the end.
    doubted: bool,
    pub last_error: Option<&'static str>,
}

/// An answer with the tokens that are in it, or none.
pub type Came<'a> = Result<(Answer, (&'a str, Option<&'a str>)), Delivered>;

impl Token {
    pub fn new(text: &str, scope: &str, obtained_at: Option<u64>, expires_at: Option<u64>) -> Self {
        Self { text: text.to_owned(), scope: scope.to_owned(), obtained_at, expires_at, refused: false }
    }

    /// Whatever the server says, a token is good for two seconds.
    fn just_came(&self, now: u64) -> bool {
        self.obtained_at.and_then(|at| now.checked_sub(at)).is_some_and(|age| age < 2)
    }

    pub fn is_good(&self, now: u64) -> bool {
        self.just_came(now) || self.expires_at.is_none_or(|at| now < at)
    }

    /// A minute before the end, or half the lifetime if that is less.
    fn is_due(&self, now: u64) -> bool {
        let Some(end) = self.expires_at else { return false };
        let lead = self.obtained_at.map_or(60, |start| (end.saturating_sub(start) / 2).min(60));
        !self.just_came(now) && end <= now.saturating_add(lead)
    }
}

/// Whether all tokens of a scope are in another one.
fn within(scope: &str, whole: &str) -> bool {
    scope.split(' ').all(|token| whole.split(' ').any(|other| other == token))
}

/// The scope that an API's tokens are narrowed to.
fn scope_of(api: Api) -> Option<&'static str> {
    match api {
        Api::Own | Api::A => None,
        Api::B => Some("read"),
        Api::C => Some("admin"),
    }
}

fn refresh_body(api: Api, refresh_token: &str) -> String {
    let scope = scope_of(api).map(|scope| format!("&scope={scope}")).unwrap_or_default();
    let named = match api {
        Api::A => "&resource=https%3A%2F%2Fa.example.com%2F",
        Api::B => "&audience=b+%26+c",
        Api::Own | Api::C => "",
    };
    format!("grant_type=refresh_token&refresh_token={refresh_token}{scope}{named}&client_id=app")
}

impl Grant {
    pub fn new(login: String, own: Token, refresh_token: Option<&str>) -> Self {
        Self {
            login,
            revision: 0,
            scope: own.scope.clone(),
            slots: [Slot { token: Some(own), ..Slot::default() }, Slot::default(), Slot::default(), Slot::default()],
            refresh_token: refresh_token.map(str::to_owned),
            flight: None,
            lost: None,
            forgotten: false,
            overtaken: false,
            untold: false,
            doubted: false,
            obstacle: Obstacle::default(),
            in_doubt: false,
            authorization_ends: None,
            refresh_token_ends: None,
            last_error: None,
        }
    }

    pub fn slot(&self, api: Api) -> &Slot {
        &self.slots[api as usize]
    }

    fn slot_mut(&mut self, api: Api) -> &mut Slot {
        &mut self.slots[api as usize]
    }

    pub fn phase(&self) -> SessionPhase {
        if self.flight.is_some() {
            SessionPhase::Refreshing
        } else {
            SessionPhase::Active
        }
    }

    pub fn deadline(&self) -> Option<u64> {
        self.flight.as_ref().map(Sent::deadline)
    }

    pub fn ends_at(&self) -> Option<u64> {
        [self.authorization_ends, self.refresh_token_ends].into_iter().flatten().min()
    }

    /// What the machine gave is `seen`, `id` that of a refresh that it sends.
    pub fn access(&mut self, api: Api, id: u64, seen: &Outcome, now: u64) -> Outcome {
        self.serve(api, true, id, seen, now)
    }

    fn serve(&mut self, api: Api, takes_present: bool, id: u64, seen: &Outcome, now: u64) -> Outcome {
        self.doubted &= self.ends_at().is_some_and(|end| now >= end);
        if !self.doubted && self.authorization_ends.is_some_and(|end| now >= end) {
            return Outcome::LoginRequired("grant_expired");
        }
        let present = self.slot(api).token.clone().filter(|token| takes_present && token.is_good(now));
        if let Some(token) = present.as_ref().filter(|token| !token.refused && !token.is_due(now)) {
            return Outcome::Ready(token.text.clone());
        }
        match (self.refresh(api, id, seen, now), present) {
            (outcome @ (Outcome::Send(_) | Outcome::Unclear), _) | (outcome, None) => outcome,
            // Another token may come at any moment, and this one was refused.
            (outcome @ Outcome::Wait(_), Some(token)) if token.refused => outcome,
            (_, Some(token)) => Outcome::Ready(token.text),
        }
    }

    fn refresh(&mut self, api: Api, id: u64, seen: &Outcome, now: u64) -> Outcome {
        if api == Api::C {
            return Outcome::LoginRequired("target_not_granted");
        }
        let Some(refresh_token) = self.refresh_token.clone() else { return Outcome::LoginRequired("no_refresh_token") };
        if let Some(sent) = &mut self.flight {
            let since = sent.seen_back_at.unwrap_or(sent.at);
            if sent.is_waited_for(now) {
                return Outcome::Wait(sent.id);
            }
            self.lose(false);
            self.obstacle.patience.lost(since, now);
        }
        if !self.doubted && self.refresh_token_ends.is_some_and(|end| now >= end) {
            return Outcome::LoginRequired("grant_expired");
        }
        match self.obstacle.hold(now, seen) {
            Hold::Open => {}
            hold => return Self::held(hold, api),
        }
        let mut api = api;
        if self.in_doubt {
            match self.slot_mut(Api::Own).obstacle.hold(now, &Outcome::Nothing) {
                Hold::Open => api = Api::Own,
                Hold::Unclear => return Outcome::Unclear,
                // It cannot be asked for now.
                _ => {}
            }
        }
        match self.slot_mut(api).obstacle.hold(now, seen) {
            Hold::Open => {}
            hold => return Self::held(hold, api),
        }
        let body = refresh_body(api, &refresh_token);
        if std::mem::take(&mut self.overtaken) {
            (self.lost, self.forgotten, self.untold) = (None, false, false);
        }
        self.flight = Some(Sent { id, api, refresh_token, at: now, seen_back_at: None, found_late: None });
        Outcome::Send(body)
    }

    /// What an obstacle means for who wants a token for this. Another login may be given what this one was not; but a login
    /// names one audience at most.
    fn held(hold: Hold, api: Api) -> Outcome {
        match hold {
            Hold::Until(at) => Outcome::RetryAt(at),
            Hold::User => Outcome::LoginRequired("user_must_act"),
            Hold::Refused { of_target: true, .. } if api == Api::A => Outcome::LoginRequired("target_not_granted"),
            Hold::Refused { code, until, .. } => Outcome::Refused(code, until),
            Hold::Open | Hold::Unclear => Outcome::Unclear,
        }
    }

    /// The API refused this token, and said so.
    pub fn refused(&mut self, api: Api, text: &str, says: Says, id: u64, seen: &Outcome, now: u64) -> Outcome {
        let has_refresh_token = self.refresh_token.is_some();
        let another_comes = self.flight.as_ref().is_some_and(|sent| sent.api == api);
        let slot = self.slot_mut(api);
        let Some(token) = slot.token.as_mut().filter(|token| token.text == text) else {
            return self.access(api, id, seen, now);
        };
        let demanded = match says {
            Says::MoreScope => Some("admin"),
            Says::OtherScope => Some("write"),
            Says::SomeScope => None,
            Says::StepUp => return Outcome::LoginRequired("step_up"),
            _ => {
                // Without a refresh token, the present one is all there is.
                if has_refresh_token && !token.refused {
                    if !another_comes && !slot.refusals.allow(now) {
                        return Outcome::LoginRequired("token_refused");
                    }
                    token.refused = true;
                }
                return self.serve(api, false, id, seen, now);
            }
        };
        let wider_would_do = scope_of(api)
            .zip(demanded)
            .is_some_and(|(narrowed, demanded)| !within(demanded, narrowed) && within(demanded, &self.scope));
        if wider_would_do {
            Outcome::Nothing
        } else {
            Outcome::LoginRequired("insufficient_scope")
        }
    }

    pub fn ask_again(&mut self) {
        self.doubted = true;
        self.slots.iter_mut().for_each(|slot| slot.obstacle.clear());
        self.obstacle.clear();
    }

    /// Whether the driver has said that it is gone.
    pub fn lose(&mut self, is_told: bool) {
        if let Some(sent) = self.flight.take() {
            self.untold |= !is_told;
            self.forgotten |= self.lost.replace(sent).is_some();
            self.overtaken = false;
        }
    }

    /// What was sent before is of no more use.
    fn succeed(&mut self, is_current: bool) {
        *if is_current { &mut self.flight } else { &mut self.lost } = None;
        self.overtaken = true;
        if is_current && !self.untold {
            (self.lost, self.forgotten) = (None, false);
        }
    }

    /// A new refresh token counts more than whatever the one before was good for; the next answer to that one does not.
    fn rotate(&mut self, sent: &Sent, refresh_token: Option<&str>) {
        const GENERATION: u64 = 1 << 20;
        let is_next = self.refresh_token.as_ref() == Some(&sent.refresh_token);
        let new = refresh_token.filter(|text| self.refresh_token.as_deref() != Some(text));
        let step = if new.is_some() && is_next { GENERATION } else { 2 };
        self.revision = (self.revision / step + 1) * step;
        if let Some(text) = new {
            self.refresh_token = Some(text.to_owned());
            self.slots.iter_mut().for_each(|slot| slot.obstacle.another_refresh_token());
        }
    }

    /// What the answer to this refresh gives; `None` when it ends the grant.
    pub fn answer(&mut self, id: u64, came: Came<'_>, seen: &Outcome, now: u64) -> Option<Outcome> {
        let current = self.flight.clone().filter(|sent| sent.id == id);
        let is_current = current.is_some();
        let unknown = Some(Outcome::Err("unknown_request"));
        let Some(sent) = current.or_else(|| self.lost.clone().filter(|sent| sent.id == id && !self.overtaken)) else {
            return unknown;
        };
        let is_of_present = self.refresh_token.as_ref() == Some(&sent.refresh_token);
        match came {
            Ok((answer @ Answer::Tokens { .. }, tokens)) if is_current || is_of_present => {
                self.take(&sent, is_current, answer, tokens, now);
                Some(Outcome::Save)
            }
            // A new refresh token is welcome, whatever it came with.
            Ok((answer @ (Answer::OnlyRefreshToken | Answer::OtherTokenType), (_, refresh_token)))
                if is_current || is_of_present =>
            {
                Some(self.useless(&sent, is_current, answer, refresh_token, seen, now))
            }
            _ if !is_current => unknown,
            Ok((answer @ Answer::Nothing, _)) => Some(self.useless(&sent, true, answer, None, seen, now)),
            // What came meanwhile is another refresh token, of which this says nothing.
            _ if !is_of_present => {
                if matches!(came, Ok((Answer::Unreadable, _)) | Err(Delivered::Maybe)) {
                    self.lose(true);
                }
                self.flight = None;
                Some(Outcome::RetryAt(now))
            }
            Ok((answer, _)) => self.fail(sent.api, answer, seen, now),
            Err(Delivered::No) => {
                self.flight = None;
                self.obstacle.patience.not_delivered(now);
                Some(self.obstacle.patience.said(seen))
            }
            Err(Delivered::Maybe) => Some(self.lost_now(seen, now)),
        }
    }

    fn lost_now(&mut self, seen: &Outcome, now: u64) -> Outcome {
        self.lose(true);
        self.obstacle.patience.lost(now, now);
        self.obstacle.patience.said(seen)
    }

    fn take(&mut self, sent: &Sent, is_current: bool, answer: Answer, tokens: (&str, Option<&str>), now: u64) {
        let Answer::Tokens { expires_in, scope, ends, .. } = answer else { return };
        let (text, refresh_token) = tokens;
        // From when it was sent; of a device that slept, nothing just came.
        let sent_at = sent.at.min(now);
        let obtained_at = if now - sent_at > 60 { sent_at } else { now };
        let expires_at = expires_in.map(|seconds| sent_at.saturating_add(seconds));
        let meant = scope_of(sent.api).unwrap_or(&self.scope);
        let token = Token::new(text, scope.unwrap_or(meant), Some(obtained_at), expires_at);
        let slot = self.slot_mut(sent.api);
        (slot.token, slot.obstacle) = (Some(token), Obstacle::default());
        self.obstacle = Obstacle::default();
        self.in_doubt &= sent.api != Api::Own;
        // Of the refresh token that holds for this answer alone.
        (self.refresh_token_ends, self.doubted) = (None, false);
        match ends {
            Ends::Nothing => {}
            Ends::Authorization(seconds) => self.authorization_ends = Some(now.saturating_add(seconds)),
            Ends::RefreshToken(seconds) => self.refresh_token_ends = Some(now.saturating_add(seconds)),
        }
        self.succeed(is_current);
        self.rotate(sent, refresh_token);
        self.last_error = None;
    }

    fn useless(
        &mut self,
        sent: &Sent,
        is_current: bool,
        answer: Answer,
        refresh_token: Option<&str>,
        seen: &Outcome,
        now: u64,
    ) -> Outcome {
        self.last_error = Some(answer.code());
        self.succeed(is_current);
        let obstacle = &mut self.slot_mut(sent.api).obstacle;
        let outcome = if answer == Answer::OtherTokenType {
            obstacle.useless(answer.code());
            Outcome::RetryAt(now)
        } else {
            obstacle.refused(answer.code(), false, now);
            obstacle.patience.said(seen)
        };
        if refresh_token.is_none() {
            return outcome;
        }
        // Of this one nobody listened to what was said.
        (self.refresh_token_ends, self.doubted) = (None, false);
        self.rotate(sent, refresh_token);
        Outcome::Save
    }

    fn fail(&mut self, api: Api, answer: Answer, seen: &Outcome, now: u64) -> Option<Outcome> {
        let code = answer.code();
        self.last_error = Some(code);
        if answer == Answer::Unreadable {
            return Some(self.lost_now(seen, now));
        }
        self.flight = None;
        let slot = &mut self.slots[api as usize];
        match answer {
            Answer::InvalidGrant if api == Api::Own => return None,
            Answer::InvalidGrant | Answer::InvalidTarget => {
                self.in_doubt |= answer == Answer::InvalidGrant;
                slot.obstacle.refused(code, true, now);
                return Some(Outcome::RetryAt(now));
            }
            Answer::InteractionRequired => {
                slot.obstacle.user_must_act();
                return Some(Outcome::LoginRequired("user_must_act"));
            }
            Answer::InvalidClient => self.obstacle.refused(code, false, now),
            Answer::InvalidGrantInOtherCase | Answer::Html403 => {
                slot.obstacle.refused(code, false, now);
                return Some(slot.obstacle.patience.said(seen));
            }
            Answer::Unavailable { retry_after } => self.obstacle.patience.answered(retry_after, now),
            _ => self.obstacle.patience.answered(None, now),
        }
        Some(self.obstacle.patience.said(seen))
    }

    /// What the next process makes of the saved form.
    pub fn stored(&self) -> Self {
        let kept = |slot: &Slot| Slot {
            token: slot.token.clone().map(|token| Token { refused: false, ..token }),
            ..Slot::default()
        };
        let mut next = Self::new(self.login.clone(), Token::new("", &self.scope, None, None), None);
        next.slots = self.slots.each_ref().map(kept);
        (next.revision, next.refresh_token) = (self.revision, self.refresh_token.clone());
        (next.authorization_ends, next.refresh_token_ends) = (self.authorization_ends, self.refresh_token_ends);
        next
    }

    /// Of one login the higher revision is newer; of two with one revision, the stored one if its refresh token is another.
    pub fn adopt(&mut self, theirs: &Self) -> Outcome {
        if self.login != theirs.login {
            return Outcome::OtherLogin;
        }
        let is_sibling = self.revision == theirs.revision && self.refresh_token != theirs.refresh_token;
        if self.revision >= theirs.revision && !is_sibling {
            return Outcome::NotNewer;
        }
        let is_rotated = self.refresh_token != theirs.refresh_token;
        if is_rotated {
            self.lose(false);
        }
        let ours = std::mem::replace(self, theirs.stored());
        (self.flight, self.lost, self.forgotten) = (ours.flight, ours.lost, ours.forgotten);
        (self.overtaken, self.untold) = (ours.overtaken, ours.untold);
        if !is_rotated {
            self.obstacle = ours.obstacle;
        }
        for (slot, our_slot) in self.slots.iter_mut().zip(ours.slots) {
            // What is known of a token stays known, that it was refused, for one; and what is known of an API of which
            // nothing is stored; and how often it had new tokens made.
            let text = |slot: &Slot| slot.token.as_ref().map(|token| token.text.clone());
            let is_same = slot.token.is_some() && text(slot) == text(&our_slot);
            if is_same || slot.token.is_none() {
                *slot = our_slot;
            } else {
                slot.refusals = our_slot.refusals;
            }
            if is_rotated {
                slot.obstacle.another_refresh_token();
            }
        }
        Outcome::Newer
    }
}
