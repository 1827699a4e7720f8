// Invariant: a login that knows only the issuer sends requests only where that issuer's metadata says, and names a user only if
// every rule for ID tokens holds; so does its session.
#![no_main]

#[allow(dead_code)] // not every target needs all of it
#[path = "../shared/jwt.rs"]
mod jwt;

use std::sync::Arc;

use jwt::{check, token, Expected, Shared, Told};
use libfuzzer_sys::fuzz_target;
use oauth_proto::metadata::{well_known_url, WellKnown};
use oauth_proto::{
    Access, Action, AuthorizationRequest, AuthorizationServer, Client, Delivered, Entropy, Error, Event, IdToken,
    KeySet, Login, Phase, Request, RequestId, Response, Session, Tokens, UnixTime,
};
use serde_json::{json, Value};

const MAX_STEPS: usize = 24; // longer runs find little more
const START: u64 = 1_750_000_000;
const ISSUERS: [&str; 4] = [
    "https://as.example.com",
    "https://as.example.com/tenant",
    "https://as.example.com/",
    "https://as.example.com/a/b/",
];
const CLIENT_ID: &str = "app";
const STATUSES: [u16; 10] = [200, 404, 302, 403, 429, 503, 400, 201, 304, 999];
const HEADERS: [&[(&str, &str)]; 4] = [
    &[("Content-Type", "application/json")],
    &[],
    &[("Content-Type", "text/html"), ("Retry-After", "7")],
    &[("Content-Type", "application/json"), ("Date", "Sun, 15 Jun 2025 16:06:40 GMT")],
];
/// The `Date` above: an hour after [`START`].
const DATE: u64 = START + 3600;
/// A server's clock that is off by more than a day is not believed.
const DAY: u64 = 24 * 3600;
/// `at_hash` and `c_hash` of `AT1` and `C1`.
const ACCESS_TOKEN_HASHES: [&str; 3] =
    ["4i2HR-b9ubbL3JSrBgJbKg", "UqSC1dVk-EmZE9xJM7oLVviKstMYD6HH", "L2k573c4trrHTrSKC38yhouAfvsZrjZBL4hGWOtZHBc"];
const CODE_HASHES: [&str; 3] =
    ["q4YdwXDcLkMiTkUnjT0xpg", "moUvyJA0prucch1U92jxEgPhg8v-kSys", "-QPkdbsCAFc-qweDsyHu4jt97PkeMjx8PShm6aAsKms"];

// The first two octets say how the client is set up. Then come lines, each of which is one event:
//
//   mSHbody           the answer to the request under way, or to the next one: status and headers by number, and the body
//   tHEADER|PAYLOAD   the same, of the token endpoint, with an ID token
//   dHEADER|PAYLOAD   the same, with the server's time
//   xSHbody           an answer to another request
//   rQUERY            the redirect; $STATE and $NONCE are what was sent
//   f F               the request was not delivered; it may have been
//   +SECONDS          so much time passes
//   s                 save, end the process, and go on
//   v                 the verifier gives the opposite answer from now on
//   c                 cancel
fuzz_target!(|data: &[u8]| {
    let [one, other, text @ ..] = data else { return };
    let Ok(text) = core::str::from_utf8(text) else { return };
    let mut world = World::new(*one, *other);
    let mut lines = text.split('\n').take(MAX_STEPS);
    if let Some(tokens) = world.log_in(&mut lines) {
        world.use_session(tokens, &mut lines);
    }
});

struct World {
    issuer: &'static str,
    client: Client,
    verifier: Arc<Told>,
    is_tls_enough: bool,
    asks_for_openid: bool,
    max_age: Option<u64>,
    organization: Option<&'static str>,
    acr: Option<&'static str>,
    now: u64,
    /// The parameters of the authorization URL.
    sent: Vec<(String, String)>,
    /// The metadata that the login uses.
    document: Value,
    code: String,
    /// When the token endpoint answered, by its own clock if it sent a `Date`: the keys may come minutes later.
    exchanged_at: u64,
    is_logged_in: bool,
}

