//! Sign-out in the browser (OpenID Connect RP-Initiated Logout 1.0; Auth0's `/v2/logout`): the URL to open, and the check of the
//! URL that the browser returns with.
//!
//! [`Session::sign_out`](crate::Session::sign_out) uses both.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

use super::redirect;
use crate::error::config::ConfigError;
use crate::error::{Error, Ignored};
use crate::secret::Secret;
use crate::text::form;
use crate::wire::redirect::uri::RedirectUri;

/// The longest logout URL with an `id_token_hint`, in bytes (7 KiB); a hint that would make it longer is left out.
///
/// Many servers refuse a request line of more than 8 KiB with 414, and ID tokens with many claims are longer. `client_id`, which
/// identifies the client to the server, is always sent.
pub const MAX_LOGOUT_URL_BYTES: usize = 7 * 1024;

/// The parameters of a logout endpoint that has its own names for them, besides `client_id`: for
/// [`AuthorizationServer::logout_endpoint`](crate::AuthorizationServer::logout_endpoint).
///
/// ```
/// use oauth_proto::logout::LogoutParameters;
/// use oauth_proto::AuthorizationServer;
///
/// // Amazon Cognito compares the URL with the registered one octet by octet, and knows neither `state` nor hint.
/// let cognito = LogoutParameters::new("logout_uri").without_state().without_id_token_hint();
/// let domain = "https://app.auth.eu-west-1.amazoncognito.com";
/// let server = AuthorizationServer::new(&format!("{domain}/oauth2/authorize"), &format!("{domain}/oauth2/token"))?
///     .logout_endpoint(&format!("{domain}/logout"), cognito)?;
/// # Ok::<(), oauth_proto::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutParameters {
    return_url: Cow<'static, str>,
    state: StateIn,
    sends_hint: bool,
}

/// Where `state` is sent, so that the return URL contains it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StateIn {
    Parameter,
    ReturnUrl,
    Nowhere,
}

impl LogoutParameters {
    /// The parameters of RP-Initiated Logout 1.0 §2.
    pub(crate) const END_SESSION: Self =
        Self { return_url: Cow::Borrowed("post_logout_redirect_uri"), state: StateIn::Parameter, sends_hint: true };

    /// Auth0 does not compare the query of `returnTo` with the registered URL, and sends it back.
    pub(crate) const AUTH0: Self =
        Self { return_url: Cow::Borrowed("returnTo"), state: StateIn::ReturnUrl, sends_hint: false };

    /// Names the parameter for the return URL. `state` and `id_token_hint` are sent as in RP-Initiated Logout 1.0 §2, unless the
    /// other methods change that.
    #[must_use]
    pub fn new(return_url: &str) -> Self {
        Self { return_url: Cow::Owned(return_url.to_owned()), ..Self::END_SESSION }
    }

    /// Puts `state` into the query of the return URL: for servers that, like Auth0, add no parameter to that URL and keep its
    /// query as it is.
    #[must_use]
    pub fn state_in_return_url(self) -> Self {
        Self { state: StateIn::ReturnUrl, ..self }
    }

    /// Sends no `state`: for servers that compare the return URL with the registered one and return nothing else. The return is
    /// then recognized **by its URL alone**, which anyone can open to end the wait for the browser.
    #[must_use]
    pub fn without_state(self) -> Self {
        Self { state: StateIn::Nowhere, ..self }
    }

    /// Does not send the ID token: for servers that do not know `id_token_hint`.
    #[must_use]
    pub fn without_id_token_hint(self) -> Self {
        Self { sends_hint: false, ..self }
    }

    /// Whether the return URL has a `state`.
    pub(crate) fn brings_state(&self) -> bool {
        self.state != StateIn::Nowhere
    }

    /// The name of the parameter for the return URL.
    pub(crate) fn return_url(&self) -> &str {
        &self.return_url
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let name = &*self.return_url;
        if name.is_empty() || name.contains(char::is_control) {
            let problem = "the name for the return URL is empty or has control characters: write it as the server does";
            return Err(ConfigError::parameter("logout_parameters", problem));
        }
        if ["client_id", "state", "id_token_hint", "federated"].contains(&name) {
            return Err(ConfigError::parameter(name, "is sent by the logout itself: name another for the return URL"));
        }
        Ok(())
    }
}

/// The logout endpoint, and the names of its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogoutEndpoint {
    pub url: Arc<str>,
    pub parameters: LogoutParameters,
}

/// The values for the logout URL.
pub(crate) struct LogoutRequest<'a> {
    pub id_token_hint: Option<&'a Secret>,
    pub client_id: &'a str,
    pub return_to: Option<&'a RedirectUri>,
    pub state: &'a str,
    /// Auth0: log out at the identity provider too.
    pub federated: bool,
}

