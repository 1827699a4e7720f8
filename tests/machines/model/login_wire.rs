//! The login's server: what it says, octet by octet, and the client that is set up for it.

use std::sync::LazyLock;

use oauth_proto::metadata::DiscoveryOrder;
use oauth_proto::{AuthorizationServer, Client, Request, Tokens};

use super::login::{Answer, Iss, Keys, Metadata, Shape};
use super::login_model::Config;

pub const TOKEN_ENDPOINT: &str = "https://as.example.com/token";
pub const JWKS_URI: &str = "https://as.example.com/jwks";
const AUTHORIZATION_ENDPOINT: &str = "https://as.example.com/authorize";
static LONG: LazyLock<String> = LazyLock::new(|| " ".repeat(oauth_proto::http::MAX_RESPONSE_BYTES + 1));
static DEEP: LazyLock<String> = LazyLock::new(|| "[".repeat(33) + &"]".repeat(33));
const HTML: &[(&str, &str)] = &[("Content-Type", "text/html")];
const MOVED: &[(&str, &str)] = &[("Content-Type", "application/json"), ("Location", "https://as.example.com/new")];
const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];

/// A response.
pub struct Sent {
    pub status: u16,
    pub headers: &'static [(&'static str, &'static str)],
    pub body: String,
}

impl Sent {
    fn new(status: u16, headers: &'static [(&'static str, &'static str)], body: impl Into<String>) -> Self {
        Self { status, headers, body: body.into() }
    }
}

fn issuer(config: Config) -> &'static str {
    if config.path {
        "https://as.example.com/t"
    } else {
        "https://as.example.com"
    }
}

/// Where the server's metadata is asked for.
pub fn place(config: Config, index: usize) -> String {
    let path = if config.path { "/t" } else { "" };
    let appended = format!("https://as.example.com{path}/.well-known/openid-configuration");
    let oauth = format!("https://as.example.com/.well-known/oauth-authorization-server{path}");
    let inserted = format!("https://as.example.com/.well-known/openid-configuration{path}");
    let places = match (config.oauth_first, config.path) {
        (false, _) => [appended, oauth, inserted],
        // What the Model Context Protocol demands.
        (true, true) => [oauth, inserted, appended],
        (true, false) => [oauth, appended, inserted],
    };
    places[index].clone()
}

pub fn text(request: &Request) -> String {
    format!("{} {} {}", request.method(), request.url(), core::str::from_utf8(request.body()).unwrap())
}

