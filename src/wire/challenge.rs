//! `WWW-Authenticate` (RFC 9110 §11.6.1, RFC 6750 §3), and what a client that sent a token should do.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};

use crate::error::server_text::ServerText;
use crate::http::endpoint::{self, Transport};
use crate::text::json;

/// The longest field line that is read, in bytes (16 KiB).
pub const MAX_LINE_BYTES: usize = 16 * 1024;

/// The most parameters that a challenge may have.
pub const MAX_PARAMETERS: usize = 64;

/// One challenge of a `WWW-Authenticate` header (RFC 9110 §11.3). `Debug` shows only its scheme.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge<'a> {
    scheme: &'a str,
    token68: Option<&'a str>,
    parameters: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Challenge<'a> {
    /// The scheme as it was written. Its case has no meaning.
    pub fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// Whether the scheme is this one, compared without case.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The `token68` that some schemes have instead of parameters.
    pub fn token68(&self) -> Option<&'a str> {
        self.token68
    }

    /// The parameters in their order, without quotes and escapes.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a str, &str)> {
        self.parameters.iter().map(|(name, value)| (*name, &**value))
    }

    /// The value of a parameter, its name compared without case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl fmt::Debug for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// The error for a field line that breaks the grammar, repeats a parameter or is too long. Ignore the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedChallenge;

impl MalformedChallenge {
    /// A stable name, the same in every version.
    pub fn code(self) -> &'static str {
        "malformed_challenge"
    }
}

impl fmt::Display for MalformedChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the WWW-Authenticate line is malformed (RFC 9110 section 11.6.1) and is not acted on")
    }
}

impl core::error::Error for MalformedChallenge {}

/// Parses one `WWW-Authenticate` field line. A pure function: fuzz it directly.
///
/// # Errors
/// [`MalformedChallenge`]: no part of the line may be used.
///
/// ```
/// use oauth_proto::challenge::parse;
///
/// let challenges = parse(r#"Basic realm="x", Bearer error="invalid_token", error_description="expired, sorry""#)?;
/// assert_eq!(challenges.len(), 2);
/// assert_eq!(challenges[1].parameter("error"), Some("invalid_token"));
/// # Ok::<(), oauth_proto::challenge::MalformedChallenge>(())
/// ```
pub fn parse(line: &str) -> Result<Vec<Challenge<'_>>, MalformedChallenge> {
    if line.len() > MAX_LINE_BYTES {
        return Err(MalformedChallenge);
    }
    let mut cursor = Cursor { rest: line };
    let mut challenges: Vec<Challenge<'_>> = Vec::new();
    loop {
        cursor.skip_separators();
        if cursor.rest.is_empty() {
            return Ok(challenges);
        }
        challenges.push(cursor.challenge()?);
    }
}