/// The URL to open in the user's browser at sign-out.
///
/// Pass it on as one argument, never through a shell. It contains `state` and the ID token, which the specification requires as
/// `id_token_hint`. `Debug` hides it, and it is wiped when dropped.
#[derive(Clone)]
pub struct LogoutUrl(Secret);

impl LogoutUrl {
    pub(crate) fn build(endpoint: &LogoutEndpoint, request: &LogoutRequest<'_>) -> Self {
        let LogoutEndpoint { url: base, parameters } = endpoint;
        let mut name = String::with_capacity(form::url_encoded_len(&parameters.return_url));
        form::push_url_encoded(&mut name, &parameters.return_url);
        let with_state;
        let (return_to, state) = match (request.return_to, parameters.state) {
            (Some(uri), StateIn::Parameter) => (Some((&*name, uri.as_str())), Some(("state", request.state))),
            (Some(uri), StateIn::ReturnUrl) => {
                with_state = self::with_state(uri.as_str(), request.state);
                (Some((&*name, &*with_state)), None)
            }
            (Some(uri), StateIn::Nowhere) => (Some((&*name, uri.as_str())), None),
            (None, _) => (None, None),
        };
        let hint = request.id_token_hint.filter(|_| parameters.sends_hint);
        let hint = hint.map(|hint| ("id_token_hint", hint.reveal()));
        let federated = if request.federated { "&federated" } else { "" };
        let others = [Some(("client_id", request.client_id)), return_to, state];
        // Sized before it is written: a buffer that grows would leave secrets behind.
        let fixed = base.len().saturating_add(federated.len());
        let len = others.iter().flatten().map(pair_len).fold(fixed, usize::saturating_add);
        let with_hint = |hint: &(&str, &str)| len.saturating_add(pair_len(hint));
        let hint = hint.filter(|hint| with_hint(hint) <= MAX_LOGOUT_URL_BYTES);
        let mut url = String::with_capacity(hint.as_ref().map_or(len, with_hint));
        url.push_str(base);
        let mut separator = form::separator(base);
        for (name, value) in hint.iter().chain(others.iter().flatten()) {
            url.push_str(separator);
            separator = "&";
            url.push_str(name);
            url.push('=');
            form::push_url_encoded(&mut url, value);
        }
        url.push_str(federated);
        Self(Secret::new(url))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        self.0.reveal()
    }
}

/// The length with `=` and the separator. The name needs no encoding.
fn pair_len((name, value): &(&str, &str)) -> usize {
    form::url_encoded_len(value).saturating_add(name.len()).saturating_add(2)
}

fn with_state(uri: &str, state: &str) -> String {
    let mut url = String::with_capacity(uri.len().saturating_add(state.len()).saturating_add("?state=".len()));
    url.push_str(uri);
    url.push(if uri.contains('?') { '&' } else { '?' });
    url.push_str("state=");
    url.push_str(state);
    url
}

impl Deref for LogoutUrl {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for LogoutUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogoutUrl(..)")
    }
}

/// Checks that `url` is the browser's return from the logout that sent this `state` (RP-Initiated Logout 1.0 §3). A pure
/// function: fuzz it directly.
///
/// Other parameters, such as a `code`, are not read.
///
/// # Errors
/// Only [`Error::Ignored`]: anyone can send such a URL, so keep waiting.
///
/// ```
/// use oauth_proto::logout::check_return;
/// use oauth_proto::redirect::RedirectUri;
///
/// let uri = RedirectUri::new("com.example.app:/logout")?;
/// assert!(check_return("com.example.app:/logout?state=af0ifjsldkj", &uri, "af0ifjsldkj").is_ok());
/// assert!(check_return("com.example.app:/logout?state=other", &uri, "af0ifjsldkj").is_err());
/// # Ok::<(), oauth_proto::ConfigError>(())
/// ```
pub fn check_return(url: &str, post_logout_redirect_uri: &RedirectUri, state: &str) -> Result<(), Error> {
    let query = redirect::own_query(url, post_logout_redirect_uri)?;
    let mut found = None;
    for (raw_name, value) in form::pairs(query) {
        if form::decode(raw_name).is_ok_and(|name| name == "state") && found.replace(value).is_some() {
            return Err(Error::Ignored(Ignored::DuplicateParameter));
        }
    }
    redirect::check_state(found.filter(|value| !value.is_empty()), state)
}

/// Checks the URL alone, for servers that do not return `state`.
pub(crate) fn check_return_url(url: &str, post_logout_redirect_uri: &RedirectUri) -> Result<(), Error> {
    redirect::own_query(url, post_logout_redirect_uri).map(drop)
}