impl World {
    fn new(one: u8, other: u8) -> Self {
        let issuer = ISSUERS[usize::from(one & 3)];
        let verifier = Arc::new(Told::to_say(one & 4 == 0));
        let is_tls_enough = one & 8 != 0;
        let server = AuthorizationServer::from_issuer(issuer).unwrap();
        let builder = Client::builder(server, CLIENT_ID, "com.example.app:/callback");
        let builder = builder.signature_verifier(Shared(Arc::clone(&verifier)));
        let builder = if is_tls_enough { builder.accept_id_tokens_on_tls_alone() } else { builder };
        let client = builder.trusted_audience("api").build().unwrap();
        // Keys from an earlier login, from the usual `jwks_uri`.
        let keys = br#"{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":"H6U-vVssKM-3vRhznEVKOpMx5lh9-4hduRlq75La1Ic","y":"U53dLHJK3vbpNew3ycwUZ00gPyOGDbe8qL6BYitGQiw"}]}"#;
        let at = UnixTime::from_secs(if other & 2 == 0 { START } else { START - 100 });
        let keys = KeySet::parse("https://as.example.com/jwks", keys, at).unwrap();
        Self {
            issuer,
            client: if other & 1 == 0 { client } else { client.with_keys(keys) },
            verifier,
            is_tls_enough,
            asks_for_openid: one & 0x10 == 0,
            max_age: (one & 0x20 != 0).then_some(300),
            organization: (one & 0x40 != 0).then_some("My-Org"),
            // Only an ID token says who logged in.
            acr: (one & 0x90 == 0x80).then_some("phr phrh"),
            now: START,
            sent: Vec::new(),
            document: Value::Null,
            code: String::new(),
            exchanged_at: 0,
            is_logged_in: false,
        }
    }

    fn time(&self) -> UnixTime {
        UnixTime::from_secs(self.now)
    }

    fn request(&self) -> AuthorizationRequest {
        let mut request = AuthorizationRequest::new().scope(if self.asks_for_openid { "openid" } else { "read" });
        if let Some(max_age) = self.max_age {
            request = request.max_age(max_age);
        }
        if let Some(organization) = self.organization {
            request = request.organization(organization);
        }
        if let Some(acr) = self.acr {
            request = request.require_acr_values(acr);
        }
        request
    }

    fn sent(&self, name: &str) -> &str {
        self.sent.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    fn filled_in(&self, text: &str) -> String {
        text.replace("$STATE", self.sent("state")).replace("$NONCE", self.sent("nonce"))
    }

    fn log_in<'a>(&mut self, lines: &mut impl Iterator<Item = &'a str>) -> Option<Tokens> {
        let mut login = Login::new(self.client.clone(), self.request()).expect("nothing is known of the server yet");
        let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
        let mut action = login.handle(Event::Start(entropy), self.time()).expect("it is the first event");
        let places = self.places();
        let mut place = 0;
        assert_eq!((login.phase(), sent_to(&action)), (Phase::Discovering, Some(("GET", places[0].as_str()))));
        loop {
            let line = lines.next()?;
            let before = (login.phase(), seen(&login.pending_action()));
            assert_eq!(seen(&Some(action)), before.1);
            let id = id_of(&login.pending_action());
            let (result, body) = self.event(&mut login, line, id);
            match result {
                None => assert_eq!((login.phase(), seen(&login.pending_action())), before),
                Some(Err(error)) if !error.is_fatal() => {
                    assert_eq!((login.phase(), seen(&login.pending_action())), before, "{error}");
                }
                Some(Err(error)) => {
                    ended(&mut login, &error);
                    return None;
                }
                Some(Ok(Action::TokensReady(tokens))) => {
                    assert_eq!(login.phase(), Phase::Finished);
                    assert!(login.pending_action().is_none() && login.save().is_none() && login.deadline().is_none());
                    self.check_tokens(&tokens);
                    return Some(tokens);
                }
                Some(Ok(Action::OpenUrl(url))) => {
                    assert_eq!((before.0, login.phase()), (Phase::Discovering, Phase::AwaitingRedirect));
                    self.document = serde_json::from_str(body.trim_start_matches('\u{feff}')).expect("metadata");
                    self.opened(&url);
                }
                Some(Ok(Action::SendRequest(request))) => {
                    self.requested(before.0, &login, &request, &places, &mut place)
                }
                Some(Ok(Action::Verify(check))) => panic!("the client has a verifier: {check:?}"),
                Some(Ok(Action::RetryAt(time))) => {
                    assert_eq!(before.0, login.phase());
                    self.told_to_wait(&login, time, id, &places, &mut place);
                }
            }
            action = login.pending_action()?;
        }
    }

