//! Numbers of servers, of ID tokens and of what is stored, in an app where some other crate turned the feature
//! `arbitrary_precision` of `serde_json` on. `serde_json` then hands those that are no integers of 64 bits over as objects; they are
//! read as they are without it.
#![cfg(test)]

mod claims;
mod documents;
mod stored;
mod tokens;

use base64ct::{Base64UrlUnpadded, Encoding};
use oauth_proto::{
    Action, AuthorizationRequest, AuthorizationServer, Client, Entropy, Event, Login, Response, UnixTime,
};

const ISSUER: &str = "https://as.example.com";
const CLIENT_ID: &str = "s6BhdRkqt3";
const USER: &str = "248289761001";
/// What a login sends whose entropy is the octets 0 to 95.
const NONCE: &str = "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8";
const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
const NOW: u64 = 1_700_000_000;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

fn json(body: &str) -> Response<'_> {
    Response::new(200, &JSON, body.as_bytes())
}

fn client() -> Client {
    let server = AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token");
    let server = server.and_then(|server| server.issuer(ISSUER)).unwrap();
    Client::builder(server, CLIENT_ID, "com.example.app:/callback").accept_id_tokens_on_tls_alone().build().unwrap()
}

fn started() -> Login {
    let mut login = Login::new(client(), AuthorizationRequest::new().scope("openid")).unwrap();
    let entropy = Entropy::new(core::array::from_fn(|index| u8::try_from(index).unwrap())).unwrap();
    assert!(login.handle(Event::Start(entropy), at(NOW)).is_ok());
    login
}

/// The end of a login, with these tokens.
fn finish(mut login: Login, tokens: &str) -> Result<Action, oauth_proto::Error> {
    let redirect =
        "com.example.app:/callback?code=C&state=ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8&iss=https://as.example.com";
    let Ok(Action::SendRequest(sent)) = login.handle(Event::RedirectReceived(redirect), at(NOW)) else { panic!() };
    login.handle(Event::ResponseReceived(sent.id(), json(tokens)), at(NOW))
}

/// With these times, and these claims behind them, which begin with a comma if there are any.
fn id_token(iat: &str, exp: &str, more: &str) -> String {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let claims = format!(
        r#"{{"iss":"{ISSUER}","sub":"{USER}","aud":"{CLIENT_ID}","nonce":"{NONCE}","iat":{iat},"exp":{exp}{more}}}"#
    );
    [encode(r#"{"alg":"RS256"}"#), encode(&claims), encode("nobody")].join(".")
}

/// Otherwise all of this proves nothing.
#[test]
fn the_feature_is_on() {
    let number: serde_json::Value = serde_json::from_str("1.10").unwrap();
    assert_eq!(number.to_string(), "1.10");
}
