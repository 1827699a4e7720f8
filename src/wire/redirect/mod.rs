//! Redirect URL to authorization response (RFC 6749 §4.1.2, RFC 8252, RFC 9207), as a pure function.
//!
//! # Order of checks
//! 1. Is it our redirect URI (scheme, authority, path, own query)? 2. Its size. 3. Split at `&` and the first `=`,
//!    then decode. 4. `state`, in constant time; if there are several, all of them. 5. No parameter twice. 6. `iss`. 7. Only
//!    then `error`. 8. `code`.
//!
//! What fails before `state` has matched may come from anybody, so it is [`Error::Ignored`]; what fails after it
//! comes from the server and is final. (A parameter that came twice is named before a `state` that is missing or wrong: ignored
//! both.) The fragment is never read (RFC 9700 §2.1.2), nor are tokens in the query.
//!
//! # Form post
//! With `response_mode=form_post` (Sign in with Apple needs it for names and mail addresses) the server lets the
//! browser POST the same parameters to the redirect URI. [`from_form_post`] makes the URL that a redirect would
//! have been out of that body, and everything else is the same.
//!
//! # Pasted by a person
//! Where the browser cannot come back to the app (it runs on another machine, say), the person copies what the browser shows and
//! pastes it: [`from_pasted`] makes the URL of that.

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

/// A redirect longer than this is not looked at (64 KiB).
pub const MAX_REDIRECT_BYTES: usize = 64 * 1024;

/// What the authorization response of a pending login must match.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The redirect URI that the authorization request named.
    pub redirect_uri: &'a RedirectUri,
    /// The `state` that was sent. Never empty.
    pub state: &'a str,
    /// The issuer identifier of the server that the user was sent to, or its template
    /// ([`AuthorizationServer::issuer_template`](crate::AuthorizationServer)). If it is not known, a redirect with an `iss` is
    /// refused: what cannot be compared may be another server's (RFC 9207 §2.4).
    pub issuer: Option<&'a str>,
    /// Whether the server promised `iss` (`authorization_response_iss_parameter_supported`, RFC 9207 §3).
    pub iss_required: bool,
}

impl fmt::Debug for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected").field("redirect_uri", self.redirect_uri).finish_non_exhaustive()
    }
}

/// An authorization response that passed all checks: only [`parse`] makes one, so only a checked response leads to
/// a token request.
pub struct AuthorizationResponse<'a> {
    code: Cow<'a, str>,
}

impl AuthorizationResponse<'_> {
    /// The authorization code, to be sent to the token endpoint once.
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

/// Checks a redirect and takes the code out of it. No clock, no randomness, no state: fuzz it as it is.
///
/// # Errors
/// [`Error::Ignored`] for what may come from anybody, [`Error::Violation`] and [`Error::Refused`] for what the server
/// said with the right `state`.
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

/// The query of a URL that goes to this redirect URI and is not too long.
pub(crate) fn own_query<'a>(url: &'a str, redirect_uri: &RedirectUri) -> Result<&'a str, Error> {
    if url.len() > MAX_REDIRECT_BYTES {
        // Ours or not, it is refused: so little of it is looked at as can tell the two apart in the usual case.
        let is_ours = redirect_uri.plain_query_of(url).is_some();
        return Err(Error::Ignored(if is_ours { Ignored::RedirectTooLarge } else { Ignored::NotOurRedirect }));
    }
    let query = redirect_uri.query_of(url).ok_or(Error::Ignored(Ignored::NotOurRedirect))?;
    if !redirect_uri.has_own_query(query) {
        return Err(Error::Ignored(Ignored::NotOurRedirect));
    }
    Ok(query)
}

/// Whether a raw `state` is the one that was sent; absent is never equal to absent.
pub(crate) fn check_state(raw: Option<&str>, expected: &str) -> Result<(), Error> {
    let state = raw.ok_or(Error::Ignored(Ignored::StateMissing))?;
    // What cannot be decoded is not what was sent.
    let state = form::decode(state).unwrap_or_default();
    if !expected.is_empty() && same(state.as_bytes(), expected.as_bytes()) {
        Ok(())
    } else {
        Err(Error::Ignored(Ignored::StateMismatch))
    }
}

/// What a redirect without `state` says went wrong, **without proof that the server said so**: for a login that has just ignored
/// it ([`Ignored::StateMissing`]) and goes on. Some servers, and the pages of theirs that come before the login proper, leave
/// `state` out of errors, and the user waits for nothing if nobody tells them. But anybody can write such a URL, and make the
/// browser open it: show it as what the browser came back with, as plain text, beside a way to give up; end nothing for it.
///
/// `None` for a URL that does not go to this redirect URI or is too long, has a `state`, repeats a parameter, or has no `error` that
/// can be read.
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

/// Reads what else a redirect carried into any `Deserialize` type (feature `std`). Unknown parameters are skipped. Anybody
/// can write a redirect: read it after [`Login::handle`](crate::Login::handle) or [`parse`] has accepted it, not before.
///
/// # Errors
/// [`Unfit`](crate::Unfit) when the parameters do not fit the type.
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

/// The URL that a redirect would have been, out of the body of a form post to `redirect_uri`.
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
    // A form has no fragment: a raw '#' is part of a value.
    for (index, piece) in body.split('#').enumerate() {
        if index > 0 {
            url.push_str("%23");
        }
        url.push_str(piece);
    }
    url
}

/// The raw values of the parameters that this client understands. One without a value counts as absent
/// (RFC 6749 §3.1), though as a repetition it still counts.
#[derive(Default)]
struct Parameters<'a> {
    code: Option<&'a str>,
    state: Option<&'a str>,
    iss: Option<&'a str>,
    error: Option<&'a str>,
    error_description: Option<&'a str>,
    error_uri: Option<&'a str>,
    repeats_state: bool,
    /// Another one than `state` came twice.
    repeats_any: bool,
}

impl<'a> Parameters<'a> {
    fn collect(query: &'a str) -> Self {
        let mut parameters = Self::default();
        let mut seen = [false; 6];
        for (raw_name, value) in form::pairs(query) {
            // A name that cannot be decoded is none of ours, and what is not understood is ignored (RFC 6749 §4.1.2).
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

    /// A repetition (RFC 6749 §3.1) is the server's fault if what came with it is this login's, and else anybody's. Of several
    /// `state` all must be the one that was sent, or a forger could try many in one URL.
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
            // Plain string comparison (RFC 9207 §2.4): nothing is normalised.
            (Some(iss), Some(expected)) if !form::decode(iss).is_ok_and(|iss| issuer::is_expected(expected, &iss)) => {
                Err(Error::Violation(Violation::IssuerMismatch))
            }
            _ => Ok(()),
        }
    }

    /// An error wins over a code, which is then never used: a response is one or the other (RFC 6749 §4.1.2.1).
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

/// Compares in constant time what is of one length; how long a state is, is no secret.
fn same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b));
    one.len() == other.len() && bool::from(core::hint::black_box(difference).ct_eq(&0_u8))
}

/// Whether a URL from the server may be shown as a link (RFC 6749 §10.14): http or https, and characters of a URI alone.
pub(crate) fn is_web_url(uri: &str) -> bool {
    (uri.starts_with("https://") || uri.starts_with("http://")) && chars::is_scope_token(uri)
}
