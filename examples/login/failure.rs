//! What went wrong and what to do about it: the two lines at the end of a failed run.

use std::fmt::Write as _;

use oauth_native::api::ApiError;
use oauth_proto::{ConfigError, Error, LoginRequired, Over, Refused};

use crate::advice::{about_invalid_grant, about_refused, about_violation};
use crate::print::{plain, redacted};

/// Why the run failed.
pub struct Failure {
    /// What happened.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl Failure {
    /// A failure from both texts.
    pub fn new(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), advice: advice.into() }
    }

    /// An endpoint that could not be reached.
    pub fn unreachable(url: &str) -> Self {
        Self::new(
            format!("{} could not be reached", redacted(url)),
            "check the address, then the network, a proxy (HTTPS_PROXY) and whether the server runs; then run again",
        )
    }

    /// No redirect came in time.
    pub fn no_redirect(redirect_uri: &str) -> Self {
        Self::new(
            "no redirect came back from the browser in time",
            format!(
                "run again and log in before the time is up (--timeout). If no browser window opened, run again with \
                 --no-browser. If the browser showed an error page, register \
                 exactly {redirect_uri} with the authorization server, and check client id, audience and scopes"
            ),
        )
    }

    /// No valid redirect came in time, but there was an error without `state` that may be from the server.
    pub fn unproved(refused: &Refused) -> Self {
        Self::new(
            format!(
                "no valid redirect came back in time; but one without state, which anybody can send, said: {}",
                plain(&words(refused))
            ),
            format!(
                "if the browser showed the same, it is the server's, which should send state with it (RFC 6749 section \
                 4.1.2.1): {}",
                about_refused(refused)
            ),
        )
    }

    /// There is no access token. `unreachable` is the endpoint that did not answer.
    pub fn no_token(error: ApiError, unreachable: Option<String>) -> Self {
        match (error, unreachable) {
            (ApiError::LoginRequired { why, .. }, _) => Self::login_required(&why),
            (ApiError::Later(_), Some(url)) => Self::unreachable(&url),
            (ApiError::Later(_), None) => {
                Self::new("the server is busy, and cannot answer now", "run again later, perhaps with a longer --wait")
            }
            (ApiError::Refused { error, .. } | ApiError::Metadata(error), _) => error.into(),
            (ApiError::Bearer(error), _) => {
                Self::new(format!("the token may not go to this API: {error}"), "check --api-url")
            }
            (error, _) => Self::new(error.to_string(), "run again"),
        }
    }

    /// The user has to act.
    pub fn login_required(why: &LoginRequired) -> Self {
        match why {
            LoginRequired::NoRefreshToken => Self::new(
                "the access token has expired and there is no refresh token",
                "run again with offline_access in --scope, and allow refresh tokens for this client and API",
            ),
            LoginRequired::GrantEnded(error) => {
                let more = match error {
                    Error::Refused(refused) => about_invalid_grant(refused),
                    _ => None,
                };
                let Self { what, .. } = Self::from(error.clone());
                Self::new(format!("the grant has ended: {what}"), more.unwrap_or("run again to log in anew"))
            }
            LoginRequired::TokenRefused => Self::new(
                "the API refused a fresh access token",
                "check that --audience (or the scopes) names this API, that --api-url is right, and that the API takes bearer \
                 tokens: its answer above says so",
            ),
            LoginRequired::InsufficientScope { scope, .. } => {
                let scope = scope.as_ref().map_or("it does not say which one", |scope| scope.as_str());
                Self::new(format!("the API wants more scope: {scope}"), "run again with it in --scope")
            }
            LoginRequired::DemandNotMet => Self::new(
                "the API asks for the same again right after a login",
                "ask the API's operator which users and clients it serves",
            ),
            LoginRequired::UserMustAct { error, .. } => {
                let Self { what, .. } = Self::from(error.clone());
                Self::new(format!("the server wants to ask the user: {what}"), "run again and answer in the browser")
            }
            other => Self::new(other.to_string(), "run again"),
        }
    }

    fn refused(refused: &Refused) -> Self {
        let mut what = words(refused);
        if let Some(status) = refused.status() {
            let _ = write!(what, " (HTTP status {status})");
        }
        Self::new(what, about_refused(refused))
    }
}

/// The server's error code and description, unchanged.
pub fn words(refused: &Refused) -> String {
    let error = refused.oauth_error().unwrap_or("no error code");
    match refused.description() {
        Some(description) => format!("{error}: {description}"),
        None => error.to_owned(),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Refused(refused) => Self::refused(refused),
            Error::Violation(violation) => {
                Self::new(format!("the server broke a rule: {error}"), about_violation(violation))
            }
            Error::Over(Over::OutcomeUnknown) => Self::new(
                error.to_string(),
                "the network broke in the middle of a request whose code works once: run again",
            ),
            Error::Over(Over::Expired) => {
                Self::new(error.to_string(), "run again, and log in before the time is up (--timeout)")
            }
            Error::Over(_) => Self::new(error.to_string(), "run again"),
            _ => Self::new(error.to_string(), "this is a mistake in the example: please report it"),
        }
    }
}

impl From<ConfigError> for Failure {
    /// The library's own advice is for those who write programs; this is for those who run one.
    fn from(error: ConfigError) -> Self {
        const REDIRECT_URI: &str =
            "register and pass http://127.0.0.1:PORT/callback, an https URL, or a private-use scheme \
                                    with a dot such as com.example.app:/callback. --help explains";
        const HTTPS: &str = "write an absolute https URL; plain http is for 127.0.0.1 and [::1] alone. --help explains";
        const ALGORITHM: &str = "name one that ID tokens may be signed with, such as RS256 or ES256. --help explains";
        let (option, problem, advice) = match &error {
            ConfigError::Endpoint { name, problem } => (format!("--{}", name.replace('_', "-")), *problem, HTTPS),
            ConfigError::Issuer { problem } => ("--issuer".into(), *problem, HTTPS),
            ConfigError::Client { name: "api_origin", problem } => ("--api-url".into(), *problem, HTTPS),
            ConfigError::RedirectUri { problem } => ("--redirect-uri".into(), *problem, REDIRECT_URI),
            ConfigError::Client { name: "post_logout_redirect_uri", problem } => {
                ("--post-logout-redirect-uri".into(), *problem, REDIRECT_URI)
            }
            ConfigError::Client { name: "id_token_algorithms", problem } => {
                ("--id-token-alg".into(), *problem, ALGORITHM)
            }
            _ => return Self::new(error.to_string(), "change this option; --help explains them all"),
        };
        let unset = problem.starts_with("is not set");
        let advice = if unset { "add it, or leave openid out of --scope. --help explains" } else { advice };
        // What is wrong stands before the first colon.
        Self::new(format!("{option} {}", problem.split(": ").next().unwrap_or(problem)), advice)
    }
}
