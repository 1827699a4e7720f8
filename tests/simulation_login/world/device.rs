//! The device: its clock, the network, and the driver that the crate's documentation shows.

use oauth_proto::{Action, Delivered, Error, Event, Headers, Login, Phase, Request, RequestId, Response, UnixTime};

use super::truth::{broken, Cause};
use super::{discovery, Endpoint, World, REDIRECT_URI};

type Result<T> = core::result::Result<T, Error>;

/// How long a message takes that takes long.
const DELAYS: [u64; 8] = [1, 1, 1, 5, 5, 20, 100, 2000];
/// How much longer a wait is than it was to be, when the device sleeps.
const SLEEPS: [u64; 4] = [5, 100, 700, 10_000];

impl World<'_> {
    /// What the device's clock says.
    pub fn time(&self) -> u64 {
        self.now.saturating_add_signed(self.offset)
    }

    pub fn unix_time(&self) -> UnixTime {
        UnixTime::from_secs(self.time())
    }

    /// Time goes on; the clock is set when it is time for that.
    pub fn advance(&mut self, seconds: u64) {
        let end = self.now + seconds;
        while let Some((at, by)) = self.jumps.first().copied().filter(|(at, _)| *at <= end) {
            self.jumps.remove(0);
            self.now = at.max(self.now);
            self.offset += by;
            self.truth.jumped_at = Some(self.now);
            if by < 0 {
                self.truth.set_back_at = Some(self.now);
            }
            self.counts.add(if by < 0 { "clock set back" } else { "clock set forward" });
            self.trace.note(|| format!("the clock is set by {by} s"));
        }
        self.now = end;
    }

    /// The same, unless the user gives up before.
    fn wait_for(&mut self, seconds: u64) -> Option<Result<Action>> {
        if self.now + seconds <= self.gives_up_at {
            self.advance(seconds);
            return None;
        }
        self.advance(self.gives_up_at.saturating_sub(self.now));
        Some(self.handle(Event::Cancelled, Cause::Cancelled))
    }

    /// Tells the login, and looks at what it says.
    pub fn handle(&mut self, event: Event<'_>, cause: Cause) -> Result<Action> {
        let (before, pending) = (self.login.phase(), seen(&self.login));
        let result = self.login.handle(event, self.unix_time());
        self.trace.note(|| format!("{:>7} {before:?}, {cause:?} -> {result:?}", self.now - super::START));
        match &result {
            Ok(Action::RetryAt(at)) => self.check_wait(at.as_secs(), cause),
            Err(error) if error.is_fatal() => self.failed(error, before, cause),
            Err(_) if cause != Cause::Stray => broken!("a", "{cause:?} in {before:?} is not taken"),
            _ if (before, pending) == (self.login.phase(), seen(&self.login)) => {}
            Err(_) => broken!("e", "what was refused has changed the login"),
            Ok(_) => {}
        }
        self.check_deadline();
        if result.is_ok() && cause == Cause::Stray {
            broken!("e", "what nobody waited for is taken in {before:?}");
        }
        result
    }

    /// What comes and is of no use, in any phase. After the deadline it is what ends the login.
    fn strays(&mut self, answered: Option<(RequestId, Response<'_>)>) -> Option<Result<Action>> {
        if !self.choices.percent(self.plan.stray) {
            return None;
        }
        self.counts.add("something came that nobody waited for");
        let unknown = RequestId::from_u64(7);
        let event = match (self.choices.below(4), answered) {
            // Some stacks call back twice.
            (0 | 1, Some((id, response))) => Event::ResponseReceived(id, response),
            (0, None) => Event::ResponseReceived(unknown, Response::new(200, Headers::NONE, b"{}")),
            (1, None) => Event::SendFailed(unknown, Delivered::Maybe),
            _ => Event::RedirectReceived("com.example.app:/callback?code=forged&state=forged"),
        };
        let result = self.handle(event, Cause::Stray);
        (self.login.phase() == Phase::Failed).then_some(result)
    }

    pub fn send(&mut self, request: &Request) -> Result<Action> {
        let url = request.url();
        let token = || (url == "https://as.example/token").then_some(Endpoint::Token);
        let Some(endpoint) = token().or_else(|| discovery::endpoint(&self.plan, url)) else {
            broken!("c", "a request to {url}");
        };
        let is_told = core::mem::take(&mut self.has_waited);
        self.check_sending(endpoint, is_told);
        let id = request.id();
        if self.choices.percent(self.plan.lose / 2) {
            return self.lose(id, endpoint, Delivered::No);
        }
        self.delay();
        if self.choices.percent(self.plan.lose / 2) {
            return self.lose(id, endpoint, Delivered::Maybe);
        }
        self.arrives(endpoint);
        let asked_at = self.now;
        let answer = self.serve(endpoint, core::str::from_utf8(request.body()).unwrap());
        // Not so often: it ends a login, as it must.
        if self.choices.percent(self.plan.lose / 2) {
            return self.lose(id, endpoint, Delivered::Maybe);
        }
        self.delay();
        if let Some(cancelled) = self.wait_for(0) {
            return cancelled;
        }
        self.heard(endpoint, answer.kind, asked_at);
        if endpoint == Endpoint::Token && answer.status == 200 && answer.kind.is_none() {
            self.tokens_came(&answer);
        }
        let headers: Vec<(&str, &str)> = answer.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let response = Response::new(answer.status, headers.as_slice(), answer.body.as_bytes());
        let before = self.login.phase();
        let result = self.handle(Event::ResponseReceived(id, response), Cause::Answer(endpoint, answer.kind));
        if before == Phase::Discovering && self.login.phase() == Phase::AwaitingRedirect {
            self.counts.add("metadata found");
        }
        if matches!(result, Ok(Action::RetryAt(_))) {
            return self.strays(Some((id, response))).unwrap_or(result);
        }
        result
    }

    fn delay(&mut self) {
        if self.choices.percent(self.plan.delay) {
            let seconds = self.choices.pick(&DELAYS);
            self.counts.add("message delayed");
            self.advance(seconds);
        }
    }

    /// Nobody answers. The driver waits a moment before it sends the request again.
    fn lose(&mut self, id: RequestId, endpoint: Endpoint, delivered: Delivered) -> Result<Action> {
        self.counts.add("message lost");
        let seconds = self.choices.pick(&[1, 1, 10, 10, 60, 700]);
        if let Some(cancelled) = self.wait_for(seconds) {
            return cancelled;
        }
        let result = self.handle(Event::SendFailed(id, delivered), Cause::Failed(endpoint, delivered));
        if let Ok(Action::SendRequest(request)) = &result {
            if request.id() != id {
                broken!("c", "another request than the one that was lost");
            }
            self.has_waited = true;
            let seconds = self.choices.pick(&[1, 2, 15]);
            return self.wait_for(seconds).unwrap_or(result);
        }
        result
    }

    /// The user goes to the browser.
    pub fn browse(&mut self, url: &str) -> Result<Action> {
        let sent = |name: &str| {
            let mut pairs = url.split(['?', '&']).filter_map(|pair| pair.split_once('='));
            pairs.find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
        };
        let (state, challenge) = (sent("state").unwrap(), sent("code_challenge").unwrap());
        let (nonce, [before, after]) = (sent("nonce"), self.plan.browses);
        if let Some(cancelled) = self.wait_for(before) {
            return cancelled;
        }
        if let Some(ended) = self.strays(None) {
            return ended;
        }
        let auth_time = self.server_time();
        if let Some(cancelled) = self.wait_for(after) {
            return cancelled;
        }
        if self.plan.process_dies && !self.resume(url) {
            return Err(Error::Over(oauth_proto::Over::Expired));
        }
        let (query, cause) = if self.plan.denies {
            ("error=access_denied".into(), Cause::Denied)
        } else {
            (format!("code={}", self.server.give_code(self.now, auth_time, nonce, challenge)), Cause::Code)
        };
        self.delay();
        if let Some(ended) = self.strays(None) {
            return ended;
        }
        self.code_came();
        self.handle(Event::RedirectReceived(&format!("{REDIRECT_URI}?{query}&state={state}")), cause)
    }

    /// (a) The process ends, and another goes on with what was stored. Whether there is a login then.
    fn resume(&mut self, url: &str) -> bool {
        let stored = serde_json::to_string(&self.login.save()).unwrap();
        self.counts.add("process died");
        let saved = serde_json::from_str(&stored).unwrap();
        let now = self.unix_time();
        match Login::resume(self.client.clone(), saved, now) {
            Ok(login) => {
                self.login = login;
                self.truth.deadline = self.truth.deadline.min(now.as_secs() + self.plan.timeout);
                if !matches!(self.login.pending_action(), Some(Action::OpenUrl(again)) if again.as_str() == url) {
                    broken!("a", "the login that was saved is another one");
                }
                true
            }
            Err(error) if now.as_secs() > self.truth.deadline => {
                self.trace.note(|| format!("not resumed: {error}"));
                self.counts.add("the login that was saved was too old");
                false
            }
            Err(error) => broken!("a", "the login that was saved is not taken: {error}"),
        }
    }

    /// Nothing is to be done before this time.
    pub fn wait(&mut self, at: UnixTime) -> Result<Action> {
        self.waits += 1;
        self.has_waited = true;
        loop {
            let seconds = at.as_secs().saturating_sub(self.time());
            // Whoever looks at the clock sees that it was set.
            let until_set = self.jumps.first().map_or(u64::MAX, |(at, _)| at.saturating_sub(self.now));
            let part = if self.plan.sleeps_by_clock { seconds.min(until_set) } else { seconds };
            if let Some(cancelled) = self.wait_for(part) {
                return cancelled;
            }
            if !self.plan.sleeps_by_clock || self.time() >= at.as_secs() {
                break;
            }
        }
        if self.choices.percent(self.plan.oversleep) {
            self.counts.add("device slept for longer");
            self.truth.overslept = true;
            let seconds = self.choices.pick(&SLEEPS);
            if let Some(cancelled) = self.wait_for(seconds) {
                return cancelled;
            }
        }
        if let Some(ended) = self.strays(None) {
            return ended;
        }
        let Some(action) = self.login.pending_action() else { broken!("f", "after a wait there is nothing to do") };
        Ok(action)
    }
}

/// What can be seen of what a login waits for.
fn seen(login: &Login) -> String {
    match login.pending_action() {
        Some(Action::SendRequest(request)) => format!("{:?}", request.id()),
        Some(Action::OpenUrl(url)) => url.into_string(),
        Some(other) => broken!("f", "{other:?} is pending"),
        None => String::new(),
    }
}
