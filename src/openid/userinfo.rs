//! The userinfo endpoint (OpenID Connect Core §5.3): the server's claims about the user of an access token.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use serde::Deserialize;

use super::standard_claims::StandardClaims;
use crate::error::violation::Violation;
use crate::error::Error;
use crate::http::Response;
use crate::secret::Secret;
use crate::text::json;
use crate::text::unfit::Unfit;
use crate::time::UnixTime;
use crate::wire::token::response::{is_jwt, json_body};

/// The response of the userinfo endpoint, checked to be about the user of the ID token. `Debug` shows none of it.
///
/// ```
/// use oauth_proto::{Response, UnixTime, UserInfo};
///
/// let headers = [("Content-Type", "application/json")];
/// let body = br#"{"sub":"248289761001","name":"Jane Doe","https://example.com/plan":"gold"}"#;
/// let response = Response::new(200, &headers, body);
/// let userinfo = UserInfo::parse("248289761001", &response, UnixTime::from_secs(0))?;
/// assert_eq!(userinfo.standard_claims().name.as_deref(), Some("Jane Doe"));
/// assert!(UserInfo::parse("another user", &response, UnixTime::from_secs(0)).is_err());
/// # Ok::<(), oauth_proto::Error>(())
/// ```
#[derive(Clone)]
pub struct UserInfo {
    subject: String,
    body: Secret,
}

impl UserInfo {
    /// Reads a response, which must be about the user with this `sub` (OpenID Connect Core §5.3.2, §5.3.4);
    /// [`IdToken::userinfo`](crate::IdToken::userinfo) takes it from the ID token. A signed or encrypted response
    /// (`application/jwt`) is not supported: register the client without `userinfo_signed_response_alg`, or request the claims in
    /// the ID token (§5.5). `now` only serves to read a `Retry-After` date.
    ///
    /// # Errors
    /// [`Error::Refused`] for a status other than 2xx; [`Error::Violation`] for a response that breaks a rule, with
    /// [`Violation::UserInfoSubject`] for another user.
    pub fn parse(subject: &str, response: &Response<'_>, now: UnixTime) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Subject<'a> {
            #[serde(borrow, default, deserialize_with = "json::present")]
            sub: Option<Cow<'a, str>>,
        }
        let body = json_body(response, now).map_err(|error| match error {
            Error::Violation(Violation::ContentType) if is_jwt(response) => Error::Violation(Violation::UserInfoSigned),
            error => error,
        })?;
        let malformed = Error::Violation(Violation::ResponseMalformed);
        let Some(Subject { sub }) = json::strict(body) else { return Err(malformed) };
        if subject.is_empty() || sub.as_deref() != Some(subject) {
            return Err(Error::Violation(Violation::UserInfoSubject));
        }
        let text = core::str::from_utf8(body).map_err(|_| malformed)?;
        Ok(Self { subject: subject.into(), body: Secret::new(text) })
    }

    /// `sub`: the user, as in the ID token.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The claims of OpenID Connect Core §5.1 about the user.
    pub fn standard_claims(&self) -> StandardClaims {
        self.claims().unwrap_or_default()
    }

    /// Reads any claims into a `Deserialize` type.
    ///
    /// # Errors
    /// [`Unfit`] if they do not fit the type.
    pub fn claims<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Unfit> {
        json::read(self.body.reveal().as_bytes())
    }
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserInfo(..)")
    }
}
