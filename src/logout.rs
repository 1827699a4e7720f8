//! Ending the user's session at the server, in the browser (OpenID Connect RP-Initiated Logout 1.0; Auth0's `/v2/logout`): the
//! URL to open, and the check of what comes back. [`Session::sign_out`](crate::Session::sign_out) uses both.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

use crate::error::{Error, Ignored};
use crate::form::{self, Pair};
use crate::redirect::{self, RedirectUri};
use crate::secret::Secret;

/// Where the browser is sent to log the user out, and in whose words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogoutEndpoint {
    /// `end_session_endpoint` (RP-Initiated Logout 1.0 §2.1).
    EndSession(Arc<str>),
    /// Auth0's `/v2/logout`.
    Auth0(Arc<str>),
}

impl LogoutEndpoint {
    pub(crate) fn url(&self) -> &str {
        let (Self::EndSession(url) | Self::Auth0(url)) = self;
        url
    }
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
        let hint = request.id_token_hint.map(|hint| Pair::new("id_token_hint", hint.reveal()));
        let client_id = Some(Pair::new("client_id", request.client_id));
        let return_to;
        let pairs = match (endpoint, request.return_to) {
            (LogoutEndpoint::EndSession(_), Some(uri)) => {
                let state = Pair::new("state", request.state);
                [hint, client_id, Some(Pair::new("post_logout_redirect_uri", uri.as_str())), Some(state)]
            }
            // Auth0 does not compare the query of `returnTo` with what is registered, and sends it back: our state goes there.
            (LogoutEndpoint::Auth0(_), Some(uri)) => {
                return_to = with_state(uri.as_str(), request.state);
                [None, client_id, Some(Pair::new("returnTo", &return_to)), None]
            }
            (LogoutEndpoint::EndSession(_), None) => [hint, client_id, None, None],
            (LogoutEndpoint::Auth0(_), None) => [None, client_id, None, None],
        };
        let pairs = pairs.iter().flatten();
        let federated = if request.federated { "&federated" } else { "" };
        let base = endpoint.url();
        // Sized before it is written, so that no secret is left behind by a buffer that grows.
        let fixed = base.len().saturating_add(federated.len()).saturating_add(1);
        let len = pairs.clone().map(Pair::encoded_len).fold(fixed, usize::saturating_add);
        let mut url = String::with_capacity(len);
        url.push_str(base);
        let mut separator = form::separator(base);
        for pair in pairs {
            url.push_str(separator);
            separator = "&";
            url.push_str(pair.name);
            url.push('=');
            form::push_encoded(&mut url, pair.value);
        }
        url.push_str(federated);
        Self(Secret::new(url))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        self.0.reveal()
    }
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
