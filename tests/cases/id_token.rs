//! ID tokens: by the rules as a pure function, by whole logins and refreshes, and the vectors of RFC 7515 and RFC 8037 by the
//! signature verifier alone.

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::openid::id_token::Rules;
use oauth_proto::{
    Access, Action, Algorithm, AuthorizationRequest, AuthorizationServer, Client, Curve, Error, Event, IdToken,
    IdTokenError, KeySet, KeySetError, Login, LoginRequired, PublicKey, Response, RustCrypto, Session, SessionAction,
    SignatureVerifier, Tokens, UnixTime, Violation,
};
use serde_json::{json, Value};

use crate::signing::{jwk, signed, signed_text};
use crate::support::{
    cases, compare, entropy, file, only, redirect, run, run_by, text, texts, By, NONCE_OCTETS, REDIRECT_URI,
};

const JWKS_URI: &str = "https://as.example.com/jwks";
const TOKEN_ENDPOINT: &str = "https://as.example.com/token";
const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

#[test]
fn every_case() {
    run("id_token", |case| {
        only(case, &["name", "group", "now", "config", "jwks", "jwt", "expect", "alt", "basis", "source", "note"])?;
        let config = Config::of(&case["config"])?;
        let document = file("id_token")["jwks_sets"][text(&case["jwks"])].to_string();
        let keys = KeySet::parse(JWKS_URI, document.as_bytes(), at(case)).map_err(|error| error.to_string())?;
        let checked = config.rules().check(text(&case["jwt"]), &keys, &RustCrypto, at(case));
        compare(case, &outcome(checked.as_ref()))
    });
}

fn at(case: &Value) -> UnixTime {
    UnixTime::from_secs(case["now"].as_u64().expect("a time"))
}

/// In the words of the file.
fn outcome(checked: Result<&IdToken, &IdTokenError>) -> Value {
    match checked {
        Ok(id_token) => json!({ "ok": { "sub": id_token.subject() } }),
        Err(IdTokenError::MissingClaim(claim)) => json!({ "error": "missing_claim", "claim": claim }),
        Err(IdTokenError::Encrypted) => json!({ "error": "encrypted_unsupported" }),
        Err(IdTokenError::Critical) => json!({ "error": "crit_unsupported" }),
        Err(error) => json!({ "error": error.code().strip_prefix("id_token_").expect("the code's beginning") }),
    }
}

/// What a token of a case is held to.
struct Config {
    issuer: String,
    client_id: String,
    nonce: Option<String>,
    leeway: u64,
    algorithms: Vec<Algorithm>,
    max_age: Option<u64>,
    access_token: Option<String>,
    code: Option<String>,
    trusted_audiences: Vec<String>,
    organization: Option<String>,
    essential_acr: Option<String>,
    /// What the token need not have.
    acr_values: String,
    /// The ID token of the login, if the case is of a refresh, and its `nonce`.
    previous: Option<(IdToken, String)>,
}

impl Config {
    fn of(config: &Value) -> Result<Self, String> {
        // Whether the client is public, and what its secret is, makes no difference: a keyed hash is never accepted.
        only(
            config,
            &[
                "issuer",
                "client_id",
                "nonce",
                "leeway",
                "allowed_algs",
                "require_signature",
                "public_client",
                "max_age",
                "access_token",
                "code",
                "trusted_audiences",
                "organization",
                "acr_values",
                "acr_essential",
                "previous",
                "client_secret",
                "verify_at_hash",
                "verify_c_hash",
            ],
        )?;
        assert_eq!(config["require_signature"], true);
        // What is given is checked.
        for (value, switch) in [("access_token", "verify_at_hash"), ("code", "verify_c_hash")] {
            assert_eq!(config[value].is_string(), config[switch] == true);
        }
        let own = |name: &str| config[name].as_str().map(str::to_owned);
        let owned = |name: &str| texts(&config[name]).into_iter().map(str::to_owned).collect::<Vec<_>>();
        Ok(Self {
            issuer: text(&config["issuer"]).into(),
            client_id: text(&config["client_id"]).into(),
            nonce: own("nonce"),
            leeway: config["leeway"].as_u64().expect("seconds"),
            algorithms: texts(&config["allowed_algs"]).into_iter().filter_map(Algorithm::from_name).collect(),
            max_age: config["max_age"].as_u64(),
            access_token: own("access_token"),
            code: own("code"),
            trusted_audiences: owned("trusted_audiences"),
            organization: own("organization"),
            essential_acr: Some(owned("acr_essential").join(" ")).filter(|values| !values.is_empty()),
            acr_values: owned("acr_values").join(" "),
            previous: config["previous"].is_object().then(|| previous(&config["previous"])),
        })
    }

