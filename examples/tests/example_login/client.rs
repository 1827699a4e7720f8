//! A hand-made client for the embedded server, for asking it wrong things.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::Value;
use sha2::{Digest, Sha256};
use ureq::Agent;
use url::Url;

use crate::server::{Server, CLIENT_ID};

pub const REDIRECT_URI: &str = "http://127.0.0.1:49152/callback";
pub const NONCE: &str = "n-0S6_WzA2Mj";
pub const VERIFIER: &str = "a-code-verifier-of-at-least-forty-three-characters";

/// Status, `WWW-Authenticate` or `Location`, body.
pub struct Answer {
    pub status: u16,
    pub header: String,
    pub cache_control: String,
    pub set_cookie: String,
    pub policy: String,
    pub body: String,
}

pub struct Client {
    agent: Agent,
    pub server: Server,
}

impl Client {
    pub fn new(code_lifetime: Duration, access_lifetime: Duration) -> Self {
        let config = Agent::config_builder().max_redirects(0).http_status_as_error(false).proxy(None);
        Self { agent: config.build().into(), server: Server::start(code_lifetime, access_lifetime).unwrap() }
    }

    /// Lifetimes that no test outlives.
    pub fn patient() -> Self {
        Self::new(Duration::from_secs(600), Duration::from_secs(600))
    }

