//! Who has logged in: by the ID token, and by the userinfo endpoint.

use oauth_native::SystemClock;
use oauth_proto::drive::blocking::{Clock, Transport};
use oauth_proto::{Bearer, Error, IdToken, StandardClaims, UnixTime, Violation};
use serde::Deserialize;

use crate::failure::Failure;
use crate::print::{plain, redacted, say, step};
use crate::story::Api;

/// A claim of the server's own. Its name is a URL, so that it clashes with no other claim.
#[derive(Deserialize)]
struct Custom {
    #[serde(rename = "https://example.com/roles", default)]
    roles: Vec<String>,
}

/// Greets the user by name. The library hands out only ID tokens that it has checked. Some servers put the name there, others at
/// the userinfo endpoint alone, which is then asked. Returns whether it was asked.
pub fn greet(api: &Api) -> Result<bool, Failure> {
    let Some(id_token) = id_token(api) else {
        step("", "", "no ID token, so nobody to greet (ask with the scope openid)");
        return Ok(false);
    };
    let mut name = name(id_token.standard_claims());
    let mut has_asked = false;
    if name.is_none() {
        // If there is no token, the next call of the API says why.
        if let Ok(bearer) = api.bearer() {
            step("user", "no name", "the ID token has none; the userinfo endpoint, if there is one, may have");
            name = ask(api, &id_token, &bearer)?.and_then(self::name);
            has_asked = true;
        }
    }
    let name = name.unwrap_or_else(|| "whoever you are".into());
    say(&format!("\nHello, {} (sub {})", plain(&name), plain(id_token.subject())));
    let roles = id_token.claims::<Custom>().map(|custom| custom.roles).unwrap_or_default();
    if !roles.is_empty() {
        step("claim", "roles", &plain(&roles.join(", ")));
    }
    Ok(has_asked)
}

/// Who is logged in.
pub fn id_token(api: &Api) -> Option<IdToken> {
    api.session(|session| session.id_token().cloned())
}

/// Prints the user after a refresh, which may bring a new ID token. The library takes only one of the same user and login.
pub fn stayed(id_token: &IdToken) {
    let age = now().saturating_since(id_token.issued_at());
    let name = name(id_token.standard_claims()).unwrap_or_else(|| id_token.subject().to_owned());
    step("user", "still", &format!("{}, by an ID token of {age} s ago", plain(&name)));
}

/// The name to greet somebody by. Which claims there are depends on the server and on the scope.
fn name(claims: StandardClaims) -> Option<String> {
    let full = [claims.given_name, claims.family_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let names = [claims.name, Some(full), claims.nickname, claims.preferred_username, claims.email];
    names.into_iter().flatten().find(|name| !name.trim().is_empty())
}

/// Asks the userinfo endpoint, if the server has one. It may want another token than one for the API, so it is no error if it
/// refuses or its answer cannot be read; but an answer about another user is one.
pub fn ask(api: &Api, id_token: &IdToken, bearer: &Bearer) -> Result<Option<StandardClaims>, Failure> {
    let Some(request) = bearer.userinfo_request() else { return Ok(None) };
    step("userinfo", request.method(), &redacted(request.url()));
    let Ok(answer) = api.transport().send(&request) else {
        step("userinfo", "no answer", "");
        return Ok(None);
    };
    match id_token.userinfo(&answer.response(), now()) {
        Ok(userinfo) => {
            let claims = userinfo.standard_claims();
            step("userinfo", "the same sub", &plain(claims.email.as_deref().unwrap_or("no email")));
            Ok(Some(claims))
        }
        Err(error @ Error::Violation(Violation::UserInfoSubject)) => Err(error.into()),
        Err(Error::Refused(_)) => {
            step("userinfo", "refused", &format!("status {}", answer.response().status()));
            Ok(None)
        }
        Err(error) => {
            step("userinfo", "cannot be read", &error.to_string());
            Ok(None)
        }
    }
}

fn now() -> UnixTime {
    SystemClock.now()
}