    fn rules(&self) -> Rules<'_> {
        let rules = Rules::new(&self.issuer, &self.client_id)
            .algorithms(&self.algorithms)
            .clock_leeway_secs(self.leeway)
            .trusted_audiences(&self.trusted_audiences)
            .max_age(self.max_age)
            .access_token(self.access_token.as_deref())
            .code(self.code.as_deref())
            .organization(self.organization.as_deref())
            .essential_acr(self.essential_acr.as_deref());
        match &self.previous {
            Some((id_token, nonce)) => rules.after(Some(id_token), Some(nonce)),
            None => rules.nonce(self.nonce.as_deref()),
        }
    }
}

/// The ID token of a login with these claims. Who signed it is not what its case is about.
fn previous(claims: &Value) -> (IdToken, String) {
    let mut claims = claims.clone();
    (claims["iat"], claims["exp"]) = (json!(LOGGED_IN_AT), json!(LOGGED_IN_AT + 300));
    let nonce = text(&claims["nonce"]).to_owned();
    let id_token = Rules::new(text(&claims["iss"]), text(&claims["aud"]))
        .algorithms(&[Algorithm::Es256])
        .nonce(Some(&nonce))
        .check_on_tls_alone(&fresh(&claims.to_string()), UnixTime::from_secs(LOGGED_IN_AT))
        .expect("a good ID token");
    (id_token, nonce)
}

/// Before any case.
const LOGGED_IN_AT: u64 = 1_749_999_900;

/// A token with a key of these tests.
fn fresh(payload: &str) -> String {
    signed_text("ES256", &json!({ "alg": "ES256", "kid": "fresh" }).to_string(), payload)
}

/// Groups of cases that are about claims.
const ABOUT_CLAIMS: [&str; 9] =
    ["issuer", "audience", "subject", "time", "nonce", "auth_time", "at_hash", "organization", "extra"];
/// So many of their tokens can be what a login gets.
const BY_LOGIN: usize = 49;

/// The payloads of the cases, with the `nonce` that the login has sent in the place of theirs, and signed again.
#[test]
fn every_case_about_claims_by_a_login() {
    let logins = core::cell::Cell::new(0);
    run_by("a login", "id_token", |case| {
        let payload = payload(case);
        let is_about_claims = ABOUT_CLAIMS.contains(&text(&case["group"]));
        // A login always sends a `nonce`. The hash of an access token goes with the algorithm, which is another one here.
        let fits = case["config"]["nonce"].is_string() && (case["group"] != "at_hash" || algorithm(case) == "RS256");
        if !is_about_claims || !fits {
            return Ok(By::Nothing);
        }
        logins.set(logins.get() + 1);
        compare(case, &of_login(&log_in(case, &payload, at(case)).map(|(_, tokens)| tokens))?)
    });
    assert_eq!(logins.get(), BY_LOGIN);
}

/// The payload, with the `nonce` of [`entropy`].
fn payload(case: &Value) -> String {
    let payload = text(&case["jwt"]).split('.').nth(1).unwrap_or_default();
    let payload = Base64UrlUnpadded::decode_vec(payload).unwrap_or_default();
    with_nonce(&String::from_utf8(payload).unwrap_or_default())
}

fn with_nonce(claims: &str) -> String {
    claims.replace(r#""n-0S6_WzA2Mj""#, &json!(Base64UrlUnpadded::encode_string(&NONCE_OCTETS)).to_string())
}

fn algorithm(case: &Value) -> String {
    let header = text(&case["jwt"]).split('.').next().unwrap_or_default();
    let header: Value =
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(header).expect("base64url")).expect("JSON");
    text(&header["alg"]).into()
}

fn client(config: &Config) -> Client {
    let server = AuthorizationServer::new("https://as.example.com/authorize", TOKEN_ENDPOINT)
        .and_then(|server| server.issuer(&config.issuer)?.jwks_uri(JWKS_URI))
        .expect("a server");
    let builder = Client::builder(server, &config.client_id, REDIRECT_URI)
        .id_token_algorithms(&[Algorithm::Es256])
        .clock_leeway_secs(config.leeway);
    let trusted = config.trusted_audiences.iter();
    trusted.fold(builder, |builder, audience| builder.trusted_audience(audience)).build().expect("a client")
}