    fn places(&self) -> Vec<String> {
        let mut places = vec![WellKnown::OpenIdConfiguration, WellKnown::OAuthAuthorizationServer];
        if self.issuer.trim_end_matches('/').len() > "https://as.example.com".len() {
            places.push(WellKnown::OpenIdConfigurationInserted);
        }
        places.into_iter().map(|place| well_known_url(self.issuer, place).unwrap()).collect()
    }

    /// One event; returns the body that came with it, or `None` if the line is no event.
    fn event(
        &mut self,
        login: &mut Login,
        line: &str,
        id: Option<RequestId>,
    ) -> (Option<Result<Action, Error>>, String) {
        let (kind, rest) = line.split_at(line.char_indices().nth(1).map_or(line.len(), |(at, _)| at));
        let unknown = RequestId::from_u64(id.map_or(0, RequestId::as_u64).wrapping_sub(1));
        let id = id.unwrap_or(unknown);
        let now = self.time();
        let mut answered = String::new();
        let result = match kind {
            "m" | "x" | "t" | "d" => {
                let (status, headers, body) = self.answer(kind, rest);
                let response = Response::new(status, headers, body.as_bytes());
                if login.phase() == Phase::ExchangingCode {
                    let is_told = response.header("date").is_some() && DATE.abs_diff(self.now) <= DAY;
                    self.exchanged_at = if is_told { DATE } else { self.now };
                }
                let result =
                    login.handle(Event::ResponseReceived(if kind == "x" { unknown } else { id }, response), now);
                answered = body;
                result
            }
            "r" => {
                let query = self.filled_in(rest);
                let found = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
                let code = found.map(|(_, value)| value.into_owned()).unwrap_or_default();
                let result = login.handle(Event::RedirectReceived(&format!("com.example.app:/callback?{query}")), now);
                if result.is_ok() {
                    self.code = code;
                }
                result
            }
            "f" => login.handle(Event::SendFailed(id, Delivered::No), now),
            "F" => login.handle(Event::SendFailed(id, Delivered::Maybe), now),
            "c" => login.handle(Event::Cancelled, now),
            "s" => {
                self.restart(login);
                return (None, String::new());
            }
            "+" | "v" => {
                self.elsewhere(kind, rest);
                return (None, String::new());
            }
            _ => return (None, String::new()),
        };
        (Some(result), answered)
    }

    /// The lines that are not events: the clock and the verifier.
    fn elsewhere(&mut self, kind: &str, rest: &str) {
        match kind {
            "+" => self.now = self.now.saturating_add(rest.parse().unwrap_or(1).min(100_000)),
            _ => self.verifier.change(),
        }
    }

    fn answer(&self, kind: &str, rest: &str) -> (u16, &'static [(&'static str, &'static str)], String) {
        if matches!(kind, "t" | "d") {
            let (header, payload) = rest.split_once('|').unwrap_or((rest, "{}"));
            let payload = self.filled_in(payload);
            let tokens = json!({
                "access_token": if self.is_logged_in { whose(&payload) } else { "AT1".into() },
                "token_type": "Bearer",
                "expires_in": 60,
                "refresh_token": if self.is_logged_in { whose(&payload) } else { "RT1".into() },
                "id_token": token(&self.filled_in(header), &payload),
            });
            return (200, if kind == "d" { HEADERS[3] } else { HEADERS[0] }, tokens.to_string());
        }
        let mut characters = rest.chars();
        let mut number = || characters.next().and_then(|character| character.to_digit(10)).unwrap_or(0) as usize;
        let (status, headers) = (STATUSES[number()], HEADERS[number() % HEADERS.len()]);
        (status, headers, self.filled_in(characters.as_str()))
    }

