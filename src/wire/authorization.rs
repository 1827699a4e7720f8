//! The authorization request (RFC 6749 §4.1.1) and its URL.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use super::target::{is_resource, RESOURCE_PROBLEM, SCOPE_PROBLEM};
use crate::error::config::ConfigError;
use crate::text::{chars, form};

/// The parameters of an authorization request (RFC 6749 §4.1.1).
///
/// [`Login`](crate::Login) adds the client's own values, PKCE, `state` and `nonce`; they cannot be set or replaced here.
///
/// Setters do not fail: the first problem is kept, and [`Login::new`](crate::Login::new) reports it before any browser is opened.
/// One request can serve many logins; share it in an `Arc`.
///
/// ```
/// use oauth_proto::AuthorizationRequest;
///
/// let request = AuthorizationRequest::new()
///     .scope("openid profile offline_access")
///     .audience("https://api.example.com")
///     .login_hint("user@example.com")
///     .parameter("display", "touch");
/// assert!(request.check().is_ok());
/// assert!(AuthorizationRequest::new().parameter("state", "mine").check().is_err(), "reserved");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Scope tokens may be added one by one, so they have their own fields: plain, and as `&scope=…`.
    scope: String,
    encoded_scope: String,
    /// All other parameters, encoded: `&audience=…&prompt=…`.
    query: String,
    /// Names of the other parameters, scope tokens and resources, as sets so that a repetition is found quickly.
    names: BTreeSet<String>,
    scope_tokens: BTreeSet<String>,
    resources: Vec<String>,
    known_resources: BTreeSet<String>,
    openid: bool,
    /// The `acr` of the ID token must be one of `acr_values`.
    #[cfg(feature = "openid")]
    requires_acr: bool,
    problem: Option<ConfigError>,
}

/// How the server returns the authorization response (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of the redirect URI, the default of the code flow.
    Query,
    /// As a form that the browser posts to the redirect URI: see [`redirect::from_form_post`](crate::redirect::from_form_post).
    FormPost,
}

/// Parameters that this crate sends itself, or that would replace the whole request (RFC 9101).
const RESERVED: [&str; 11] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "client_secret",
    "dpop_jkt",
];

macro_rules! text_setters {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(self, value: &str) -> Self {
                self.text(stringify!($name), value)
            }
        )*
    };
}

impl AuthorizationRequest {
    /// Returns an empty request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds scope tokens, separated by spaces (RFC 6749 §3.3); duplicates are dropped. With `openid` among them the login sends
    /// a `nonce`.
    #[must_use]
    pub fn scope(mut self, scope: &str) -> Self {
        for token in scope.split(' ') {
            if !chars::is_scope_token(token) {
                self.refuse("scope", SCOPE_PROBLEM);
            } else if self.scope_tokens.insert(token.to_owned()) {
                if !self.scope.is_empty() {
                    self.scope.push(' ');
                }
                self.scope.push_str(token);
                self.openid |= token == "openid";
                self.encoded_scope.push_str(if self.encoded_scope.is_empty() { "&scope=" } else { form::URL_SPACE });
                form::push_url_encoded(&mut self.encoded_scope, token);
            }
        }
        self
    }

    text_setters! {
        /// `audience`: the API that the access token is for (Auth0).
        audience
        /// `login_hint`: the user who is expected to log in (OpenID Connect Core §3.1.2.1).
        login_hint
        /// `ui_locales`: languages, best first, separated by spaces (OpenID Connect Core §3.1.2.1).
        ui_locales
        /// `acr_values`: authentication context classes, best first (OpenID Connect Core §3.1.2.1, RFC 9470 §4). The server may
        /// ignore them: see `require_acr_values`.
        acr_values
        /// `connection`: an identity provider (Auth0).
        connection
        /// `organization`: an organization, by id (`org_…`) or name (Auth0). With the scope `openid`, the ID token must name
        /// it.
        organization
        /// `invitation`: the ticket of an invitation (Auth0).
        invitation
        /// `screen_hint`: the page to show first, such as `signup` (Auth0).
        screen_hint
    }

    /// `prompt`: `login`, `consent`, `select_account`, or `none`, which must stand alone (OpenID Connect Core §3.1.2.1).
    #[must_use]
    pub fn prompt(mut self, prompt: &str) -> Self {
        if prompt.contains(' ') && prompt.split(' ').any(|value| value == "none") {
            self.refuse("prompt", "none must stand alone (OpenID Connect Core section 3.1.2.1)");
        }
        self.text("prompt", prompt)
    }

