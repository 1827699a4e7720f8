//! Redirects: from a URL to the authorization response (RFC 6749 §4.1.2, RFC 8252, RFC 9207), as a pure function.
//!
//! # Order of checks
//! 1. The redirect URI: scheme, authority, path.
//! 2. The size, then the redirect URI's own query.
//! 3. Split at `&` and the first `=`, then decode.
//! 4. `state`, in constant time; if it is repeated, each value.
//! 5. No parameter twice.
//! 6. `iss`.
//! 7. Only then `error`.
//! 8. `code`.
//!
//! A redirect that fails before `state` has matched may come from anyone: it is [`Error::Ignored`]. A later failure comes from
//! the server and is final. (If a parameter is repeated and `state` is missing or wrong, the repetition is reported; both are
//! ignored.) The fragment is never read (RFC 9700 §2.1.2), nor are tokens in the query.
//!
//! # Form post
//! With `response_mode=form_post` (Sign in with Apple requires it for names and mail addresses) the server lets the browser POST
//! the same parameters to the redirect URI. [`from_form_post`] turns that body into the equivalent redirect URL.
//!
//! # Pasted by the user
//! If the browser cannot return to the app, for example because it runs on another device, the user copies what the browser shows
//! and pastes it: [`from_pasted`] turns that into a redirect URL.

pub(crate) mod pasted;
pub(crate) mod uri;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use subtle::ConstantTimeEq;

use crate::error::error_body::ErrorBody;
use crate::error::refused::Refused;
use crate::error::server_text::ServerText;
use crate::error::violation::Violation;
use crate::error::{Error, Ignored};
use crate::secret::Secret;
use crate::text::{chars, form};
use crate::wire::issuer;

pub use self::pasted::from_pasted;
pub use self::uri::RedirectUri;

/// The longest redirect URL that is read, in bytes (64 KiB).
pub const MAX_REDIRECT_BYTES: usize = 64 * 1024;

/// The values that an authorization response must match.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The redirect URI of the authorization request.
    pub redirect_uri: &'a RedirectUri,
    /// The `state` that was sent. Never empty.
    pub state: &'a str,
    /// The issuer identifier of the server that the user was sent to, or its template
    /// ([`AuthorizationServer::issuer_template`](crate::AuthorizationServer)). If it is `None`, a redirect with an `iss` is
    /// refused: it may be another server's (RFC 9207 §2.4).
    pub issuer: Option<&'a str>,
    /// Whether the server promised `iss` (`authorization_response_iss_parameter_supported`, RFC 9207 §3).
    pub iss_required: bool,
}

impl fmt::Debug for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected").field("redirect_uri", self.redirect_uri).finish_non_exhaustive()
    }
}

/// An authorization response that passed all checks. Only [`parse`] makes one, so only a checked response leads to a token
/// request.
pub struct AuthorizationResponse<'a> {
    code: Cow<'a, str>,
}

impl AuthorizationResponse<'_> {
    /// The authorization code. Send it to the token endpoint once.
    pub fn into_code(self) -> AuthorizationCode {
        AuthorizationCode(Secret::from(self.code))
    }
}

impl fmt::Debug for AuthorizationResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationResponse(..)")
    }
}

/// An authorization code that came with the right `state` and `iss` (RFC 6749 §4.1.2). Wiped when dropped.
#[derive(Clone)]
pub struct AuthorizationCode(Secret);

impl AuthorizationCode {
    /// The code.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationCode(..)")
    }
}

/// Checks a redirect and returns its authorization code. A pure function: fuzz it directly.
///
/// # Errors
/// [`Error::Ignored`] for a redirect that may come from anyone; with the right `state`, [`Error::Violation`] or
/// [`Error::Refused`].
///
/// ```
/// use oauth_proto::redirect::{parse, Expected, RedirectUri};
///
/// let redirect_uri = RedirectUri::new("com.example.app:/callback")?;
/// let expected = Expected { redirect_uri: &redirect_uri, state: "af0ifjsldkj", issuer: None, iss_required: false };
/// let response = parse("com.example.app:/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj", &expected)?;
/// assert_eq!(response.into_code().reveal(), "SplxlOBeZQQYbYS6WxSbIA");
///
/// let forged = parse("com.example.app:/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=evil", &expected).unwrap_err();
/// assert_eq!((forged.code(), forged.is_fatal()), ("state_mismatch", false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse<'a>(url: &'a str, expected: &Expected<'_>) -> Result<AuthorizationResponse<'a>, Error> {
    let query = own_query(url, expected.redirect_uri)?;
    let parameters = Parameters::collect(query);
    parameters.check_state(query, expected.state)?;
    parameters.check_issuer(expected)?;
    parameters.check_error()?;
    let code = parameters.code.ok_or(Error::Violation(Violation::CodeMissing))?;
    let code = form::decode(code).ok().filter(|code| chars::is_vschars(code));
    code.map(|code| AuthorizationResponse { code }).ok_or(Error::Violation(Violation::RedirectMalformed))
}