    fn restart(&self, login: &mut Login) {
        let Some(saved) = login.save() else {
            assert_ne!(login.phase(), Phase::AwaitingRedirect);
            return;
        };
        let stored = serde_json::to_string(&saved).unwrap();
        let saved = serde_json::from_str(&stored).unwrap();
        let Ok(resumed) = Login::resume(self.client.clone(), saved, self.time()) else {
            assert!(login.deadline().is_some_and(|deadline| deadline < self.time()), "{stored}");
            return;
        };
        assert_eq!(serde_json::to_string(&resumed.save()).unwrap(), stored);
        assert_eq!(resumed.client().metadata(), login.client().metadata());
        *login = resumed;
    }

    /// The browser is sent to the authorization endpoint in the issuer's metadata.
    fn opened(&mut self, url: &str) {
        assert_eq!(self.document["issuer"], self.issuer);
        let endpoint = self.document["authorization_endpoint"].as_str().unwrap();
        assert!(is_https(endpoint) && url.starts_with(endpoint), "{url}");
        assert!(self.document["require_pushed_authorization_requests"] != true);
        let (_, query) = url.split_once('?').unwrap();
        self.sent = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        for name in ["client_id", "state", "code_challenge", "redirect_uri", "response_type"] {
            assert_eq!(self.sent.iter().filter(|(other, _)| other == name).count(), 1, "{name}");
        }
        assert_eq!(self.sent("client_id"), CLIENT_ID);
        assert_eq!(!self.sent("nonce").is_empty(), self.asks_for_openid);
        if self.asks_for_openid && !self.is_tls_enough {
            assert!(self.document["jwks_uri"].is_string(), "nothing to check ID tokens with");
        }
    }

    fn requested(&self, before: Phase, login: &Login, request: &Request, places: &[String], place: &mut usize) {
        let goes_to = |name: &str| assert_eq!(self.document[name], request.url());
        match login.phase() {
            Phase::Discovering => {
                let next = places.iter().position(|url| url == request.url()).expect("one of the places");
                assert!(before == Phase::Discovering && (next == *place || next == *place + 1));
                *place = next;
            }
            Phase::ExchangingCode => {
                assert!(matches!(before, Phase::AwaitingRedirect | Phase::ExchangingCode));
                goes_to("token_endpoint");
            }
            Phase::FetchingKeys => {
                assert!(matches!(before, Phase::ExchangingCode | Phase::FetchingKeys));
                goes_to("jwks_uri");
            }
            phase => panic!("a request in {phase:?}"),
        }
        is_well_made(request, login.phase() == Phase::ExchangingCode);
    }

    /// The server cannot answer now: the request is repeated later with another id, for metadata from the first place again.
    fn told_to_wait(
        &self,
        login: &Login,
        time: UnixTime,
        before: Option<RequestId>,
        places: &[String],
        place: &mut usize,
    ) {
        let seconds = time.saturating_since(self.time());
        assert!((1..=3600 + 3600 / 32).contains(&seconds), "a wait of {seconds} s");
        assert!(login.deadline().is_none_or(|deadline| time <= deadline), "it would be too late");
        let Some(Action::SendRequest(request)) = login.pending_action() else { panic!("nothing to do then") };
        assert_ne!(Some(request.id()), before);
        let url = match login.phase() {
            Phase::Discovering => {
                assert_eq!(*place + 1, places.len(), "a place was not asked");
                *place = 0;
                places[0].as_str()
            }
            Phase::ExchangingCode => self.document["token_endpoint"].as_str().unwrap(),
            Phase::FetchingKeys => self.document["jwks_uri"].as_str().unwrap(),
            phase => panic!("a wait in {phase:?}"),
        };
        assert_eq!(request.url(), url);
        is_well_made(&request, login.phase() == Phase::ExchangingCode);
    }

