//! (a, b) Reasons: that there is no token is said when it is so by the server's records, or by what the server, an API or the
//! user just did; and a token that is handed out is of the session's login.

use std::sync::Arc;

use oauth_proto::{Access, Bearer, Error, LoginRequired, SessionAction};

use super::truth::broken;
use super::World;

/// How long nobody is sent to a login for what the present one asked for.
const YOUNG: u64 = 600;
/// Clocks may be behind each other by so much without one being taken for set back.
const JITTER: u64 = 60;
/// What the API demands that demands a recent login.
const DEMANDED_AGE: u64 = 60;
/// Clocks differ by so much, when an ID token says when the session ends.
const SESSION_LEEWAY: u64 = 30;

impl World<'_> {
    /// (b, 3, 5) A token is handed out by a session that is not over, and it is the right one.
    pub fn check_ready(&self, p: usize, caller: usize, bearer: &Bearer) {
        let (process, token) = (&self.processes[p], bearer.token().reveal());
        if process.signed_out || process.ended {
            broken!("3", "process {p} hands out {token} though it is over");
        }
        if self.server.access_token(token).is_some_and(|issued| issued.login != process.memory.login) {
            broken!("b", "{token} is of another login than {}, which the session is of", process.memory.login);
        }
        if self.has_grant_expired(p) {
            broken!("a", "{token} is handed out, though the server said that the grant ends: {:?}", process.memory);
        }
        self.truth.check_bearer(&self.server, token, self.callers[caller].target, self.clock(p));
    }

    /// (b) Whoever comes with a token of another login is told so, and gets nothing; nobody is given the token that was refused.
    pub fn check_refused(&mut self, p: usize, bearer: &Bearer, how: usize, access: &Access) {
        let process = &self.processes[p];
        let token = bearer.token().reveal();
        let login = self.server.access_token(token).map(|issued| issued.login);
        let is_strange = login != Some(process.memory.login) && !process.signed_out && !process.ended;
        let is_told = matches!(access, Access::LoginRequired(LoginRequired::OtherLogin));
        if is_strange != is_told {
            broken!("b", "{token} of login {login:?} was refused, and process {p} says {access:?}");
        }
        if is_told {
            self.counts.add("login required: another login");
        }
        if how < 2 && matches!(access, Access::Ready(ready) if ready.token().reveal() == token) {
            broken!("5", "{token} is handed out to whom an API refused it just now");
        }
    }

    /// (a) A token that one caller was refused with once too often is good for the others.
    pub fn check_good_for_others(&mut self, p: usize, bearer: &Bearer) {
        let (now, token) = (self.time(p), bearer.token().reveal());
        if self.has_grant_expired(p) || !self.truth.is_fresh(token, now.as_secs()) {
            return;
        }
        let session = self.processes[p].session.as_mut().unwrap();
        match session.access_for(bearer.target(), now) {
            Access::Ready(other) if other.token().reveal() == token => {}
            Access::SendRequest(request) if request.method() == "GET" => self.ask_for_keys(p, &request),
            other => broken!("a", "one API refused {token}, and process {p} says {other:?} to others"),
        }
    }

    /// By this device's clock, the server said, the whole grant is over.
    pub fn has_grant_expired(&self, p: usize) -> bool {
        let (now, memory) = (self.clock(p), &self.processes[p].memory);
        let session_expiry = self.server.logins[memory.login].session_expiry;
        let session_ends = session_expiry.is_some_and(|at| now >= at + SESSION_LEEWAY);
        !self.processes[p].doubts_end && (memory.grant_ends.is_some_and(|at| now >= at) || session_ends)
    }

    /// Nothing is in doubt that has not come to its end.
    pub fn look_at_ends(&mut self, p: usize) {
        let (now, memory) = (self.clock(p), &self.processes[p].memory);
        let session_expiry = self.server.logins.get(memory.login).and_then(|login| login.session_expiry);
        let ends = [memory.grant_ends, memory.token_ends, session_expiry];
        self.processes[p].doubts_end &= ends.into_iter().flatten().any(|at| now >= at);
    }

    /// Or the refresh token is.
    pub fn has_expired(&self, p: usize) -> bool {
        let now = self.clock(p);
        let process = &self.processes[p];
        self.has_grant_expired(p) || !process.doubts_end && process.memory.token_ends.is_some_and(|at| now >= at)
    }

    /// (a) The grant has ended if the server would not take the refresh token that the session has, or gave somebody else's.
    pub fn check_dead(&self, p: usize) {
        let process = &self.processes[p];
        let token = process.memory.token.as_deref().unwrap_or_default();
        if !process.was_told && self.server.accepts(token, self.now) {
            broken!("a", "process {p} says that the grant has ended, and the server would take {token}");
        }
    }

    /// (a) That only the user helps is said when it is so.
    pub fn check_login_required(&mut self, p: usize, caller: usize, why: &LoginRequired, told: Option<usize>) {
        let (process, target) = (&self.processes[p], self.callers[caller].target);
        let asked = self.truth.asked.get(&process.memory.login).copied().unwrap_or_default();
        // Of a login in the future, since the clock was set back, nobody knows how old it is.
        let age = if asked.at > self.clock(p) + JITTER { u64::MAX } else { self.clock(p).saturating_sub(asked.at) };
        let was_asked = match told {
            Some(2) => asked.admin && age < YOUNG,
            Some(3) => asked.max_age && age < DEMANDED_AGE,
            _ => false,
        };
        let name = match why {
            LoginRequired::NoRefreshToken if process.memory.token.is_none() => "login required: no refresh token",
            LoginRequired::GrantEnded(_) if process.ended => {
                self.check_dead(p);
                "login required: grant ended"
            }
            LoginRequired::GrantExpired if self.has_expired(p) => "login required: grant expired",
            LoginRequired::UserMustAct { .. } if process.must_act[target] => "login required: the user must act",
            // Told to whom it was refused, and to nobody else.
            LoginRequired::TokenRefused if told.is_some_and(|how| how < 2) && self.truth.refused[target].len() > 1 => {
                "login required: token refused"
            }
            LoginRequired::InsufficientScope { request, .. }
                if told == Some(2) && !was_asked && request.requested_scope().split(' ').any(|one| one == "admin") =>
            {
                self.processes[p].demanded = Some(Arc::clone(request));
                "login required: more scope"
            }
            LoginRequired::StepUp { request, max_age: Some(DEMANDED_AGE), .. } if told == Some(3) && !was_asked => {
                self.processes[p].demanded = Some(Arc::clone(request));
                "login required: a stronger one"
            }
            LoginRequired::DemandNotMet if was_asked => "login required: demand not met",
            LoginRequired::TargetNotGranted { .. } if self.truth.not_granted.contains(&target) => {
                "login required: target not granted"
            }
            // Checked already.
            LoginRequired::OtherLogin if told.is_some() => return,
            LoginRequired::SignedOut if process.signed_out => "login required: signed out",
            other => broken!("a", "process {p} says {other:?} to caller {caller} without a reason"),
        };
        self.counts.add(name);
    }

    /// (a) That the server refuses is said when it did.
    pub fn check_refused_by_server(&self, p: usize, target: usize, error: &Error) {
        let process = &self.processes[p];
        if !process.client_refused && !process.target_refused[target] {
            broken!("a", "process {p} says that the server refuses target {target}: {error:?}");
        }
    }

    /// The app knew by the server's own words that the grant is over.
    pub fn check_end_of_grant(&self, p: usize, action: &SessionAction) {
        if !matches!(action, SessionAction::LoginRequired(LoginRequired::GrantEnded(_))) {
            broken!("a", "process {p} ends the grant, and says {action:?}");
        }
        self.check_dead(p);
    }
}
