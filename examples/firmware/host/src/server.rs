//! The authorization server and the API.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::FieldBytes;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use crate::board::{Build, Request};

/// Who the server says it is.
pub const ISSUER: &str = "https://as.example.com";
/// The key that signs ID tokens.
pub const KEY: [u8; 32] = [7; 32];
/// The code of a login.
pub const CODE: &str = "SplxlOBeZQQYbYS6WxSbIA";

/// An authorization server with one client and one user.
pub struct Server {
    build: Build,
    asked: BTreeMap<String, String>,
    refreshes: u32,
    /// The key that ID tokens are really signed with: a forger has another one.
    pub signs_with: [u8; 32],
}

impl Server {
    /// A server that nobody has asked for anything yet.
    pub fn new(build: Build) -> Self {
        Self { build, asked: BTreeMap::new(), refreshes: 0, signs_with: KEY }
    }

    /// The authorization endpoint, and the user who logs in there: returns where the browser is sent (RFC 6749 §4.1.1, §4.1.2; RFC
    /// 9207).
    pub fn authorize(&mut self, url: &str) -> String {
        let mut redirect = self.asks(url);
        redirect
            .query_pairs_mut()
            .append_pair("code", CODE)
            .append_pair("state", &self.asked["state"])
            .append_pair("iss", ISSUER);
        redirect.into()
    }

    /// The same for a user who does not agree (RFC 6749 §4.1.2.1).
    pub fn deny(&mut self, url: &str) -> String {
        let mut redirect = self.asks(url);
        let state = &self.asked["state"];
        redirect
            .query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("state", state)
            .append_pair("iss", ISSUER);
        redirect.into()
    }

    /// Checks an authorization request, and returns the redirect URI.
    fn asks(&mut self, url: &str) -> Url {
        let url = Url::parse(url).expect("the authorization URL is a URL");
        assert_eq!(url.origin().ascii_serialization(), ISSUER);
        assert_eq!(url.path(), "/authorize");
        self.asked = form(url.query().expect("a query"));
        let asked = |name| self.asked.get(name).map(String::as_str);
        assert_eq!(asked("response_type"), Some("code"));
        assert_eq!(asked("client_id"), Some("thermostat"));
        assert_eq!(asked("redirect_uri"), Some("https://thermostat.example.com/callback"));
        assert_eq!(asked("code_challenge_method"), Some("S256"));
        assert_eq!(asked("code_challenge").map(str::len), Some(43));
        assert_eq!(asked("state").map(str::len), Some(43));
        let openid = self.build == Build::RustCrypto;
        assert_eq!(asked("scope"), Some(if openid { "openid offline_access" } else { "offline_access" }));
        assert_eq!(asked("nonce").is_some(), openid);
        Url::parse(&self.asked["redirect_uri"]).expect("the redirect URI is a URL")
    }

    /// Whether a text holds a secret of the login or session. (`state` is in the URL that the user is shown.)
    pub fn secret_in(&self, text: &str) -> bool {
        [CODE, "AT1", "AT2", "RT1", "RT2"].iter().any(|secret| text.contains(secret))
    }

    /// The state of the login.
    pub fn state(&self) -> &str {
        &self.asked["state"]
    }

    /// Checks a token request with the code (RFC 6749 §4.1.3, RFC 7636 §4.6).
    pub fn check_code(&self, request: &Request) {
        let sent = token_request(request);
        let sent = |name| sent.get(name).map(String::as_str);
        assert_eq!(sent("grant_type"), Some("authorization_code"));
        assert_eq!(sent("code"), Some(CODE));
        assert_eq!(sent("client_id"), Some("thermostat"));
        assert_eq!(sent("redirect_uri"), Some(self.asked["redirect_uri"].as_str()));
        let verifier = sent("code_verifier").expect("a code verifier");
        assert!((43..=128).contains(&verifier.len()));
        let challenge = Base64UrlUnpadded::encode_string(&Sha256::digest(verifier));
        assert_eq!(challenge, self.asked["code_challenge"], "the verifier is not the challenge's");
    }

    /// The response to it.
    pub fn tokens(&self) -> String {
        let mut tokens =
            json!({"access_token": "AT1", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "RT1"});
        if self.build == Build::RustCrypto {
            tokens["id_token"] = self.id_token().into();
        }
        tokens.to_string()
    }

    /// An ID token (OpenID Connect Core §2), signed by ES256. The firmware has the time of this machine too.
    #[allow(clippy::disallowed_methods)]
    fn id_token(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is right").as_secs();
        let part = |json: serde_json::Value| Base64UrlUnpadded::encode_string(json.to_string().as_bytes());
        let head = part(json!({"alg": "ES256", "kid": "1"}));
        let nonce = &self.asked["nonce"];
        let claims = part(
            json!({"iss": ISSUER, "sub": "user-17", "aud": "thermostat", "iat": now, "exp": now + 300, "nonce": nonce}),
        );
        let signed = format!("{head}.{claims}");
        let key = SigningKey::from_slice(&self.signs_with).expect("a key");
        let signature: Signature = key.sign(signed.as_bytes());
        format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature.to_bytes()))
    }

    /// The keys that the server publishes (RFC 7517).
    pub fn keys(&self, request: &Request) -> String {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/keys"));
        assert_eq!(request.header("host"), Some("as.example.com"));
        let point = SigningKey::from_slice(&KEY).expect("a key").verifying_key().to_encoded_point(false);
        let coordinate =
            |octets: Option<&FieldBytes>| Base64UrlUnpadded::encode_string(octets.expect("a coordinate").as_slice());
        let (x, y) = (coordinate(point.x()), coordinate(point.y()));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "alg": "ES256", "x": x, "y": y}]})
            .to_string()
    }

    /// Checks a refresh (RFC 6749 §6) and answers it: a refresh token is good once.
    pub fn refresh(&mut self, request: &Request) -> String {
        let sent = token_request(request);
        let sent = |name| sent.get(name).map(String::as_str);
        self.refreshes += 1;
        assert_eq!(sent("grant_type"), Some("refresh_token"));
        assert_eq!(sent("refresh_token"), Some(format!("RT{}", self.refreshes).as_str()));
        assert_eq!(sent("client_id"), Some("thermostat"));
        let next = self.refreshes + 1;
        let (access_token, refresh_token) = (format!("AT{next}"), format!("RT{next}"));
        json!({"access_token": access_token, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh_token})
            .to_string()
    }
}

/// Checks a call of the API, and returns whether its access token is this one.
pub fn is_call_with(request: &Request, access_token: &str) -> bool {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/thermostat"));
    assert_eq!(request.header("host"), Some("api.example.com"));
    request.header("authorization").expect("an access token") == format!("Bearer {access_token}")
}

/// Checks what all token requests have, and returns their form.
fn token_request(request: &Request) -> BTreeMap<String, String> {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/token"));
    assert_eq!(request.header("host"), Some("as.example.com"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("authorization"), None, "a public client");
    form(&request.body)
}

/// A form, of which no name is there twice.
fn form(text: &str) -> BTreeMap<String, String> {
    let mut form = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        assert!(form.insert(name.to_string(), value.into()).is_none(), "{name} is there twice");
    }
    form
}
