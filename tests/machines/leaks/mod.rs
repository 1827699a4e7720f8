//! Leaks: secrets that can be recognized go through every path, and everything that can be printed is searched for them.

mod login;
mod parts;
mod session;
mod watch;

use oauth_proto::{AuthorizationRequest, Client};

use crate::support::{builder, nonce, octets, redirect, state, verifier};
use watch::Watch;

pub const CODE: &str = "cOdE.cAnArY/1+x==";
pub const ACCESS: &str = "aCcEsS.cAnArY/2+x==";
pub const REFRESH: &str = "rEfReSh.cAnArY/3+x==";
pub const ID_TOKEN: &str = "eyJ.iDtOkEn.cAnArY/4+x==";
pub const CLIENT_SECRET: &str = "sEcReT.cAnArY/5+x==";
pub const NEXT_ACCESS: &str = "nExTaCcEsS.cAnArY/6+x==";
pub const NEXT_REFRESH: &str = "nExTrEfReSh.cAnArY/7+x==";
pub const INVITATION: &str = "iNvItAtIoN.cAnArY/8+x==";
pub const EXTRA: &str = "eXtRa.cAnArY/9+x==";
/// Somebody else's code, as a forged redirect carries it.
pub const FORGED: &str = "fOrGeD.cAnArY/10+x==";

/// Every secret there is. All of the login's own come from the octets of seed 1.
pub fn watch() -> Watch {
    let texts = [
        CODE,
        ACCESS,
        REFRESH,
        ID_TOKEN,
        CLIENT_SECRET,
        NEXT_ACCESS,
        NEXT_REFRESH,
        INVITATION,
        EXTRA,
        FORGED,
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
    let builder = builder().token_parameter("ext", EXTRA).keep_token_response();
    let builder =
        if basic { builder.client_secret_basic(CLIENT_SECRET) } else { builder.client_secret_post(CLIENT_SECRET) };
    builder.build().unwrap()
}

pub fn request() -> AuthorizationRequest {
    AuthorizationRequest::new().scope("openid read").invitation(INVITATION).parameter("ext-ticket", EXTRA)
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
    let (verifier, state, nonce) = (verifier(1), state(1), nonce(1));
    format!(
        "{CODE} {ACCESS} {REFRESH} {ID_TOKEN} {CLIENT_SECRET} {NEXT_ACCESS} {NEXT_REFRESH} {INVITATION} {EXTRA} {FORGED} {verifier} {state} {nonce}"
    )
}
