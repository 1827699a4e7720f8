//! The saved form of a pending login: Android and iOS end apps while the browser is open.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::awaiting_redirect::AwaitingRedirect;
use super::state::State;
use super::Login;
use crate::config::client::Client;
use crate::entropy::Entropy;
use crate::error::restore::{RestoreError, SAVED_VERSION};
use crate::secret::{as_text, wipe, Secret, SecretOctets};
use crate::text::base64url::Base64Url32;
use crate::time::UnixTime;
use crate::wire::authorization::AuthorizationRequest;
use crate::wire::metadata::server::ServerMetadata;

/// A pending login, from [`Login::save`], for any serde format.
///
/// It has secrets, so store it where only the app can read it. `Debug` shows none of them.
///
/// **Remove it from the store as soon as a redirect is accepted, before the token request is sent**, and when the login ends in
/// any other way. Otherwise, if the platform delivers the redirect again, the resumed login would send the same code again, which
/// must be used only once (RFC 6749 §4.1.2).
///
/// ```
/// # use oauth_proto::{AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, Phase, UnixTime};
/// # let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token")?;
/// # let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback")?;
/// # let mut login = Login::new(client.clone(), AuthorizationRequest::new())?;
/// # let now = UnixTime::from_secs(0);
/// # let entropy = Entropy::new(core::array::from_fn(|index| index as u8))?;
/// let action = login.handle(Event::Start(entropy), now)?;
/// let stored: String = serde_json::to_string(&login.save())?;
/// // The process dies; another one is started by the redirect.
/// let saved = serde_json::from_str(&stored)?;
/// let login = Login::resume(client, saved, now)?;
/// assert_eq!(login.phase(), Phase::AwaitingRedirect);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct SavedLogin {
    version: u32,
    client: String,
    #[serde(with = "as_text")]
    code_verifier: Secret,
    #[serde(with = "as_text")]
    state: Secret,
    #[serde(with = "as_text")]
    nonce: Secret,
    deadline: UnixTime,
    request: Vec<(String, String)>,
    #[cfg(feature = "openid")]
    requires_acr: bool,
    /// For a server that was found by its issuer.
    #[serde(deserialize_with = "Option::deserialize")]
    metadata: Option<ServerMetadata>,
    /// The first forms have none.
    #[serde(default)]
    redirect_uri: String,
}

impl Serialize for SavedLogin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for SavedLogin {
    /// Hides serde's own error, which may show a secret.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer).map_err(|_| D::Error::custom("the saved login is damaged: start a new one"))
    }
}

impl Login {
    /// Returns the saved form while the login waits for the redirect. `None` in every other phase: before, there is nothing to
    /// save; after, the code may have been used, so a new login is needed if the process dies.
    pub fn save(&self) -> Option<SavedLogin> {
        let State::AwaitingRedirect(state) = &self.state else { return None };
        let text = |octets: &SecretOctets| Secret::new(Base64Url32::new().encode(octets.octets()));
        Some(SavedLogin {
            version: SAVED_VERSION,
            client: self.client.login_fingerprint().to_owned(),
            code_verifier: text(&state.verifier),
            state: text(&state.state),
            nonce: text(&state.nonce),
            deadline: state.deadline,
            request: self.request.to_pairs(),
            #[cfg(feature = "openid")]
            requires_acr: self.request.requires_acr(),
            metadata: self.client.metadata().cloned(),
            redirect_uri: self.client.redirect_uri().as_str().to_owned(),
        })
    }

    /// Continues a login from where [`Login::save`] was called, with the same client. If the client knows only its server's
    /// issuer, the stored metadata is used: the server must not change during a login (RFC 9700 §4.4.2).
    ///
    /// # Errors
    /// [`RestoreError`] if the saved login is another client's, of an unknown version, past its deadline, damaged, or without the
    /// metadata that the client needs.
    pub fn resume(client: Client, saved: SavedLogin, now: UnixTime) -> Result<Self, RestoreError> {
        if saved.version != SAVED_VERSION {
            return Err(RestoreError::UnknownVersion);
        }
        if saved.client != client.login_fingerprint() {
            return Err(RestoreError::OtherClient);
        }
        if now > saved.deadline {
            return Err(RestoreError::Expired);
        }
        // A login that was tampered with, or saved with a longer timeout, waits no longer than a new one.
        let deadline = saved.deadline.min(now.saturating_add(client.login_timeout()));
        let request = AuthorizationRequest::from_pairs(&saved.request).map_err(|_| RestoreError::Malformed)?;
        #[cfg(feature = "openid")]
        let request = request.requiring_acr(saved.requires_acr);
        // The same check as for random bytes: the verifier must not appear in a URL.
        let entropy = saved.entropy()?;
        let client = match &saved.metadata {
            Some(metadata) => client.of_saved_login(metadata)?,
            None => client,
        };
        let client = client.with_known_server()?;
        let mut login = Self::new(client, Arc::new(request)).map_err(|_| RestoreError::Malformed)?;
        login.state = State::AwaitingRedirect(AwaitingRedirect::new(&entropy, deadline));
        Ok(login)
    }
}

impl SavedLogin {
    /// The redirect URI of the client that started the login, for an app that listens on a free port of this machine: it has to
    /// listen on the same port again, and to make its client with the same URI. Empty if the form was stored before it had this.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    fn entropy(&self) -> Result<Entropy, RestoreError> {
        let mut octets = [0; 96];
        let whole = [&self.code_verifier, &self.state, &self.nonce].into_iter().zip(octets.chunks_exact_mut(32)).all(
            |(text, part)| Base64UrlUnpadded::decode(text.reveal(), part).is_ok_and(|decoded| decoded.len() == 32),
        );
        let entropy = Entropy::new(octets);
        wipe(&mut octets);
        entropy.ok().filter(|_| whole).ok_or(RestoreError::Malformed)
    }
}

impl fmt::Debug for SavedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedLogin")
            .field("version", &self.version)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