/// The query of a URL that matches this redirect URI and is not too long.
pub(crate) fn own_query<'a>(url: &'a str, redirect_uri: &RedirectUri) -> Result<&'a str, Error> {
    if url.len() > MAX_REDIRECT_BYTES {
        // It is refused in any case: compare only its beginning, exactly, to choose the error.
        let is_ours = redirect_uri.plain_query_of(url).is_some();
        return Err(Error::Ignored(if is_ours { Ignored::RedirectTooLarge } else { Ignored::NotOurRedirect }));
    }
    let query = redirect_uri.query_of(url).ok_or(Error::Ignored(Ignored::NotOurRedirect))?;
    if !redirect_uri.has_own_query(query) {
        return Err(Error::Ignored(Ignored::NotOurRedirect));
    }
    Ok(query)
}

/// Checks that a raw `state` is present and is the one that was sent.
pub(crate) fn check_state(raw: Option<&str>, expected: &str) -> Result<(), Error> {
    let state = raw.ok_or(Error::Ignored(Ignored::StateMissing))?;
    // A value that cannot be decoded cannot be the one that was sent.
    let state = form::decode(state).unwrap_or_default();
    if !expected.is_empty() && same(state.as_bytes(), expected.as_bytes()) {
        Ok(())
    } else {
        Err(Error::Ignored(Ignored::StateMismatch))
    }
}

/// Reads the error of a redirect without `state`, **without proof that the server sent it**: for a login that has just ignored it
/// ([`Ignored::StateMissing`]).
///
/// Some servers, and the pages that they show before the login, leave `state` out of errors, and the user would wait for nothing.
/// But anyone can make the browser open such a URL. Show the error as plain text, as unconfirmed, and offer to cancel; do not end
/// the login because of it.
///
/// `None` if the URL does not match this redirect URI or is too long, has a `state`, repeats a parameter, or has no readable
/// `error`.
///
/// ```
/// use oauth_proto::redirect::{unproved_error, RedirectUri};
///
/// let redirect_uri = RedirectUri::new("com.example.app:/callback")?;
/// let url = "com.example.app:/callback?error=access_denied&error_description=Not+assigned+to+this+app";
/// let said = unproved_error(url, &redirect_uri).expect("it has an error and no state");
/// assert_eq!((said.oauth_error(), said.description()), (Some("access_denied"), Some("Not assigned to this app")));
/// assert!(unproved_error("com.example.app:/callback?code=SplxlOBeZQQYbYS6WxSbIA", &redirect_uri).is_none());
/// # Ok::<(), oauth_proto::ConfigError>(())
/// ```
pub fn unproved_error(url: &str, redirect_uri: &RedirectUri) -> Option<Refused> {
    let parameters = Parameters::collect(own_query(url, redirect_uri).ok()?);
    if parameters.state.is_some() || parameters.repeats_any || parameters.repeats_state {
        return None;
    }
    parameters.refusal().ok().flatten()
}

/// Reads the other parameters of a redirect into any `Deserialize` type (feature `std`).
///
/// Unknown parameters are skipped. Anyone can write a redirect: call this only after [`Login::handle`](crate::Login::handle) or
/// [`parse`] has accepted it.
///
/// # Errors
/// [`Unfit`](crate::Unfit) if the parameters do not fit the type.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Extra {
///     session_state: String,
/// }
///
/// let url = "com.example.app:/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj&session_state=8fd1";
/// let extra: Extra = oauth_proto::redirect::parameters(url)?;
/// assert_eq!(extra.session_state, "8fd1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "std")]
pub fn parameters<T: serde::de::DeserializeOwned>(url: &str) -> Result<T, crate::text::unfit::Unfit> {
    let before_fragment = url.split_once('#').map_or(url, |(before, _)| before);
    let query = before_fragment.split_once('?').map_or("", |(_, query)| query);
    serde_urlencoded::from_str(query).map_err(|_| crate::text::unfit::Unfit)
}

/// Makes the equivalent redirect URL from the body of a form post to `redirect_uri`.
///
/// ```
/// use oauth_proto::redirect::from_form_post;
///
/// let url = from_form_post("https://app.example.com/callback", "code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj");
/// assert_eq!(url, "https://app.example.com/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=af0ifjsldkj");
/// ```
pub fn from_form_post(redirect_uri: &str, body: &str) -> String {
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    let mut url = String::with_capacity(redirect_uri.len().saturating_add(body.len()).saturating_add(1));
    url.push_str(redirect_uri);
    url.push(separator);
    // A form has no fragment: a raw `#` is part of a value.
    for (index, piece) in body.split('#').enumerate() {
        if index > 0 {
            url.push_str("%23");
        }
        url.push_str(piece);
    }
    url
}