    fn expected(&self) -> Expected<'_> {
        Expected {
            issuer: self.issuer,
            client_id: CLIENT_ID,
            now: self.now,
            leeway: 60,
            is_new: true,
            nonce: Some(Some(self.sent("nonce"))),
            trusted: &["api"],
            max_age: self.max_age,
            organization: self.organization,
            acr: self.acr,
            ..Expected::default()
        }
    }

    fn check_tokens(&self, tokens: &Tokens) {
        assert_eq!(tokens.id_token().is_some(), self.asks_for_openid);
        let Some(id_token) = tokens.id_token() else { return };
        let mut expected = Expected { now: self.exchanged_at, ..self.expected() };
        if tokens.access_token().reveal() == "AT1" {
            expected.access_token_hashes = ACCESS_TOKEN_HASHES;
        }
        if self.code == "C1" {
            expected.code_hashes = CODE_HASHES;
        }
        self.check_id_token(id_token, expected);
    }

    fn check_id_token(&self, id_token: &IdToken, expected: Expected<'_>) {
        let claims = check(id_token.reveal(), &expected);
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(id_token.issuer()), &json!(id_token.subject())));
        assert!(self.is_tls_enough || self.verifier.has_accepted(id_token.reveal()), "nobody signed it");
    }

    fn use_session<'a>(&mut self, tokens: Tokens, lines: &mut impl Iterator<Item = &'a str>) {
        let first = tokens.id_token().cloned();
        self.is_logged_in = true;
        let mut session = Session::new(self.client.clone(), tokens);
        let (mut under_way, mut was_unreadable) = (None, false);
        for line in lines {
            let kind = line.get(..1).unwrap_or_default();
            let rest = line.get(1..).unwrap_or_default();
            match (kind, under_way.take()) {
                ("s", _) => self.restart_session(&mut session),
                ("+" | "v", request) => {
                    self.elsewhere(kind, rest);
                    under_way = request;
                }
                (_, None) => {
                    let access = session.access(self.time());
                    if let (Access::Ready(bearer), Some(first), false) = (&access, &first, was_unreadable) {
                        is_theirs(bearer.token().reveal(), first);
                    }
                    if let Access::SendRequest(request) = access {
                        let is_for_tokens = request.method() == "POST";
                        is_well_made(&request, is_for_tokens);
                        let endpoint = if is_for_tokens { "token_endpoint" } else { "jwks_uri" };
                        assert_eq!(self.document[endpoint], request.url());
                        under_way = Some(request.id());
                    }
                }
                ("m" | "t" | "d", Some(id)) => {
                    let (status, headers, body) = self.answer(kind, rest);
                    let response = Response::new(status, headers, body.as_bytes());
                    let _ = session.handle(Event::ResponseReceived(id, response), self.time());
                }
                ("f", Some(id)) => drop(session.handle(Event::SendFailed(id, Delivered::No), self.time())),
                (_, Some(id)) => drop(session.handle(Event::SendFailed(id, Delivered::Maybe), self.time())),
            }
            match (&first, session.id_token()) {
                (Some(first), Some(id_token)) => {
                    assert!(id_token.is_same_user(first));
                    self.check_refreshed(id_token, first);
                    let saved = serde_json::to_value(session.save()).unwrap();
                    was_unreadable |= session.last_error().is_some_and(|error| UNREADABLE.contains(&error.code()));
                    if was_unreadable {
                        continue;
                    }
                    is_theirs(saved["refresh_token"].as_str().unwrap_or(""), first);
                }
                (Some(_), None) => {
                    assert!(session.save().is_none(), "nobody is logged in any more, and the tokens live on")
                }
                (None, id_token) => assert!(id_token.is_none()),
            }
        }
    }

    /// Checks all rules except those about time, which passes, and those that only a login has.
    fn check_refreshed(&self, id_token: &IdToken, first: &IdToken) {
        if id_token.reveal() == first.reveal() {
            return;
        }
        let payload: Value = id_token.claims().unwrap();
        assert!(payload.get("nonce").is_none_or(|nonce| nonce == self.sent("nonce")));
        let mut expected = self.expected();
        (expected.nonce, expected.max_age, expected.acr) = (Some(None), None, None);
        (expected.now, expected.leeway) = (0, self.now.saturating_add(60));
        assert_eq!(id_token.subject(), first.subject());
        self.check_id_token(id_token, expected);
    }

    fn restart_session(&self, session: &mut Session) {
        let Some(saved) = session.save() else { return };
        let stored = serde_json::to_string(&saved).unwrap();
        let saved = serde_json::from_str(&stored).unwrap();
        let restored = Session::restore(session.client().clone(), saved).expect("its own saved form");
        let id_token = |session: &Session| session.id_token().map(|id_token| id_token.reveal().to_owned());
        assert_eq!(id_token(&restored), id_token(session));
        *session = restored;
    }
}

