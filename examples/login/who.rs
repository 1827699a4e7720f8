//! Who has logged in: what the ID token says of them, and what the server says when it is asked.

use oauth_proto::{Bearer, Error, IdToken, Tokens};
use serde::Deserialize;

use crate::failure::Failure;
use crate::print::{plain, redacted, say, step};
use crate::scene::Scene;
use crate::story::now;

/// A claim that is no standard one: its name is a URL, so that nobody else means something different by it.
#[derive(Deserialize)]
struct Custom {
    #[serde(rename = "https://example.com/roles", default)]
    roles: Vec<String>,
}

/// Greets the user by name. The library hands out ID tokens only once they are checked, so these are the server's words.
pub fn greet(tokens: &Tokens) {
    let refused: Vec<_> = tokens.scope_not_granted().collect();
    if !refused.is_empty() {
        step("scope", "not granted", &plain(&refused.join(" ")));
    }
    let Some(id_token) = tokens.id_token() else {
        step("", "", "no ID token, so nobody to greet (ask with the scope openid)");
        return;
    };
    say(&format!("\nHello, {} (sub {})", name(id_token), plain(id_token.subject())));
    let roles = id_token.claims::<Custom>().map(|custom| custom.roles).unwrap_or_default();
    if !roles.is_empty() {
        step("claim", "roles", &plain(&roles.join(", ")));
    }
}

/// A refresh may bring a new ID token. The library takes one of the same user and the same login alone.
pub fn stayed(id_token: &IdToken) {
    let age = now().as_secs().saturating_sub(id_token.issued_at().as_secs());
    step("user", "still", &format!("{}, by an ID token of {age} s ago", name(id_token)));
}

fn name(id_token: &IdToken) -> String {
    plain(id_token.standard_claims().name.as_deref().unwrap_or("whoever you are"))
}

/// Asks the userinfo endpoint, if the server has one. It may want another token than one for the API; an answer about
/// somebody else is an error.
pub fn ask(scene: &Scene, id_token: &IdToken, bearer: &Bearer) -> Result<(), Failure> {
    let Some(request) = bearer.userinfo_request() else { return Ok(()) };
    step("userinfo", request.method(), &redacted(request.url()));
    let answer = scene.http.send(&request);
    let received = answer.outcome().map_err(|failed| Failure::unreachable(request.url(), &failed.why))?;
    match id_token.userinfo(&received.response(), now()) {
        Ok(userinfo) => {
            let email = userinfo.standard_claims().email.unwrap_or_else(|| "no email".into());
            step("userinfo", "the same sub", &plain(&email));
        }
        Err(Error::Refused(_)) => step("userinfo", "refused", &format!("status {}", received.status)),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