/// The rest of the line. Every step shortens it, so the cost is linear.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn challenge(&mut self) -> Result<Challenge<'a>, MalformedChallenge> {
        let scheme = self.take_while(is_token_char).ok_or(MalformedChallenge)?;
        let mut challenge = Challenge { scheme, token68: None, parameters: Vec::new() };
        let spaces = self.take_while(|octet| octet == b' ');
        if self.at_end_of_element() {
            // Empty elements may precede the first parameter. No challenge starts like a parameter, so a parameter here belongs
            // to this scheme.
            self.skip_separators();
            if !self.at_parameter() {
                return Ok(challenge);
            }
        } else {
            // Only 1*SP separates the scheme from what follows.
            spaces.ok_or(MalformedChallenge)?;
            if let Some(token68) = self.token68() {
                challenge.token68 = Some(token68);
                return Ok(challenge);
            }
        }
        loop {
            let (name, value) = self.parameter()?;
            let repeated = challenge.parameters.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
            if repeated || challenge.parameters.len() >= MAX_PARAMETERS {
                return Err(MalformedChallenge);
            }
            challenge.parameters.push((name, value));
            if !self.at_end_of_element() {
                return Err(MalformedChallenge);
            }
            self.skip_separators();
            if !self.at_parameter() {
                return Ok(challenge);
            }
        }
    }

    /// `token68` (RFC 9110 §11.2), if nothing else precedes the next comma.
    fn token68(&mut self) -> Option<&'a str> {
        let text = self.rest;
        let is_char = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~+/".contains(&octet);
        let mut ahead = Cursor { rest: text };
        ahead.take_while(is_char)?;
        ahead.take_while(|octet| octet == b'=');
        let token68 = text.get(..text.len().saturating_sub(ahead.rest.len()))?;
        if !ahead.at_end_of_element() {
            return None;
        }
        self.rest = ahead.rest;
        Some(token68)
    }

    /// `token BWS "=" BWS ( token / quoted-string )`.
    fn parameter(&mut self) -> Result<(&'a str, Cow<'a, str>), MalformedChallenge> {
        let name = self.take_while(is_token_char).ok_or(MalformedChallenge)?;
        self.skip_white_space();
        self.rest = self.rest.strip_prefix('=').ok_or(MalformedChallenge)?;
        self.skip_white_space();
        let value = match self.rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.quoted_string()?
            }
            None => Cow::Borrowed(self.take_while(is_token_char).ok_or(MalformedChallenge)?),
        };
        Ok((name, value))
    }

    /// The rest of a quoted string (RFC 9110 §5.6.4); a backslash escapes the next character.
    fn quoted_string(&mut self) -> Result<Cow<'a, str>, MalformedChallenge> {
        let is_text = |character: char| character == '\t' || !character.is_ascii_control();
        let mut unescaped = String::new();
        loop {
            let end = self.rest.find(['"', '\\']).ok_or(MalformedChallenge)?;
            let (plain, rest) = self.rest.split_at(end);
            if !plain.chars().all(is_text) {
                return Err(MalformedChallenge);
            }
            if let Some(rest) = rest.strip_prefix('"') {
                self.rest = rest;
                if unescaped.is_empty() {
                    return Ok(Cow::Borrowed(plain));
                }
                unescaped.push_str(plain);
                return Ok(Cow::Owned(unescaped));
            }
            let mut characters = rest.chars();
            let escaped = characters.nth(1).filter(|character| is_text(*character)).ok_or(MalformedChallenge)?;
            unescaped.push_str(plain);
            unescaped.push(escaped);
            self.rest = characters.as_str();
        }
    }

    fn at_parameter(&self) -> bool {
        let mut ahead = Cursor { rest: self.rest };
        if ahead.take_while(is_token_char).is_none() {
            return false;
        }
        ahead.skip_white_space();
        ahead.rest.starts_with('=')
    }

    /// Skips white space; returns whether a comma or the end of the line follows.
    fn at_end_of_element(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t']);
        let at_end = rest.is_empty() || rest.starts_with(',');
        if at_end {
            self.rest = rest;
        }
        at_end
    }

    /// Empty list elements are ignored (RFC 9110 §5.6.1.2).
    fn skip_separators(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
    }

    fn skip_white_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn take_while(&mut self, is_char: impl Fn(u8) -> bool) -> Option<&'a str> {
        let end = self.rest.bytes().position(|octet| !is_char(octet)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(taken).filter(|taken| !taken.is_empty())
    }
}

fn is_token_char(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

/// What a client that sent a token should do after an API's response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// The token is invalid: refresh it (RFC 6750 §3.1, `invalid_token`).
    Refresh,
    /// The API refused the token and did not say why.
    Authenticate,
    /// The token lacks a scope (RFC 6750 §3.1).
    InsufficientScope {
        /// The scope that is needed, if the API says.
        scope: Option<ServerText>,
    },
    /// The user must authenticate more strongly or more recently (RFC 9470 §3), or the server must check the user again: a
    /// claims challenge of Microsoft Entra.
    StepUp {
        /// Authentication context classes to request.
        acr_values: Option<ServerText>,
        /// The longest time since the user last authenticated, in seconds.
        max_age: Option<u64>,
        /// The `claims` to request (OpenID Connect Core §5.5): a JSON object, decoded. Only Entra's `insufficient_claims` has
        /// them.
        claims: Option<ServerText>,
    },
    /// The DPoP proof needs the server's nonce (RFC 9449 §9).
    DpopNonce,
    /// The API's metadata names its authorization servers (RFC 9728 §5.1).
    Discover {
        /// An https URL. The `resource` in the document must match the URL that was called.
        resource_metadata: ServerText,
    },
    /// The response is not about the token.
    None,
}