    /// `max_age`: the longest time since the user last authenticated, in seconds (OpenID Connect Core §3.1.2.1). With the scope
    /// `openid`, the `auth_time` of the ID token must confirm it.
    #[must_use]
    pub fn max_age(self, seconds: u64) -> Self {
        let mut digits = String::new();
        let _ = fmt::Write::write_fmt(&mut digits, format_args!("{seconds}"));
        self.text("max_age", &digits)
    }

    /// `acr_values`, one of which must be the ID token's `acr`. Servers may ignore values set with `acr_values` (OpenID Connect
    /// Core §3.1.2.1, §5.5.1.1). Needs the scope `openid` (feature `openid`).
    #[cfg(feature = "openid")]
    #[must_use]
    pub fn require_acr_values(mut self, acr_values: &str) -> Self {
        if acr_values.split(' ').all(str::is_empty) {
            self.refuse("acr_values", "has no value: write one or more, separated by spaces");
        }
        self.requires_acr = true;
        self.acr_values(acr_values)
    }

    /// `resource` (RFC 8707 §2): an absolute URI without a fragment. May be called several times; the token request names the
    /// first one, as RFC 8707 §2.2 shows.
    #[must_use]
    pub fn resource(mut self, uri: &str) -> Self {
        if !is_resource(uri) {
            self.refuse("resource", RESOURCE_PROBLEM);
        }
        if !self.known_resources.insert(uri.to_owned()) {
            return self;
        }
        self.resources.push(uri.to_owned());
        form::push_pair(&mut self.query, "resource", uri);
        self
    }

    /// `response_mode`: how the server returns the response.
    #[must_use]
    pub fn response_mode(self, mode: ResponseMode) -> Self {
        self.text(
            "response_mode",
            match mode {
                ResponseMode::Query => "query",
                ResponseMode::FormPost => "form_post",
            },
        )
    }

    /// Adds any other parameter. A name that has a setter is passed to it. A name that the crate sends itself, or that was set
    /// before, is refused.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        match name {
            "scope" => self.scope(value),
            "prompt" => self.prompt(value),
            "resource" => self.resource(value),
            "max_age" => match value.parse() {
                Ok(seconds) => self.max_age(seconds),
                Err(_) => {
                    self.refuse(name, "must be a number of seconds");
                    self
                }
            },
            "response_mode" => match value {
                "query" => self.response_mode(ResponseMode::Query),
                "form_post" => self.response_mode(ResponseMode::FormPost),
                _ => {
                    self.refuse(name, "must be query or form_post: no other mode keeps the response from leaking");
                    self
                }
            },
            _ => {
                if RESERVED.contains(&name) {
                    self.refuse(name, "is set by the login itself and cannot be replaced: remove it");
                }
                self.text(name, value)
            }
        }
    }

    /// Adds every field of a `Serialize` struct as a parameter (feature `std`). Only structs and maps of plain values are
    /// accepted.
    ///
    /// ```
    /// #[derive(serde::Serialize)]
    /// struct Branding<'a> {
    ///     #[serde(rename = "ext-theme")]
    ///     theme: &'a str,
    /// }
    ///
    /// let request = oauth_proto::AuthorizationRequest::new().parameters(&Branding { theme: "dark" });
    /// assert!(request.check().is_ok());
    /// ```
    #[cfg(feature = "std")]
    #[must_use]
    pub fn parameters(mut self, parameters: &impl serde::Serialize) -> Self {
        match form::typed_pairs(parameters) {
            Some(pairs) => pairs.iter().fold(self, |request, (name, value)| request.parameter(name, value)),
            None => {
                self.refuse("parameters", "must be a struct or map of plain values");
                self
            }
        }
    }

    /// Reports the first problem that a setter found.
    ///
    /// # Errors
    /// [`ConfigError::Parameter`], which names the parameter.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.problem.clone().map_or(Ok(()), Err)
    }

    /// The requested scope; empty if none.
    pub fn requested_scope(&self) -> &str {
        &self.scope
    }

    /// The requested resources.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// The value of a parameter that is sent once.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let pairs = form::decode_pairs(&self.query).unwrap_or_default();
        pairs.into_iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    #[cfg(feature = "openid")]
    pub(crate) fn requires_acr(&self) -> bool {
        self.requires_acr
    }

    #[cfg(feature = "openid")]
    pub(crate) fn requiring_acr(self, requires_acr: bool) -> Self {
        Self { requires_acr, ..self }
    }

    pub(crate) fn asks_for_openid(&self) -> bool {
        self.openid
    }

    /// Whether a parameter of this name is sent.
    pub(crate) fn sends(&self, name: &str) -> bool {
        self.names.contains(name)
            || name == "scope" && !self.scope.is_empty()
            || name == "resource" && !self.resources.is_empty()
    }

    /// All parameters, to be saved and given back to [`AuthorizationRequest::from_pairs`].
    pub(crate) fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        if !self.scope.is_empty() {
            pairs.push(("scope".to_owned(), self.scope.clone()));
        }
        pairs.extend(form::decode_pairs(&self.query).unwrap_or_default());
        pairs
    }

    /// Uses the setters, so that a saved form that was tampered with is checked by the same rules.
    pub(crate) fn from_pairs(pairs: &[(String, String)]) -> Result<Self, ConfigError> {
        let request = pairs.iter().fold(Self::new(), |request, (name, value)| request.parameter(name, value));
        request.check().map(|()| request)
    }

    fn text(mut self, name: &str, value: &str) -> Self {
        if name.is_empty() || value.is_empty() {
            let shown = if name.is_empty() { "parameter" } else { name };
            self.refuse(
                shown,
                "has an empty name or value, which counts as left out (RFC 6749 section 3.1): do not set it",
            );
        } else if !self.names.insert(name.to_owned()) {
            self.refuse(name, "is set twice (RFC 6749 section 3.1): set it once");
        } else {
            self.query.push('&');
            form::push_url_encoded(&mut self.query, name);
            self.query.push('=');
            form::push_url_encoded(&mut self.query, value);
        }
        self
    }

    fn refuse(&mut self, name: &str, problem: &'static str) {
        if self.problem.is_none() {
            self.problem = Some(ConfigError::parameter(name, problem));
        }
    }
}

