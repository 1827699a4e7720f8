//! Leaks: secrets that can be recognized go through every path, and everything that can be printed is searched for them.

mod login;
#[cfg(feature = "openid")]
mod openid;
mod parts;
mod saved;
mod session;
mod watch;

#[cfg(not(feature = "openid"))]
use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::{AuthorizationRequest, Client};

use crate::support::{nonce, octets, redirect, state, verifier, START};
use watch::Watch;

pub const CODE: &str = "cOdE.cAnArY/1+x==";
pub const ACCESS: &str = "aCcEsS.cAnArY/2+x==";
pub const REFRESH: &str = "rEfReSh.cAnArY/3+x==";
pub const CLIENT_SECRET: &str = "sEcReT.cAnArY/5+x==";
pub const NEXT_ACCESS: &str = "nExTaCcEsS.cAnArY/6+x==";
pub const NEXT_REFRESH: &str = "nExTrEfReSh.cAnArY/7+x==";
pub const INVITATION: &str = "iNvItAtIoN.cAnArY/8+x==";
pub const EXTRA: &str = "eXtRa.cAnArY/9+x==";
/// Somebody else's code, as a forged redirect carries it.
pub const FORGED: &str = "fOrGeD.cAnArY/10+x==";
/// Of the ID token and of the userinfo.
pub const SUBJECT: &str = "sUbJeCt.cAnArY/11+x==";
pub const NAME: &str = "nAmE cAnArY/12+x==";
pub const EMAIL: &str = "eMaIl.cAnArY/13+x@example.com";
pub const ORGANIZATION: &str = "oRgAnIzAtIoN.cAnArY/14+x==";
pub const STREET: &str = "sTrEeT.cAnArY/15+x==";

/// What a server puts beside `error`.
pub const MFA_TOKEN: &str = "mFaToKeN.cAnArY/16+x==";

/// The claims about the user.
pub fn user() -> serde_json::Value {
    serde_json::json!({
        "sub": SUBJECT, "name": NAME, "email": EMAIL, "org_id": ORGANIZATION, "org_name": ORGANIZATION,
        "address": { "street_address": STREET, "formatted": STREET }, "acr": EXTRA, "amr": [EXTRA], "https://x/y": EXTRA,
    })
}

/// An ID token of the login of seed 1.
pub fn id_token() -> String {
    let mut claims = user();
    let about = serde_json::json!({
        "iss": "https://as.example.com", "aud": "app", "iat": START, "exp": START + 3600, "nonce": nonce(1),
    });
    claims.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
    #[cfg(feature = "openid")]
    return crate::model::keys::signed(&claims, Some(1), 1);
    #[cfg(not(feature = "openid"))]
    ["{}".into(), claims.to_string(), "?".into()]
        .map(|part| Base64UrlUnpadded::encode_string(part.as_bytes()))
        .join(".")
}

/// Every secret there is. All of the login's own come from the octets of seed 1.
pub fn watch() -> Watch {
    let texts = [
        CODE,
        ACCESS,
        REFRESH,
        &id_token(),
        CLIENT_SECRET,
        NEXT_ACCESS,
        NEXT_REFRESH,
        INVITATION,
        EXTRA,
        FORGED,
        SUBJECT,
        NAME,
        EMAIL,
        ORGANIZATION,
        STREET,
        MFA_TOKEN,
        &verifier(1),
        &state(1),
        &nonce(1),
    ];
    let octets = octets(1);
    let mut watch = Watch::new(&texts.map(str::as_bytes));
    watch.add_octets(&octets[..32]);
    watch.add_octets(&octets[32..64]);
    watch.add_octets(&octets[64..]);
    watch
}

/// A client with a secret, by header or in the body.
pub fn secret_client(basic: bool) -> Client {
    #[cfg(feature = "openid")]
    let builder = crate::support::openid::keyed_builder().accept_id_tokens_on_tls_alone();
    #[cfg(not(feature = "openid"))]
    let builder = crate::support::builder();
    let builder = builder.token_parameter("ext", EXTRA).keep_token_response();
    let builder =
        if basic { builder.client_secret_basic(CLIENT_SECRET) } else { builder.client_secret_post(CLIENT_SECRET) };
    builder.build().unwrap()
}

pub fn request() -> AuthorizationRequest {
    let scope = if cfg!(feature = "openid") { "openid read" } else { "read" };
    AuthorizationRequest::new().scope(scope).invitation(INVITATION).parameter("ext-ticket", EXTRA)
}

pub fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The redirect that is expected.
pub fn right_redirect() -> String {
    redirect(&format!("code={}&state={}", encoded(CODE), state(1)))
}

/// All that a server can know, in one line, as an echo in an error message would have it.
pub fn echo() -> String {
    let (verifier, state, nonce, id_token) = (verifier(1), state(1), nonce(1), id_token());
    let user = [SUBJECT, NAME, EMAIL, ORGANIZATION, STREET].join(" ");
    format!(
        "{CODE} {ACCESS} {REFRESH} {id_token} {user} {CLIENT_SECRET} {NEXT_ACCESS} {NEXT_REFRESH} {INVITATION} {EXTRA} {FORGED} {verifier} {state} {nonce}"
    )
}
