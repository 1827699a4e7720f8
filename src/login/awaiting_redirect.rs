//! State: the user is in the browser. Checks the redirect against what was sent.

use super::event::Event;
use super::rules::Rules;
use crate::entropy::Entropy;
use crate::error::{Error, Over};
use crate::secret::SecretOctets;
use crate::text::base64url::Base64Url32;
use crate::time::UnixTime;
use crate::wire::authorization::{AuthorizationUrl, PerLogin};
use crate::wire::pkce::CodeChallenge;
use crate::wire::redirect::{self, AuthorizationCode, Expected};

/// The user is in the browser. 104 bytes: a server may have millions of these pending.
#[derive(Clone)]
pub(super) struct AwaitingRedirect {
    pub verifier: SecretOctets,
    pub state: SecretOctets,
    pub nonce: SecretOctets,
    pub deadline: UnixTime,
}

impl AwaitingRedirect {
    pub(super) fn new(entropy: &Entropy, deadline: UnixTime) -> Self {
        Self {
            verifier: SecretOctets::new(entropy.verifier()),
            state: SecretOctets::new(entropy.state()),
            nonce: SecretOctets::new(entropy.nonce()),
            deadline,
        }
    }

    /// Returns the code if the event is this login's redirect.
    pub(super) fn step(&self, rules: &Rules<'_>, event: Event<'_>, now: UnixTime) -> Result<AuthorizationCode, Error> {
        if now > self.deadline {
            return Err(Error::Over(Over::Expired));
        }
        match event {
            Event::RedirectReceived(url) => self.redirect(rules, url),
            event => Err(event.refusal()),
        }
    }

    fn redirect(&self, rules: &Rules<'_>, url: &str) -> Result<AuthorizationCode, Error> {
        let server = rules.client.server();
        let mut state = Base64Url32::new();
        let response = redirect::parse(
            url,
            &Expected {
                redirect_uri: rules.client.redirect_uri(),
                state: state.encode(self.state.octets()),
                issuer: server.expected_issuer(),
                iss_required: server.iss_required,
            },
        )?;
        Ok(response.into_code())
    }

    pub(super) fn url(&self, rules: &Rules<'_>) -> AuthorizationUrl {
        let (mut verifier, mut state, mut nonce) = (Base64Url32::new(), Base64Url32::new(), Base64Url32::new());
        verifier.encode(self.verifier.octets());
        let challenge = CodeChallenge::s256(verifier.as_bytes());
        verifier.wipe();
        AuthorizationUrl::build(
            rules.client.authorization_prefix(),
            rules.request,
            &PerLogin {
                state: state.encode(self.state.octets()),
                code_challenge: challenge.as_str(),
                nonce: rules.request.asks_for_openid().then(|| nonce.encode(self.nonce.octets())),
            },
        )
    }
}