impl fmt::Debug for AuthorizationRequest {
    /// Shows names only: values may be personal (`login_hint`), secret (`invitation`) or from an API's challenge (`scope`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("scope_tokens", &self.scope_tokens.len())
            .field("parameters", &self.names)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}

/// The URL to open in the user's own browser (RFC 6749 §4.1.1, RFC 8252 §6), never in an embedded view (§8.12).
///
/// It is absolute, and https unless the configuration allows loopback. Pass it on as one argument, never through a shell.
///
/// It contains `state` and `nonce`. `Debug` therefore hides it; `Display` deliberately shows it, so that the app can give it to
/// the user, for example to open on another device. Keep it out of logs.
///
/// ```
/// # use oauth_proto::{Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, UnixTime};
/// # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
/// # let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
/// # let mut login = Login::new(client, AuthorizationRequest::new())?;
/// # let entropy = Entropy::new(core::array::from_fn(|index| index as u8))?;
/// # let Ok(Action::OpenUrl(url)) = login.handle(Event::Start(entropy), UnixTime::from_secs(0)) else { panic!() };
/// # #[cfg(feature = "std")] {
/// let mut browser = std::process::Command::new("xdg-open");
/// browser.arg(&url); // not yet spawned
/// # assert_eq!(browser.get_args().next(), Some(url.as_ref()));
/// # }
/// let message = format!("If no browser opens, visit {url}");
/// # assert!(message.ends_with(url.as_str()));
/// assert_eq!(format!("{url:?}"), "AuthorizationUrl(..)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationUrl(String);

/// What one login adds to the constant part of the URL.
pub(crate) struct PerLogin<'a> {
    pub state: &'a str,
    pub code_challenge: &'a str,
    pub nonce: Option<&'a str>,
}

impl AuthorizationUrl {
    /// `prefix` is the client's constant part, up to and including `code_challenge_method=S256`.
    pub(crate) fn build(prefix: &str, request: &AuthorizationRequest, login: &PerLogin<'_>) -> Self {
        let nonce = login.nonce.unwrap_or_default();
        let fixed = "&state=&code_challenge=&nonce=".len();
        let len = [prefix, &request.encoded_scope, &request.query, login.state, login.code_challenge, nonce]
            .iter()
            .fold(fixed, |sum, part| sum.saturating_add(part.len()));
        let mut url = String::with_capacity(len);
        url.push_str(prefix);
        url.push_str(&request.encoded_scope);
        url.push_str(&request.query);
        url.push_str("&state=");
        url.push_str(login.state);
        url.push_str("&code_challenge=");
        url.push_str(login.code_challenge);
        if !nonce.is_empty() {
            url.push_str("&nonce=");
            url.push_str(nonce);
        }
        Self(url)
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL as a `String`.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Deref for AuthorizationUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for AuthorizationUrl {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// The URL as one argument of a command (feature `std`).
#[cfg(feature = "std")]
impl AsRef<std::ffi::OsStr> for AuthorizationUrl {
    fn as_ref(&self) -> &std::ffi::OsStr {
        self.0.as_ref()
    }
}

/// Shows the URL with its `state` and `nonce`: not for logs.
impl fmt::Display for AuthorizationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for AuthorizationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationUrl(..)")
    }
}
