//! What an app does with OpenID Connect: checks signatures by the platform, keeps what was fetched, shows who the user is.

use oauth_proto::{Bearer, Client, Login, Session, Tokens};

use crate::input::Input;
use crate::{text, Outcome};

#[cfg(not(feature = "rustcrypto"))]
pub use platform::Platform;

#[cfg(not(feature = "rustcrypto"))]
mod platform {
    use core::hint::black_box;

    use oauth_proto::{Algorithm, PublicKey, SignatureVerifier};

    /// The platform's own cryptography: it weighs nothing, as it is there anyway.
    pub struct Platform;

    impl SignatureVerifier for Platform {
        fn algorithms(&self) -> &[Algorithm] {
            &[Algorithm::Rs256, Algorithm::Es256]
        }

        fn verify(&self, algorithm: Algorithm, key: &PublicKey<'_>, message: &[u8], signature: &[u8]) -> bool {
            black_box((algorithm, key, message, signature));
            black_box(true)
        }
    }
}

/// Stores what the login fetched, and gives the client that the next login begins with.
pub fn keep(input: &mut Input<'_>, client: &Client, login: &Login, tokens: &Tokens) -> Outcome<Client> {
    let mut next = client.clone();
    if let Some(metadata) = login.client().metadata() {
        let stored = serde_json::to_string(metadata).map_err(text)?;
        input.show(&stored);
        next = next.with_metadata(&serde_json::from_str(&stored).map_err(text)?).map_err(text)?;
    }
    if let Some(keys) = tokens.keys() {
        let stored = serde_json::to_string(keys).map_err(text)?;
        input.show(&stored);
        next = next.with_keys(serde_json::from_str(&stored).map_err(text)?);
    }
    Ok(next)
}

/// Shows who the user is: what the ID token says, then what the userinfo endpoint says.
pub fn userinfo(input: &mut Input<'_>, session: &Session, bearer: Option<&Bearer>) -> Outcome<()> {
    let Some(id_token) = session.id_token() else { return Ok(()) };
    input.show(id_token.issuer());
    input.show(id_token.subject());
    input.show(id_token.expires_at().as_secs());
    let claims = id_token.standard_claims();
    for claim in [claims.name.as_deref(), claims.email.as_deref()].into_iter().flatten() {
        input.show(claim);
    }
    let Some(request) = bearer.and_then(Bearer::userinfo_request) else { return Ok(()) };
    let answer = input.send(&request);
    let Some(response) = answer.response() else { return Ok(()) };
    let user = id_token.userinfo(&response, input.now()).map_err(text)?;
    input.show(user.subject());
    if let Some(name) = user.standard_claims().name.as_deref() {
        input.show(name);
    }
    Ok(())
}