/// A whole login as a case has it, that gets an ID token of this payload.
fn log_in(case: &Value, payload: &str, now: UnixTime) -> Result<(Client, Tokens), Error> {
    let config = Config::of(&case["config"]).expect("a config");
    let mut request = AuthorizationRequest::new().scope("openid");
    if let Some(max_age) = config.max_age {
        request = request.max_age(max_age);
    }
    if let Some(organization) = &config.organization {
        request = request.organization(organization);
    }
    if let Some(acr_values) = &config.essential_acr {
        request = request.require_acr_values(acr_values);
    } else if !config.acr_values.is_empty() {
        request = request.acr_values(&config.acr_values);
    }
    let code = config.code.as_deref().unwrap_or("SplxlOBeZQQYbYS6WxSbIA");
    let access_token = config.access_token.as_deref().unwrap_or("AT1");
    let client = client(&config);
    let tokens =
        drive(Login::new(client.clone(), request).expect("a login"), code, access_token, &fresh(payload), now)?;
    Ok((client, tokens))
}

/// From the start to the tokens, the keys fetched on the way.
fn drive(mut login: Login, code: &str, access_token: &str, id_token: &str, now: UnixTime) -> Result<Tokens, Error> {
    let Action::OpenUrl(_) = login.handle(Event::Start(entropy()), now)? else { panic!("the browser comes first") };
    let url = redirect(REDIRECT_URI, code);
    let mut action = login.handle(Event::RedirectReceived(&url), now)?;
    let tokens = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": 60,
        "refresh_token": "RT1",
        "id_token": id_token,
    });
    let keys = json!({ "keys": [jwk("ES384", "another"), jwk("ES256", "fresh")] });
    for (method, url, body) in [("POST", TOKEN_ENDPOINT, tokens), ("GET", JWKS_URI, keys)] {
        let Action::SendRequest(request) = &action else { panic!("a request comes next: {action:?}") };
        assert_eq!((request.method(), request.url()), (method, url));
        let body = body.to_string();
        let response = Response::new(200, &JSON, body.as_bytes());
        action = login.handle(Event::ResponseReceived(request.id(), response), now)?;
    }
    let Action::TokensReady(tokens) = action else { panic!("tokens come last: {action:?}") };
    Ok(tokens)
}

fn of_login(result: &Result<Tokens, Error>) -> Result<Value, String> {
    match result {
        Ok(tokens) => Ok(outcome(Ok(tokens.id_token().ok_or("no ID token")?))),
        Err(Error::Violation(Violation::IdToken(error))) => Ok(outcome(Err(error))),
        Err(other) => Err(other.to_string()),
    }
}

/// The login of such a case has the claims that it calls the previous ones.
#[test]
fn every_case_about_a_refresh_by_a_session() {
    let refreshes = core::cell::Cell::new(0);
    run("id_token", |case| {
        if case["group"] != "refresh" {
            return Ok(By::Nothing);
        }
        refreshes.set(refreshes.get() + 1);
        let mut previous = case["config"]["previous"].clone();
        (previous["iat"], previous["exp"]) = (json!(LOGGED_IN_AT), json!(LOGGED_IN_AT + 300));
        let logged_in = log_in(case, &with_nonce(&previous.to_string()), UnixTime::from_secs(LOGGED_IN_AT));
        let (client, tokens) = logged_in.map_err(|error| error.to_string())?;
        let mut session = Session::new(client, tokens);
        let Access::SendRequest(request) = session.access(at(case)) else { return Err("no refresh".into()) };
        let body =
            json!({ "access_token": "AT2", "token_type": "Bearer", "id_token": fresh(&payload(case)) }).to_string();
        let response = Response::new(200, &JSON, body.as_bytes());
        let action = session.handle(Event::ResponseReceived(request.id(), response), at(case));
        let Some(Error::Violation(Violation::IdToken(error))) = session.last_error() else {
            return Err(format!("{action:?}"));
        };
        let Ok(SessionAction::LoginRequired(LoginRequired::GrantEnded(why))) = &action else {
            return Err(format!("somebody else's tokens end the session: {action:?}"));
        };
        assert_eq!(Some(why), session.last_error());
        assert!(session.save().is_none(), "nothing of the answer is used");
        compare(case, &outcome(Err(error)))
    });
    assert_eq!(refreshes.get(), 3);
}