/// Returns what to do after an API's status and `WWW-Authenticate` lines; malformed lines are ignored.
///
/// ```
/// use oauth_proto::challenge::{advice, Advice};
///
/// assert_eq!(advice(401, &[r#"Bearer error="invalid_token""#]), Advice::Refresh);
/// assert_eq!(advice(401, &["Basic realm=\"x\""]), Advice::None);
///
/// // Microsoft Entra, once its policies ask for more than the token proves.
/// let line = r#"Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJ2YWx1ZSI6ImMxIn19fQ==""#;
/// let Advice::StepUp { claims: Some(claims), .. } = advice(401, &[line]) else { panic!() };
/// assert_eq!(claims.as_str(), r#"{"access_token":{"acrs":{"value":"c1"}}}"#);
/// ```
pub fn advice(status: u16, lines: &[&str]) -> Advice {
    if status != 401 && status != 403 {
        return Advice::None;
    }
    let challenges: Vec<_> = lines.iter().filter_map(|line| parse(line).ok()).flatten().collect();
    let with_token = || challenges.iter().filter(|challenge| challenge.is("Bearer") || challenge.is("DPoP"));
    let saying = |error: &str| with_token().find(|challenge| challenge.parameter("error") == Some(error));
    let owned = |challenge: &Challenge<'_>, name: &str| challenge.parameter(name).map(ServerText::whole);
    if saying("use_dpop_nonce").is_some_and(|challenge| challenge.is("DPoP")) {
        return Advice::DpopNonce;
    }
    if saying("invalid_token").is_some() {
        return Advice::Refresh;
    }
    if let Some(challenge) = saying("insufficient_scope") {
        return Advice::InsufficientScope { scope: owned(challenge, "scope") };
    }
    if let Some(challenge) = saying("insufficient_user_authentication") {
        let max_age = challenge.parameter("max_age").and_then(|seconds| seconds.parse().ok());
        return Advice::StepUp { acr_values: owned(challenge, "acr_values"), max_age, claims: None };
    }
    if let Some(challenge) = saying("insufficient_claims") {
        if let Some(claims) = challenge.parameter("claims").and_then(decoded_object) {
            return Advice::StepUp { acr_values: None, max_age: None, claims: Some(claims) };
        }
        // The token was refused without saying what would be accepted.
        if status == 401 {
            return Advice::Refresh;
        }
    }
    // Only an https URL may be fetched (RFC 9728 §3).
    let metadata = with_token().filter_map(|challenge| challenge.parameter("resource_metadata"));
    if let Some(url) = metadata.into_iter().find(|url| endpoint::check(url, Transport::Https).is_ok()) {
        return Advice::Discover { resource_metadata: ServerText::whole(url) };
    }
    if status == 401 && with_token().next().is_some() {
        Advice::Authenticate
    } else {
        Advice::None
    }
}

/// Decodes a JSON object in base64 of either alphabet, padded or not: Microsoft's own APIs and clients differ.
fn decoded_object(encoded: &str) -> Option<ServerText> {
    let unpadded = encoded.strip_suffix("==").or_else(|| encoded.strip_suffix('=')).unwrap_or(encoded);
    let in_one_alphabet: String = unpadded.chars().map(in_url_alphabet).collect();
    let octets = Base64UrlUnpadded::decode_vec(&in_one_alphabet).ok()?;
    core::str::from_utf8(&octets).ok().filter(|_| json::is_object(&octets)).map(ServerText::whole)
}

fn in_url_alphabet(character: char) -> char {
    match character {
        '+' => '-',
        '/' => '_',
        other => other,
    }
}
