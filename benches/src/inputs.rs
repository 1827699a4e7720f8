//! Inputs: one client, one login, and redirects and responses of any size.

use std::fmt::Write as _;

use base64ct::{Base64UrlUnpadded, Encoding};

/// The authorization endpoint.
pub const AUTHORIZE: &str = "https://login.example.com/oauth2/authorize";
/// The token endpoint.
pub const TOKEN: &str = "https://login.example.com/oauth2/token";
/// The client identifier: 32 characters, as many servers give them.
pub const CLIENT_ID: &str = "s6BhdRkqt3Vw9xYz1aBcDeFgHiJkLmNo";
/// The redirect URI.
pub const REDIRECT_URI: &str = "com.example.app:/callback";
/// The scopes of the request.
pub const SCOPES: [&str; 3] = ["contacts", "profile", "offline_access"];
/// The API that the access token is for.
pub const AUDIENCE: &str = "https://api.example.com";
/// An authorization code of 43 characters.
pub const CODE: &str = "SplxlOBeZQQYbYS6WxSbIAq3kD9fJm2nVh7Tc0LwE4x";
/// A refresh token of 43 characters.
pub const REFRESH_TOKEN: &str = "tGzv3JOkF0XG5Qx2TlKWIAq3kD9fJm2nVh7Tc0LwE4x";
/// 1 KB.
pub const KB: usize = 1024;
/// 1 MB: the largest response there may be.
pub const MB: usize = 1024 * KB;

/// A token of any length; no two rows are alike.
fn token(len: usize) -> String {
    b"eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9-_".iter().cycle().take(len).map(|octet| char::from(*octet)).collect()
}

/// The members of every token response here: access, refresh and ID token, lifetime and scope.
fn response_with(access_token: &str, id_token: &str, more: &str) -> String {
    format!(
        "{{\"access_token\":\"{access_token}\",\"token_type\":\"Bearer\",\"expires_in\":3600,\
         \"refresh_token\":\"{REFRESH_TOKEN}\",\"scope\":\"contacts profile offline_access\",\
         \"id_token\":\"{id_token}\"{more}}}"
    )
}

/// A token response with an unsigned ID token with these claims.
pub fn response_with_claims(claims: &str) -> String {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let id_token = [encode("{\"alg\":\"RS256\",\"kid\":\"1\"}"), encode(claims), token(342)].join(".");
    response_with(&token(800), &id_token, "")
}

/// The kinds of token response whose cost must be linear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// An access and an ID token that fill the size.
    Tokens,
    /// One long access token.
    LongToken,
    /// `"x0000000":0` and so on.
    SmallMembers,
    /// One unknown member, a long string.
    LongText,
    /// One unknown member, a long string full of escapes.
    EscapedText,
    /// One unknown member: a list of objects of lists.
    Nested,
    /// One unknown member: lists, nested as deep as allowed.
    Deep,
    /// No unknown members, only blanks.
    Blanks,
    /// The access token full of escapes, so that it cannot be borrowed.
    EscapedToken,
}

/// A token response of exactly `len` octets (at least 512).
pub fn response(body: Body, len: usize) -> String {
    let (half, rest) = ((len - 256) / 2, 256);
    let fill = |open: &str, unit: &str, close: &str| {
        let base = response_with(&token(rest), &token(43), "").len();
        let room = len - base - open.len() - close.len();
        let units = unit.repeat(room / unit.len());
        // Blanks between members are valid JSON.
        let blanks = " ".repeat(room - units.len());
        response_with(&token(rest), &token(43), &format!("{open}{units}{close}{blanks}"))
    };
    let out = match body {
        Body::Tokens => {
            let base = response_with("", &token(half), "").len();
            response_with(&token(len - base), &token(half), "")
        }
        Body::LongToken => {
            let base = response_with("", &token(43), "").len();
            response_with(&token(len - base), &token(43), "")
        }
        Body::SmallMembers => {
            let base = response_with(&token(rest), &token(43), "").len();
            let mut members = String::new();
            for index in 0..(len - base) / 13 {
                let _ = write!(members, ",\"x{index:07}\":0");
            }
            let blanks = " ".repeat(len - base - members.len());
            response_with(&token(rest), &token(43), &format!("{members}{blanks}"))
        }
        Body::LongText => fill(",\"x\":\"", "a", "\""),
        Body::EscapedText => fill(",\"x\":\"", "\\u0041\\n", "\""),
        Body::Nested => fill(",\"x\":[0", ",{\"y\":[[],{\"z\":\"z\"}]}", "]"),
        Body::Deep => fill(",\"x\":[0", &format!(",{}{}", "[".repeat(30), "]".repeat(30)), "]"),
        Body::Blanks => fill("", " ", ""),
        Body::EscapedToken => {
            let base = response_with("", &token(43), "").len();
            let escapes = "\\u0041".repeat((len - base) / 6);
            let plain = token(len - base - escapes.len());
            response_with(&format!("{escapes}{plain}"), &token(43), "")
        }
    };
    assert_eq!(out.len(), len, "{body:?}");
    out
}

/// The kinds of redirect whose cost must be linear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// One long code.
    LongCode,
    /// A code full of percent-encoded characters.
    EncodedCode,
    /// Unknown parameters: `x=1&x=1` and so on.
    Parameters,
}

/// The redirect of an ordinary login.
pub fn short_redirect(state: &str) -> String {
    format!("{REDIRECT_URI}?code={CODE}&state={state}")
}

/// A redirect of exactly `len` octets.
pub fn redirect(kind: Redirect, len: usize, state: &str) -> String {
    let base = short_redirect(state);
    let room = len - base.len();
    let url = match kind {
        Redirect::LongCode => base.replace(CODE, &token(CODE.len() + room)),
        Redirect::EncodedCode => {
            let encoded = "%41".repeat(room / 3);
            base.replace(CODE, &format!("{}{encoded}", token(CODE.len() + room - encoded.len())))
        }
        Redirect::Parameters => {
            let parameters = "&x=1".repeat(room / 4);
            format!("{base}{parameters}{}", "&".repeat(room - parameters.len()))
        }
    };
    assert_eq!(url.len(), len, "{kind:?}");
    url
}

/// A `WWW-Authenticate` line of exactly `len` octets.
pub fn challenge(len: usize) -> String {
    let (open, close) = ("Bearer error=\"invalid_token\", error_description=\"", "\"");
    format!("{open}{}{close}", "a".repeat(len - open.len() - close.len()))
}

/// The browser's part: follows the authorization URL, and is redirected with a code. It writes into a buffer that is large
/// enough, so it allocates nothing; and callgrind does not count it.
#[inline(never)]
pub fn callgrind_pauses_while_browsing(authorization_url: &str, redirect: &mut String) {
    redirect.clear();
    redirect.push_str(REDIRECT_URI);
    redirect.push_str("?code=");
    redirect.push_str(CODE);
    redirect.push_str("&state=");
    redirect.push_str(state(authorization_url));
}

/// The `state` of an authorization URL.
pub fn state(authorization_url: &str) -> &str {
    let (_, rest) = authorization_url.split_once("&state=").expect("there is a state");
    rest.split('&').next().unwrap_or(rest)
}
