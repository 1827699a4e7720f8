//! Requests to the token endpoint, and to the revocation endpoint, with the same client authentication.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64, Encoding};

use crate::error::config::ConfigError;
use crate::http::{Request, RequestId};
use crate::secret::{wipe, Secret};
use crate::text::form::{self, Pair};
use crate::wire::pkce::CodeVerifier;
use crate::wire::redirect::AuthorizationCode;

/// How the client authenticates at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// `none`: a public client, such as every native app (RFC 8252 §8.5). `client_id` goes into the body.
    #[default]
    None,
    /// `client_secret_basic`: id and secret, each form-encoded, joined with `:` in the `Authorization` header (§2.3.1).
    ClientSecretBasic(Secret),
    /// `client_secret_post`: id and secret in the body (§2.3.1).
    ClientSecretPost(Secret),
}

/// The format of a token request's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenRequestFormat {
    /// `application/x-www-form-urlencoded`, which RFC 6749 §4.1.3 requires.
    #[default]
    Form,
    /// `application/json`, as in Auth0's documentation.
    Json,
}

/// Builds one client's requests to the token and revocation endpoints; the constant parts are prepared once.
///
/// ```
/// use oauth_proto::token::TokenEndpoint;
/// use oauth_proto::{AuthorizationServer, Client, RequestId, Secret};
///
/// let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
/// let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
/// let endpoint: &TokenEndpoint = client.token_endpoint().ok_or("the server's metadata is yet to be fetched")?;
/// let request = endpoint.refresh_token(RequestId::from_u64(1), &Secret::new("tGzv3JOkF0XG5Qx2TlKWIA"), None, &[]);
/// assert_eq!(request.url(), "https://as.example.com/token");
/// assert_eq!(request.body(), b"grant_type=refresh_token&refresh_token=tGzv3JOkF0XG5Qx2TlKWIA&client_id=s6BhdRkqt3");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TokenEndpoint {
    url: Arc<str>,
    revocation_url: Option<Arc<str>>,
    redirect_uri: Arc<str>,
    format: TokenRequestFormat,
    authorization: Option<Arc<Secret>>,
    /// `client_id` and `client_secret`, if they go into the body.
    credentials: Vec<(&'static str, Secret)>,
    extra: Vec<(String, Secret)>,
    /// `&redirect_uri=…`, `&client_id=…&client_secret=…` and the extra parameters, form-encoded.
    encoded_redirect_uri: String,
    encoded_credentials: Secret,
    encoded_extra: Secret,
}

/// The settings of a token endpoint besides the two URLs.
pub(crate) struct Settings<'a> {
    pub client_id: &'a str,
    pub redirect_uri: &'a str,
    pub authentication: &'a ClientAuthentication,
    pub format: TokenRequestFormat,
    /// Whether to send `client_id` in the body even if it is in the header.
    pub client_id_in_body: bool,
    pub extra: Vec<(String, Secret)>,
}

impl TokenEndpoint {
    pub(crate) fn new(
        url: Arc<str>,
        revocation_url: Option<Arc<str>>,
        settings: Settings<'_>,
    ) -> Result<Self, ConfigError> {
        let mut names = BTreeSet::new();
        for (name, value) in &settings.extra {
            if RESERVED.contains(&name.as_str()) {
                return Err(ConfigError::parameter(name, "is sent by the token request itself: remove it"));
            }
            if name.is_empty() || value.reveal().is_empty() {
                return Err(ConfigError::parameter("token_parameter", "has an empty name or value: do not set it"));
            }
            if !names.insert(name) {
                return Err(ConfigError::parameter(name, "is set twice (RFC 6749 section 3.2): set it once"));
            }
        }
        let id = || ("client_id", Secret::new(settings.client_id));
        let (authorization, credentials) = match settings.authentication {
            ClientAuthentication::None => (None, alloc::vec![id()]),
            ClientAuthentication::ClientSecretBasic(secret) => {
                let authorization = basic(settings.client_id, secret.reveal());
                (Some(Arc::new(authorization)), settings.client_id_in_body.then(id).into_iter().collect())
            }
            ClientAuthentication::ClientSecretPost(secret) => {
                (None, alloc::vec![id(), ("client_secret", secret.clone())])
            }
        };
        let mut encoded_redirect_uri = String::new();
        form::push_pair(&mut encoded_redirect_uri, "redirect_uri", settings.redirect_uri);
        let len = credentials.iter().map(|(name, value)| form::encoded_len(value.reveal()).saturating_add(name.len()));
        let mut encoded_credentials = String::with_capacity(len.fold(4, usize::saturating_add));
        for (name, value) in &credentials {
            form::push_pair(&mut encoded_credentials, name, value.reveal());
        }
        let len = settings.extra.iter().map(|(name, value)| {
            form::encoded_len(name).saturating_add(form::encoded_len(value.reveal())).saturating_add(2)
        });
        let mut encoded_extra = String::with_capacity(len.fold(0, usize::saturating_add));
        for (name, value) in &settings.extra {
            encoded_extra.push('&');
            form::push_encoded(&mut encoded_extra, name);
            encoded_extra.push('=');
            form::push_encoded(&mut encoded_extra, value.reveal());
        }
        Ok(Self {
            url,
            revocation_url,
            redirect_uri: settings.redirect_uri.into(),
            format: settings.format,
            authorization,
            credentials,
            extra: settings.extra,
            encoded_redirect_uri,
            encoded_credentials: Secret::new(encoded_credentials),
            encoded_extra: Secret::new(encoded_extra),
        })
    }

