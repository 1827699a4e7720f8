//! Ending the user's session at the server, in the browser (OpenID Connect RP-Initiated Logout 1.0; Auth0's `/v2/logout`): the
//! URL to open, and the check of what comes back. [`Session::sign_out`](crate::Session::sign_out) uses both.

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

/// A logout URL is not longer than this for the sake of `id_token_hint`, which is then left out (7 KiB). Many servers refuse a
/// request line of more than 8 KiB with 414, and ID tokens with many claims are longer; `client_id` is sent always, by which
/// the server knows who asks.
pub const MAX_LOGOUT_URL_BYTES: usize = 7 * 1024;

/// What a server's logout endpoint is told, besides `client_id`: for
/// [`AuthorizationServer::logout_endpoint`](crate::AuthorizationServer::logout_endpoint), where a server has its own names.
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

/// Where `state` goes, so that the return brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StateIn {
    Parameter,
    ReturnUrl,
    Nowhere,
}

impl LogoutParameters {
    /// RP-Initiated Logout 1.0 §2.
    pub(crate) const END_SESSION: Self =
        Self { return_url: Cow::Borrowed("post_logout_redirect_uri"), state: StateIn::Parameter, sends_hint: true };

    /// Auth0 does not compare the query of `returnTo` with what is registered, and sends it back.
    pub(crate) const AUTH0: Self =
        Self { return_url: Cow::Borrowed("returnTo"), state: StateIn::ReturnUrl, sends_hint: false };

    /// Names the parameter that takes the URL to come back to. `state` and `id_token_hint` are sent as RP-Initiated Logout 1.0
    /// §2 has them, unless the methods say otherwise.
    #[must_use]
    pub fn new(return_url: &str) -> Self {
        Self { return_url: Cow::Owned(return_url.to_owned()), ..Self::END_SESSION }
    }

    /// `state` goes into the query of the URL to come back to: for servers that return no parameter of their own, and leave that
    /// query as it is, as Auth0 does.
    #[must_use]
    pub fn state_in_return_url(self) -> Self {
        Self { state: StateIn::ReturnUrl, ..self }
    }

    /// No `state` is sent: for servers that compare the URL to come back to with the registered one and return nothing else. The
    /// return is then known **by its URL alone**, which anybody can open to end the wait for the browser.
    #[must_use]
    pub fn without_state(self) -> Self {
        Self { state: StateIn::Nowhere, ..self }
    }

    /// The ID token is not sent, for servers that do not know `id_token_hint`.
    #[must_use]
    pub fn without_id_token_hint(self) -> Self {
        Self { sends_hint: false, ..self }
    }

    /// Whether the return brings `state`.
    pub(crate) fn brings_state(&self) -> bool {
        self.state != StateIn::Nowhere
    }

    /// The name of the parameter that takes the URL to come back to.
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

/// Where the browser is sent to log the user out, and in whose words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogoutEndpoint {
    pub url: Arc<str>,
    pub parameters: LogoutParameters,
}

/// What the logout URL says.
pub(crate) struct LogoutRequest<'a> {
    pub id_token_hint: Option<&'a Secret>,
    pub client_id: &'a str,
    pub return_to: Option<&'a RedirectUri>,
    pub state: &'a str,
    /// Auth0: log out at the identity provider too.
    pub federated: bool,
}

/// The URL to open in the user's browser at sign-out: as one argument, never through a shell. It holds `state` and the
/// ID token, which the specification wants there as `id_token_hint`. `Debug` does not show it, and it is wiped when dropped.
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
        // Sized before it is written, so that no secret is left behind by a buffer that grows.
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

/// With `=`, and the separator before it. The name needs no encoding.
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

/// Whether `url` is the browser's return from the logout that sent this `state` (RP-Initiated Logout 1.0 §3). No clock, no
/// state: fuzz it as it is. Whatever else the URL carries, such as a `code`, is not looked at.
///
/// # Errors
/// [`Error::Ignored`], always: anybody can send such a URL, so keep waiting.
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

/// The same where the server brings no `state` back: by the URL alone.
pub(crate) fn check_return_url(url: &str, post_logout_redirect_uri: &RedirectUri) -> Result<(), Error> {
    redirect::own_query(url, post_logout_redirect_uri).map(drop)
}