/// The raw values of the parameters that this client understands. Empty ones count as absent (RFC 6749 §3.1), but not when
/// repetitions are counted.
#[derive(Default)]
struct Parameters<'a> {
    code: Option<&'a str>,
    state: Option<&'a str>,
    iss: Option<&'a str>,
    error: Option<&'a str>,
    error_description: Option<&'a str>,
    error_uri: Option<&'a str>,
    repeats_state: bool,
    /// A parameter other than `state` came twice.
    repeats_any: bool,
}

impl<'a> Parameters<'a> {
    fn collect(query: &'a str) -> Self {
        let mut parameters = Self::default();
        let mut seen = [false; 6];
        for (raw_name, value) in form::pairs(query) {
            // Names that cannot be decoded are unknown, and unknown parameters are ignored (RFC 6749 §4.1.2).
            let Ok(name) = form::decode(raw_name) else { continue };
            let (index, slot) = match &*name {
                "code" => (0, &mut parameters.code),
                "state" => (1, &mut parameters.state),
                "iss" => (2, &mut parameters.iss),
                "error" => (3, &mut parameters.error),
                "error_description" => (4, &mut parameters.error_description),
                "error_uri" => (5, &mut parameters.error_uri),
                _ => continue,
            };
            if seen.get_mut(index).is_none_or(|seen| core::mem::replace(seen, true)) {
                *(if index == 1 { &mut parameters.repeats_state } else { &mut parameters.repeats_any }) = true;
                continue;
            }
            *slot = Some(value).filter(|value| !value.is_empty());
        }
        parameters
    }

    /// A repetition (RFC 6749 §3.1) is the server's fault if `state` is right; otherwise anyone may have sent it. If `state` is
    /// repeated, all values must be right, or a forger could try many in one URL.
    fn check_state(&self, query: &str, expected: &str) -> Result<(), Error> {
        if !self.repeats_state && !self.repeats_any {
            return check_state(self.state, expected);
        }
        let is_state = |name: &str| form::decode(name).is_ok_and(|name| name == "state");
        let mut states = form::pairs(query).filter(|(name, _)| is_state(name)).peekable();
        let is_ours = states.peek().is_some() && states.all(|(_, state)| check_state(Some(state), expected).is_ok());
        Err(if is_ours {
            Error::Violation(Violation::DuplicateParameter)
        } else {
            Error::Ignored(Ignored::DuplicateParameter)
        })
    }

    fn check_issuer(&self, expected: &Expected<'_>) -> Result<(), Error> {
        match (self.iss, expected.issuer) {
            (None, _) if expected.iss_required => Err(Error::Violation(Violation::IssuerMissing)),
            (Some(_), None) => Err(Error::Violation(Violation::IssuerUnknown)),
            // Plain string comparison (RFC 9207 §2.4), without normalization.
            (Some(iss), Some(expected)) if !form::decode(iss).is_ok_and(|iss| issuer::is_expected(expected, &iss)) => {
                Err(Error::Violation(Violation::IssuerMismatch))
            }
            _ => Ok(()),
        }
    }

    /// A response is either an error or a code (RFC 6749 §4.1.2.1): with an error, the code is never used.
    fn check_error(&self) -> Result<(), Error> {
        self.refusal()?.map_or(Ok(()), |refused| Err(Error::Refused(Box::new(refused))))
    }

    fn refusal(&self) -> Result<Option<Refused>, Error> {
        let Some(error) = self.error else { return Ok(None) };
        let error = form::decode(error).ok().filter(|error| chars::is_nqschars(error));
        let error = error.ok_or(Error::Violation(Violation::RedirectMalformed))?;
        Ok(Some(Refused {
            status: None,
            error: Some(ServerText::new(&error)),
            description: self
                .error_description
                .and_then(|raw| form::decode(raw).ok())
                .map(|text| ServerText::new(&text)),
            uri: self
                .error_uri
                .and_then(|raw| form::decode(raw).ok())
                .filter(|uri| is_web_url(uri))
                .map(|uri| ServerText::new(&uri)),
            retry_after: None,
            body: ErrorBody::default(),
        }))
    }
}

/// Compares in constant time, given equal lengths; the length of `state` is no secret.
fn same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b));
    one.len() == other.len() && bool::from(core::hint::black_box(difference).ct_eq(&0_u8))
}

/// Whether a URL from the server may be shown as a link (RFC 6749 §10.14): http or https, and only characters of a URI.
pub(crate) fn is_web_url(uri: &str) -> bool {
    (uri.starts_with("https://") || uri.starts_with("http://")) && chars::is_scope_token(uri)
}