/// An ID token may not even say whose it is. The other tokens of the response are used, as if there were none.
const UNREADABLE: [&str; 7] = [
    "id_token_malformed",
    "id_token_too_large",
    "id_token_encrypted",
    "id_token_alg_not_allowed",
    "id_token_type",
    "id_token_crit",
    "id_token_missing_claim",
];

/// An access token that shows which user it belongs to, by the ID token in the same response.
fn whose(payload: &str) -> String {
    let claims: Value = serde_json::from_str(payload).unwrap_or_default();
    // A `sub` that is not a string, or empty, names no user.
    if ["iss", "sub"].iter().any(|name| claims[name].as_str().is_none_or(str::is_empty)) {
        return "OF NOBODY".to_owned();
    }
    format!("OF-{}", jwt::encode(format!("{} {}", claims["iss"], claims["sub"]).as_bytes()))
}

/// No token is used that came with another user's ID token.
fn is_theirs(token: &str, first: &IdToken) {
    let theirs = whose(&json!({ "iss": first.issuer(), "sub": first.subject() }).to_string());
    assert!(!token.starts_with("OF-") || token == theirs, "{token} and not {theirs}");
}

/// A `GET` carries nothing that another server must not see.
fn is_well_made(request: &Request, is_for_tokens: bool) {
    assert_eq!(request.method(), if is_for_tokens { "POST" } else { "GET" });
    assert_eq!(request.body().is_empty(), !is_for_tokens);
    assert!(request.headers().all(|(name, _)| name != "authorization"), "a public client");
    assert!(is_https(request.url()));
}

/// Schemes are compared without regard to case.
fn is_https(url: &str) -> bool {
    url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

fn ended(login: &mut Login, error: &Error) {
    assert_eq!(login.phase(), Phase::Failed);
    assert!(login.pending_action().is_none() && login.save().is_none());
    assert_eq!(login.handle(Event::Cancelled, UnixTime::from_secs(START)).err().as_ref(), Some(error));
    assert!(!error.code().is_empty() && !error.to_string().is_empty());
}

fn sent_to(action: &Action) -> Option<(&'static str, &str)> {
    match action {
        Action::SendRequest(request) => Some((request.method(), request.url())),
        _ => None,
    }
}

fn id_of(action: &Option<Action>) -> Option<RequestId> {
    match action {
        Some(Action::SendRequest(request)) => Some(request.id()),
        _ => None,
    }
}

/// An action as text, with everything that can be seen of it.
fn seen(action: &Option<Action>) -> String {
    match action {
        Some(Action::SendRequest(request)) => {
            format!("{:?} {} {} {:?}", request.id(), request.method(), request.url(), request.body())
        }
        Some(Action::OpenUrl(url)) => url.to_string(),
        Some(other @ (Action::Verify(_) | Action::RetryAt(_) | Action::TokensReady(_))) => {
            panic!("{other:?} is pending")
        }
        None => "nothing".into(),
    }
}