    /// A good authorization request.
    pub fn asked(&self) -> Vec<(&'static str, String)> {
        let challenge = Base64UrlUnpadded::encode_string(&Sha256::digest(VERIFIER));
        vec![
            ("response_type", "code".into()),
            ("client_id", CLIENT_ID.into()),
            ("redirect_uri", REDIRECT_URI.into()),
            ("scope", "profile offline_access".into()),
            ("audience", self.server.audience()),
            ("state", "xyz".into()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".into()),
        ]
    }

    /// A good authorization request with one parameter changed.
    pub fn asked_with(&self, name: &str, value: &str) -> Vec<(&'static str, String)> {
        let mut asked = self.asked();
        asked.iter_mut().find(|(one, _)| *one == name).unwrap().1 = value.into();
        asked
    }

    /// A good authentication request (OpenID Connect Core 1.0 §3.1.2.1).
    pub fn asked_who(&self, scope: &str) -> Vec<(&'static str, String)> {
        let mut asked = self.asked_with("scope", scope);
        asked.push(("nonce", NONCE.into()));
        asked
    }

    /// What the token endpoint gives to a user of this name, by the whole way.
    pub fn logged_in(&self, asked: &[(&'static str, String)], user: &str) -> Answer {
        let redirect = self.decide(&self.authorize(asked), user, "allow");
        let code = parameter(&redirect.header, "code").expect("a code");
        self.redeem(&code, REDIRECT_URI, VERIFIER)
    }

    pub fn authorize(&self, asked: &[(&'static str, String)]) -> Answer {
        let url = Url::parse_with_params(&self.server.url("/authorize"), asked).unwrap();
        answer(self.agent.get(url.as_str()).call().unwrap())
    }

    /// Fills the login page in.
    pub fn decide(&self, page: &Answer, user: &str, decision: &str) -> Answer {
        self.decide_at(&self.server.issuer, page, user, decision)
    }

    /// Fills in the login page of another server of this kind.
    pub fn decide_at(&self, origin: &str, page: &Answer, user: &str, decision: &str) -> Answer {
        let form = [("ticket", page.ticket()), ("user", user), ("decision", decision)];
        answer(self.agent.post(&format!("{origin}/authorize")).send_form(form).unwrap())
    }

    /// A code, by the whole way.
    pub fn code(&self) -> String {
        let redirect = self.decide(&self.authorize(&self.asked()), "alice", "allow");
        assert_eq!(redirect.status, 303);
        parameter(&redirect.header, "code").expect("a code")
    }

    pub fn redeem(&self, code: &str, redirect_uri: &str, verifier: &str) -> Answer {
        self.post(
            "/token",
            &[
                ("grant_type", "authorization_code"),
                ("client_id", CLIENT_ID),
                ("code", code),
                ("redirect_uri", redirect_uri),
                ("code_verifier", verifier),
            ],
        )
    }

    /// Tokens, by the whole way: access token and refresh token.
    pub fn tokens(&self) -> (String, String) {
        self.redeem(&self.code(), REDIRECT_URI, VERIFIER).tokens()
    }

    pub fn refresh(&self, token: &str) -> Answer {
        self.post("/token", &[("grant_type", "refresh_token"), ("client_id", CLIENT_ID), ("refresh_token", token)])
    }

    pub fn revoke(&self, token: &str) -> Answer {
        self.post("/revoke", &[("client_id", CLIENT_ID), ("token", token)])
    }

    pub fn me(&self, authorization: Option<&str>) -> Answer {
        self.call("/api/me", authorization)
    }

    pub fn call(&self, path: &str, authorization: Option<&str>) -> Answer {
        let mut request = self.agent.get(&self.server.url(path));
        if let Some(value) = authorization {
            request = request.header("Authorization", value);
        }
        answer(request.call().unwrap())
    }

    /// Whether the API accepts the token.
    pub fn accepts(&self, access_token: &str) -> bool {
        match self.me(Some(&format!("Bearer {access_token}"))) {
            Answer { status: 200, .. } => true,
            Answer { status: 401, header, .. } if header.contains("error=\"invalid_token\"") => false,
            Answer { status, header, .. } => panic!("{status} {header}"),
        }
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        answer(self.agent.post(&self.server.url(path)).send_form(form.iter().copied()).unwrap())
    }

    pub fn get(&self, url: &str) -> Answer {
        answer(self.agent.get(url).call().unwrap())
    }

    /// Takes a redirect to the app: the page says what has become of it.
    pub fn land(&self, redirect: &str) -> Answer {
        let page = self.get(redirect);
        assert_eq!(page.cache_control.as_str(), "no-store");
        page
    }

    /// With the cookie of a login.
    pub fn get_with(&self, url: &str, cookie: &str) -> Answer {
        answer(self.agent.get(url).header("Cookie", cookie).call().unwrap())
    }

    /// Presses the button of the logout page.
    pub fn log_out(&self, ticket: &str, cookie: &str) -> Answer {
        let request = self.agent.post(&self.server.url("/logout")).header("Cookie", cookie);
        answer(request.send_form([("ticket", ticket)]).unwrap())
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// What the form of a page carries.
    pub fn ticket(&self) -> &str {
        self.body.split("name=\"ticket\" value=\"").nth(1).expect("a form").split('"').next().unwrap()
    }

    /// The heading of a page.
    pub fn heading(&self) -> &str {
        self.body.split("<h1>").nth(1).expect("a page").split('<').next().unwrap()
    }

    /// What the browser keeps of `Set-Cookie`.
    pub fn cookie(&self) -> &str {
        self.set_cookie.split(';').next().unwrap()
    }

    pub fn tokens(&self) -> (String, String) {
        assert_eq!(self.status, 200, "{}", self.body);
        let member = |name: &str| self.json()[name].as_str().expect("a token").to_owned();
        (member("access_token"), member("refresh_token"))
    }

    /// Refused with this error, in JSON that no cache keeps.
    pub fn assert_refused(&self, status: u16, error: &str) {
        assert_eq!((self.status, self.json()["error"].as_str()), (status, Some(error)), "{}", self.body);
        assert_eq!(self.cache_control, "no-store");
    }
}

/// A parameter of a redirect.
pub fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let found = url.query_pairs().find(|(one, _)| one == name).map(|(_, value)| value.into_owned());
    found
}

fn answer(mut response: ureq::http::Response<ureq::Body>) -> Answer {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    Answer {
        status: response.status().as_u16(),
        header: header("location").or(header("www-authenticate")).unwrap_or_default(),
        cache_control: header("cache-control").unwrap_or_default(),
        set_cookie: header("set-cookie").unwrap_or_default(),
        policy: header("content-security-policy").unwrap_or_default(),
        body: response.body_mut().read_to_string().unwrap(),
    }
}