pub fn tokens(config: Config, answer: Answer, nonce: &str, now: u64) -> Sent {
    match answer {
        Answer::Tokens => Sent::new(200, JSON, r#"{"access_token":"AT","token_type":"bearer"}"#),
        Answer::TokensWith(id_token) => {
            let id_token = openid::id_token(config, id_token, nonce, now);
            let body = format!(r#"{{"access_token":"AT","token_type":"Bearer","id_token":"{id_token}"}}"#);
            Sent::new(200, JSON, body)
        }
        Answer::OtherTokenType => {
            Sent::new(200, JSON, r#"{"access_token":"AT","token_type":"mac","id_token":"a.b.c"}"#)
        }
        Answer::NoAccessToken => Sent::new(200, JSON, r#"{"token_type":"Bearer","id_token":"a.b.c"}"#),
        Answer::ErrorAndTokens => {
            Sent::new(200, JSON, r#"{"access_token":"AT","token_type":"Bearer","error":"bad_code"}"#)
        }
        Answer::InvalidGrant => Sent::new(400, JSON, r#"{"error":"invalid_grant"}"#),
        Answer::TooMany => Sent::new(429, &[("Retry-After", "30")], r#"{"error":"slow_down"}"#),
        Answer::Unavailable => Sent::new(503, HTML, "<h1>later</h1>"),
        Answer::Broken => Sent::new(502, HTML, "<h1>no answer</h1>"),
        Answer::NotFound => Sent::new(404, HTML, "<h1>what?</h1>"),
        Answer::Html => Sent::new(200, HTML, r#"{"access_token":"AT","token_type":"Bearer"}"#),
        Answer::Redirected => Sent::new(307, MOVED, r#"{"access_token":"AT","token_type":"Bearer"}"#),
        Answer::Garbage => Sent::new(200, JSON, r#"{"access_token":"AT","token_type":"Bearer"}}"#),
        Answer::TooLarge => Sent::new(200, JSON, LONG.as_str()),
        Answer::TooDeep => Sent::new(200, JSON, DEEP.as_str()),
    }
}

pub fn keys(keys: Keys) -> Sent {
    match keys {
        Keys::Good => Sent::new(200, &[], openid::jwks(keys)),
        Keys::Both | Keys::None | Keys::OtherKey | Keys::SameName => Sent::new(200, JSON, openid::jwks(keys)),
        Keys::TooMany => Sent::new(429, JSON, "{}"),
        Keys::Unavailable => Sent::new(503, HTML, "<h1>later</h1>"),
        Keys::NotFound => Sent::new(404, JSON, openid::jwks(Keys::Good)),
        Keys::Moved => Sent::new(302, MOVED, openid::jwks(Keys::Good)),
        Keys::NotASet => Sent::new(200, JSON, "{}"),
        Keys::Garbage => Sent::new(200, HTML, "<h1>keys</h1>"),
        Keys::TooLarge => Sent::new(200, JSON, LONG.as_str()),
    }
}

pub fn metadata(config: Config, metadata: Metadata) -> Sent {
    let mut document = serde_json::json!({
        "issuer": issuer(config),
        "authorization_endpoint": AUTHORIZATION_ENDPOINT,
        "token_endpoint": TOKEN_ENDPOINT,
        "jwks_uri": JWKS_URI,
        "id_token_signing_alg_values_supported": ["RS256", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": config.iss_required,
    });
    let without = |name: &str| {
        let mut document = document.clone();
        document.as_object_mut().unwrap().remove(name).unwrap();
        document
    };
    match metadata {
        Metadata::Good => {}
        Metadata::OtherIssuer => document["issuer"] = "https://other.example.com".into(),
        Metadata::TrailingSlash => document["issuer"] = format!("{}/", issuer(config)).into(),
        Metadata::NoIssuer => document = without("issuer"),
        Metadata::NoTokenEndpoint => document = without("token_endpoint"),
        Metadata::HttpEndpoint => document["authorization_endpoint"] = "http://as.example.com/authorize".into(),
        Metadata::NoS256 => document["code_challenge_methods_supported"] = serde_json::json!(["plain"]),
        Metadata::NoJwksUri => document = without("jwks_uri"),
        Metadata::OtherAlgorithms => {
            document["id_token_signing_alg_values_supported"] = serde_json::json!(["HS256"]);
        }
        Metadata::PushedOnly => document["require_pushed_authorization_requests"] = true.into(),
        Metadata::Html => return Sent::new(200, HTML, document.to_string()),
        Metadata::NotFound => return Sent::new(404, JSON, document.to_string()),
        Metadata::Moved => return Sent::new(301, MOVED, document.to_string()),
        Metadata::TooMany => return Sent::new(429, JSON, document.to_string()),
        Metadata::Unavailable => return Sent::new(500, JSON, document.to_string()),
        Metadata::Garbage => return Sent::new(200, JSON, document.to_string() + "{"),
        Metadata::TooLarge => return Sent::new(200, JSON, LONG.as_str()),
    }
    Sent::new(200, JSON, document.to_string())
}

/// The URL that the browser comes back to.
pub fn redirect(config: Config, shape: Shape, state: &str, iss: Iss) -> String {
    let encoded = issuer(config).replace(':', "%3A").replace('/', "%2F");
    let iss = match iss {
        Iss::None => String::new(),
        Iss::Right => format!("&iss={encoded}"),
        Iss::Wrong => format!("&iss={encoded}%2F"),
    };
    shape.url(state, &iss)
}

impl Shape {
    fn url(self, state: &str, iss: &str) -> String {
        let query = match self {
            Self::Code | Self::FinalSlash | Self::OtherUri => format!("code=C1&state={state}"),
            Self::OtherCode => format!("state={state}&code=C2"),
            Self::Denied => format!("error=access_denied&state={state}"),
            Self::DeniedWithCode => format!("code=C1&error=access_denied&state={state}"),
            Self::Neither => format!("state={state}"),
            Self::EmptyCode => format!("code=&state={state}"),
            Self::BadCode => format!("code=%0D%0A&state={state}"),
            Self::BadError => format!("error=%FF&state={state}"),
            Self::WrongState => format!("code=C1&state={state}A"),
            Self::StateInOtherCase => format!("code=C1&state={}", other_case(state)),
            Self::NoState => "error=access_denied".into(),
            Self::TwoStates => format!("code=C1&state={state}&state={state}"),
            Self::OneRightState => format!("code=C1&state={state}&state={state}A"),
            Self::TwoCodes => format!("code=C1&code=C1&state={state}"),
            Self::TooLong => format!("code={}&state={state}", "C".repeat(oauth_proto::redirect::MAX_REDIRECT_BYTES)),
            Self::NotAUrl => return format!("code=C1&state={state}"),
        };
        let path = match self {
            Self::FinalSlash => "com.example.app:/callback/",
            Self::OtherUri => "com.example.app:/callback/x",
            _ => "com.example.app:/callback",
        };
        format!("{path}?{query}{iss}")
    }
}

fn other_case(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
}

pub fn client(config: Config) -> Client {
    let builder = |server| Client::builder(server, "app", "com.example.app:/callback");
    let by_issuer = config.by_issuer.then(|| {
        let server = AuthorizationServer::from_issuer(issuer(config)).unwrap();
        if config.oauth_first {
            server.discovery_order(DiscoveryOrder::OAuthFirst)
        } else {
            server
        }
    });
    let server = by_issuer.unwrap_or_else(|| {
        let mut server = AuthorizationServer::new(AUTHORIZATION_ENDPOINT, TOKEN_ENDPOINT).unwrap();
        if config.issuer {
            server = server.issuer(issuer(config)).unwrap();
        }
        if config.iss_required {
            server = server.require_iss();
        }
        openid::with_keys(server)
    });
    openid::client(config, builder(server))
}

pub fn check_tokens(config: Config, tokens: &Tokens) {
    openid::check_tokens(config, tokens);
}

#[cfg(feature = "openid")]
mod openid {
    use oauth_proto::{Algorithm, AuthorizationServer, Client, ClientBuilder, KeySet, Tokens, UnixTime};
    use serde_json::json;

    use super::super::keys::{named, signed, Verifier, ALGORITHM};
    use super::super::login::{IdToken, Keys};
    use super::super::login_model::Config;
    use super::{issuer, JWKS_URI};

    const USER: &str = "248289761001";

    pub fn with_keys(server: AuthorizationServer) -> AuthorizationServer {
        server.jwks_uri(JWKS_URI).unwrap().id_token_signing_alg_values_supported(&[ALGORITHM])
    }

    pub fn client(config: Config, builder: ClientBuilder) -> Client {
        let builder = if config.by_action {
            builder.verify_id_tokens_by_action(&[Algorithm::EdDsa])
        } else if config.needs_keys {
            builder.signature_verifier(Verifier)
        } else {
            builder.accept_id_tokens_on_tls_alone()
        };
        let client = builder.build().unwrap();
        match config.cached {
            Some((keys, at)) => {
                client.with_keys(KeySet::parse(JWKS_URI, jwks(keys).as_bytes(), UnixTime::from_secs(at)).unwrap())
            }
            None => client,
        }
    }

    pub fn jwks(keys: Keys) -> String {
        named(keys.all())
    }

    pub fn id_token(config: Config, id_token: IdToken, nonce: &str, now: u64) -> String {
        let (issued_at, expires_at) = id_token.times(now);
        let mut claims = json!({
            "iss": issuer(config), "sub": USER, "aud": "app", "iat": issued_at, "exp": expires_at, "nonce": nonce,
        });
        let (names, signs) = id_token.keys();
        match id_token {
            IdToken::NotAToken => return "a.b.c".into(),
            // {"alg":"none"}
            IdToken::NotSigned => {
                let token = signed(&claims, names, signs);
                let payload = token.split('.').nth(1).unwrap();
                return format!("eyJhbGciOiJub25lIn0.{payload}.");
            }
            IdToken::OtherIssuer => claims["iss"] = "https://other.example.com".into(),
            IdToken::OtherAudience => claims["aud"] = json!(["other"]),
            IdToken::NoSubject => claims["sub"] = "".into(),
            IdToken::OtherNonce => claims["nonce"] = "n-0S6_WzA2Mj".into(),
            IdToken::NoNonce => drop(claims.as_object_mut().unwrap().remove("nonce")),
            IdToken::OtherAccessToken => claims["at_hash"] = "77QmUPtjPfzWtF2AnpK9RQ".into(),
            _ => {}
        }
        signed(&claims, names, signs)
    }

    pub fn check_tokens(config: Config, tokens: &Tokens) {
        let subject = tokens.id_token().map(oauth_proto::IdToken::subject);
        assert_eq!(subject, config.openid.then_some(USER), "an ID token that nobody asked for, or none");
    }
}

/// There are no ID tokens, and no keys.
#[cfg(not(feature = "openid"))]
mod openid {
    use oauth_proto::{AuthorizationServer, Client, ClientBuilder, Tokens};

    use super::super::login::{IdToken, Keys};
    use super::super::login_model::Config;

    pub fn with_keys(server: AuthorizationServer) -> AuthorizationServer {
        server
    }

    pub fn client(_: Config, builder: ClientBuilder) -> Client {
        builder.build().unwrap()
    }

    pub fn jwks(_: Keys) -> String {
        String::new()
    }

    pub fn id_token(_: Config, _: IdToken, _: &str, _: u64) -> String {
        "a.b.c".into()
    }

    pub fn check_tokens(_: Config, _: &Tokens) {}
}