/// What a login says of who signed.
#[test]
fn signatures_by_a_login() {
    let case = &cases("id_token")[0];
    let payload = payload(case);
    let claims: Value = serde_json::from_str(&payload).expect("JSON");
    let by = |algorithm: &str, header: Value| signed(algorithm, &header, &claims);
    let (good, other) = (fresh(&payload), fresh(&payload.replace("24400320", "24400321")));
    let (message, signature) = (good.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    for (token, code) in [
        (good.clone(), ""),
        (by("ES256", json!({ "alg": "ES256" })), ""),
        (format!("{message}.{signature}"), "id_token_signature"),
        (format!("{message}."), "id_token_signature"),
        (by("ES256", json!({ "alg": "ES256", "kid": "gone" })), "id_token_key_not_found"),
        (by("ES256", json!({ "alg": "ES256", "kid": "another" })), "id_token_key_not_found"),
        (by("ES384", json!({ "alg": "ES384", "kid": "another" })), "id_token_alg_not_allowed"),
        (by("RS256", json!({ "alg": "ES256", "kid": "fresh" })), "id_token_signature"),
        (by("ES256", json!({ "alg": "ES256", "kid": "fresh", "jwk": jwk("ES256", "fresh") })), ""),
        (by("ES256", json!({ "alg": "ES256", "kid": "mine", "jwk": jwk("ES256", "mine") })), "id_token_key_not_found"),
        (by("ES256", json!({ "alg": "none" })), "id_token_alg_not_allowed"),
    ] {
        let config = Config::of(&case["config"]).expect("a config");
        let login = Login::new(client(&config), AuthorizationRequest::new().scope("openid")).expect("a login");
        let result = drive(login, "C1", "AT1", &token, at(case));
        assert_eq!(result.err().map_or("", |error| error.code()), code, "{token}");
    }
}

/// How many keys of a set can be used.
#[test]
fn every_set_of_keys() {
    let sets = file("id_token")["jwks_sets"].clone();
    let counts = [
        ("main", Ok(5)),
        ("rsa_no_alg", Ok(1)),
        ("rsa_single_no_kid", Ok(1)),
        ("rsa_two", Ok(2)),
        ("rsa_two_no_kid", Ok(2)),
        ("one_per_type_no_kid", Ok(3)),
        ("same_kid_two_types", Ok(2)),
        ("use_enc", Ok(0)),
        ("key_ops_sign_only", Ok(0)),
        ("key_ops_verify", Ok(1)),
        ("alg_mismatch", Ok(1)),
        ("with_junk", Ok(1)),
        ("with_oct", Ok(1)),
        ("weak_rsa", Ok(0)),
        // The verifier finds out.
        ("off_curve", Ok(1)),
        ("empty", Ok(0)),
        ("no_keys_member", Err(KeySetError::Malformed)),
        ("keys_not_array", Err(KeySetError::Malformed)),
        ("es256_only", Ok(1)),
        ("es384_only_kid_es256", Ok(1)),
        ("ed_only", Ok(1)),
        ("ed_alg_ed25519", Ok(1)),
    ];
    assert_eq!(sets.as_object().expect("sets").len(), counts.len());
    for (name, count) in counts {
        let keys = KeySet::parse(JWKS_URI, sets[name].to_string().as_bytes(), UnixTime::from_secs(0));
        assert_eq!(keys.map(|keys| keys.len()), count, "{name}");
    }
}

/// Those of the RFCs. They are no ID tokens, so the verifier alone can say something of them.
#[test]
fn every_vector() {
    let vectors = file("id_token")["jws_vectors"].as_array().expect("vectors").clone();
    assert_eq!(vectors.len(), 3);
    for vector in &vectors {
        only(vector, &["name", "alg", "source", "jws", "jwk"]).unwrap();
        let document = json!({ "keys": [vector["jwk"]] }).to_string();
        let keys = KeySet::parse(JWKS_URI, document.as_bytes(), UnixTime::from_secs(0));
        assert_eq!(keys.map(|keys| keys.len()), Ok(1), "{}", vector["name"]);

        let octets = |text: &str| Base64UrlUnpadded::decode_vec(text).expect("base64url");
        let of_key = |name: &str| vector["jwk"][name].as_str().map(octets).unwrap_or_default();
        let (n, e, x, y) = (of_key("n"), of_key("e"), of_key("x"), of_key("y"));
        let ed25519 = <&[u8; 32]>::try_from(x.as_slice());
        let (algorithm, key) = match text(&vector["alg"]) {
            "RS256" => (Algorithm::Rs256, PublicKey::Rsa { modulus: &n, exponent: &e }),
            "ES256" => (Algorithm::Es256, PublicKey::Ec { curve: Curve::P256, x: &x, y: &y }),
            "EdDSA" => (Algorithm::EdDsa, PublicKey::Ed25519 { x: ed25519.expect("32 octets") }),
            other => panic!("there is no vector for {other}"),
        };
        let (message, signature) = text(&vector["jws"]).rsplit_once('.').expect("three parts");
        let mut signature = octets(signature);
        assert!(RustCrypto.verify(algorithm, &key, message.as_bytes(), &signature), "{}", vector["name"]);
        assert!(!RustCrypto.verify(algorithm, &key, &message.as_bytes()[1..], &signature), "{}", vector["name"]);
        signature[0] ^= 1;
        assert!(!RustCrypto.verify(algorithm, &key, message.as_bytes(), &signature), "{}", vector["name"]);
    }
}