    /// Builds a code exchange: `grant_type=authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 8707 §2.2).
    pub fn authorization_code(
        &self,
        id: RequestId,
        code: &AuthorizationCode,
        verifier: &CodeVerifier,
        resources: &[String],
    ) -> Request {
        self.exchange(id, code.reveal(), verifier.reveal(), resources)
    }

    pub(crate) fn exchange(&self, id: RequestId, code: &str, verifier: &str, resources: &[String]) -> Request {
        let grant_type = Pair::new("grant_type", "authorization_code");
        let first = [grant_type, Pair::new("code", code), Pair::new("code_verifier", verifier)];
        self.request(id, &self.url, self.format, &first, resources, true)
    }

    /// Builds a refresh: `grant_type=refresh_token` (RFC 6749 §6, RFC 8707 §2.2), optionally with a narrower `scope`.
    pub fn refresh_token(
        &self,
        id: RequestId,
        refresh_token: &Secret,
        scope: Option<&str>,
        resources: &[String],
    ) -> Request {
        self.refresh(id, refresh_token, scope, resources, None)
    }

    /// As `refresh_token`, with Auth0's `audience`.
    pub(crate) fn refresh(
        &self,
        id: RequestId,
        refresh_token: &Secret,
        scope: Option<&str>,
        resources: &[String],
        audience: Option<&str>,
    ) -> Request {
        let refresh_token = Pair::new("refresh_token", refresh_token.reveal());
        let grant_type = Pair::new("grant_type", "refresh_token");
        let scope = scope.filter(|scope| !scope.is_empty()).map(|scope| Pair::new("scope", scope));
        let audience = audience.map(|audience| Pair::new("audience", audience));
        let request = |first: &[Pair<'_>]| self.request(id, &self.url, self.format, first, resources, false);
        match (scope, audience) {
            (None, None) => request(&[grant_type, refresh_token]),
            (Some(one), None) | (None, Some(one)) => request(&[grant_type, refresh_token, one]),
            (Some(scope), Some(audience)) => request(&[grant_type, refresh_token, scope, audience]),
        }
    }

    /// Builds a revocation request (RFC 7009 §2.1), always form-encoded; `None` if no revocation endpoint is configured.
    pub fn revocation(&self, id: RequestId, token: &Secret, token_type_hint: Option<&str>) -> Option<Request> {
        let url = self.revocation_url.as_ref()?;
        let token = Pair::new("token", token.reveal());
        let form = TokenRequestFormat::Form;
        Some(match token_type_hint {
            Some(hint) => self.request(id, url, form, &[token, Pair::new("token_type_hint", hint)], &[], false),
            None => self.request(id, url, form, &[token], &[], false),
        })
    }

    fn request(
        &self,
        id: RequestId,
        url: &Arc<str>,
        format: TokenRequestFormat,
        first: &[Pair<'_>],
        resources: &[String],
        with_redirect_uri: bool,
    ) -> Request {
        let for_token = Arc::ptr_eq(url, &self.url);
        let (content_type, body) = match format {
            TokenRequestFormat::Form => {
                ("application/x-www-form-urlencoded", self.form(first, resources, with_redirect_uri, for_token))
            }
            TokenRequestFormat::Json => ("application/json", self.json(first, resources, with_redirect_uri)),
        };
        Request::post(id, Arc::clone(url), content_type, self.authorization.clone(), body)
    }

    /// Sized before it is written: a buffer that grows would leave secrets behind.
    fn form(&self, first: &[Pair<'_>], resources: &[String], with_redirect_uri: bool, for_token: bool) -> Secret {
        let redirect_uri = if with_redirect_uri { self.encoded_redirect_uri.as_str() } else { "" };
        let extra = if for_token { self.encoded_extra.reveal() } else { "" };
        let credentials = self.encoded_credentials.reveal();
        let resources = resources.iter().map(|resource| Pair::new("resource", resource));
        let pairs = || first.iter().copied().chain(resources.clone());
        let len = pairs().map(|pair| pair.encoded_len());
        let fixed = redirect_uri.len().saturating_add(extra.len()).saturating_add(credentials.len());
        let mut body = String::with_capacity(len.fold(fixed, usize::saturating_add));
        for pair in pairs() {
            pair.push(&mut body);
        }
        body.push_str(redirect_uri);
        body.push_str(credentials);
        body.push_str(extra);
        Secret::new(body)
    }

    /// A JSON object of strings; several resources become an array.
    fn json(&self, first: &[Pair<'_>], resources: &[String], with_redirect_uri: bool) -> Secret {
        let redirect_uri = with_redirect_uri.then_some(("redirect_uri", &*self.redirect_uri));
        let pairs = || {
            let credentials = self.credentials.iter().map(|(name, value)| (*name, value.reveal()));
            let extra = self.extra.iter().map(|(name, value)| (name.as_str(), value.reveal()));
            first.iter().map(|pair| (pair.name, pair.value)).chain(redirect_uri).chain(credentials).chain(extra)
        };
        // The longest escape, `\u0000`, has six characters.
        let worst = |text: &str| text.len().saturating_mul(6).saturating_add(6);
        let len = pairs().map(|(name, value)| worst(name).saturating_add(worst(value)));
        let len = len.chain(resources.iter().map(|resource| worst(resource)));
        let mut body = String::with_capacity(len.fold(32, usize::saturating_add));
        for (name, value) in pairs() {
            body.push(if body.is_empty() { '{' } else { ',' });
            push_json_text(&mut body, name);
            body.push(':');
            push_json_text(&mut body, value);
        }
        match resources {
            [] => {}
            [resource] => {
                body.push_str(",\"resource\":");
                push_json_text(&mut body, resource);
            }
            several => {
                for (index, resource) in several.iter().enumerate() {
                    body.push_str(if index == 0 { ",\"resource\":[" } else { "," });
                    push_json_text(&mut body, resource);
                }
                body.push(']');
            }
        }
        body.push('}');
        Secret::new(body)
    }
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint").field("url", &self.url).field("format", &self.format).finish_non_exhaustive()
    }
}

/// Names that no extra parameter may have: this crate sends them, or they belong to another grant.
const RESERVED: [&str; 15] = [
    "grant_type",
    "code",
    "code_verifier",
    "redirect_uri",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "refresh_token",
    "scope",
    "resource",
    "audience",
    "token",
    "username",
    "password",
];

/// The credentials of RFC 6749 §2.3.1: each half form-encoded, so that a `:` in one is not taken for the separator.
fn basic(client_id: &str, secret: &str) -> Secret {
    let len = form::encoded_len(client_id).saturating_add(form::encoded_len(secret)).saturating_add(1);
    let mut pair = String::with_capacity(len);
    form::push_encoded(&mut pair, client_id);
    pair.push(':');
    form::push_encoded(&mut pair, secret);
    let mut value = "Basic ".to_owned();
    let mut encoded = Base64::encode_string(pair.as_bytes());
    value.reserve_exact(encoded.len());
    value.push_str(&encoded);
    wipe(&mut pair);
    wipe(&mut encoded);
    Secret::new(value)
}

fn push_json_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0'..='\x1f' => {
                let _ = fmt::Write::write_fmt(out, format_args!("\\u{:04x}", u32::from(character)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
