//! What went wrong, and what to do about it: the two lines that a failed run ends with.

use std::fmt::Write as _;

use oauth_proto::{ConfigError, Error, LoginRequired, Over, Refused, Violation};

/// The end of a story that did not go well.
pub struct Failure {
    /// What happened.
    pub what: String,
    /// What to do.
    pub advice: String,
}

impl Failure {
    /// Both in words.
    pub fn new(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), advice: advice.into() }
    }

    /// What cannot come here.
    pub fn unexpected(what: &impl std::fmt::Debug) -> Self {
        Self::new(
            format!("this came at the wrong time: {what:?}"),
            "this is a mistake in the example: please report it",
        )
    }

    /// An endpoint that could not be reached.
    pub fn unreachable(url: &str, why: &str) -> Self {
        Self::new(
            format!("{url} could not be reached: {why}"),
            "check the address, then the network, a proxy (HTTPS_PROXY) and whether the server runs; then run again",
        )
    }

    /// Nobody came back from the browser.
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

    /// The user has to act.
    pub fn login_required(why: &LoginRequired) -> Self {
        match why {
            LoginRequired::NoRefreshToken => Self::new(
                "the access token has expired and there is no refresh token",
                "run again with offline_access in --scope, and allow refresh tokens for this client and API",
            ),
            LoginRequired::GrantEnded(error) => {
                let Self { what, .. } = Self::from(error.clone());
                Self::new(format!("the grant has ended: {what}"), "run again to log in anew")
            }
            LoginRequired::TokenRefused => Self::new(
                "the API refused a fresh access token",
                "check that --audience (or the scopes) names this API, and that --api-url is right",
            ),
            LoginRequired::InsufficientScope { scope, .. } => {
                let scope = scope.as_ref().map_or("which one, it does not say", |scope| scope.as_str());
                Self::new(format!("the API wants more scope: {scope}"), "run again with it in --scope")
            }
            LoginRequired::DemandNotMet => Self::new(
                "the API demands again what a login was just made for",
                "ask whoever runs the API which users and clients it serves",
            ),
            LoginRequired::UserMustAct { error, .. } => {
                let Self { what, .. } = Self::from(error.clone());
                Self::new(format!("the server wants to see the user: {what}"), "run again and answer in the browser")
            }
            other => Self::new(other.to_string(), "run again"),
        }
    }

    fn refused(refused: &Refused) -> Self {
        let error = refused.oauth_error().unwrap_or("no error code");
        let mut what = error.to_owned();
        if let Some(description) = refused.description() {
            what.push_str(": ");
            what.push_str(description);
        }
        if let Some(status) = refused.status() {
            let _ = write!(what, " (HTTP status {status})");
        }
        let advice = match error {
            "access_denied" => "the login was refused: run again and press 'Log in', as a user who may use this client",
            "login_required" | "interaction_required" | "consent_required" => "run again and answer in the browser",
            "invalid_client" | "unauthorized_client" => {
                "check --client-id, and that the client is a public one (type 'Native', no client secret) that may use \
                 the grants authorization_code and refresh_token"
            }
            "invalid_grant" => "the code or refresh token is used up or too old: run again",
            "invalid_scope" => "check --scope",
            "invalid_target" | "invalid_request" => "check --audience, --scope and --redirect-uri",
            "server_error" | "temporarily_unavailable" => "the server has trouble of its own: run again later",
            _ if refused.status() == Some(404) => "check --issuer, or --token-endpoint",
            _ if refused.is_transient() => "the server has trouble of its own: run again later",
            _ => "the server's log tells more: look there, and check the options",
        };
        Self::new(what, advice)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Refused(refused) => Self::refused(refused),
            Error::Violation(violation) => {
                let advice = match violation {
                    Violation::Metadata(_) => {
                        "check --issuer: its text counts, with or without a slash at the end; if it is right, tell whoever \
                         runs the server"
                    }
                    Violation::IdToken(_) => {
                        "check --issuer, --client-id, --jwks-uri and --id-token-alg if given, and the clock of this \
                         machine; if they are right, tell whoever runs the server"
                    }
                    _ => "check the endpoints and --issuer; if they are right, tell whoever runs the server",
                };
                Self::new(format!("the server broke a rule: {error}"), advice)
            }
            Error::Over(Over::OutcomeUnknown) => Self::new(
                error.to_string(),
                "the network broke in the middle of a request whose code works once: run again",
            ),
            Error::Over(_) => Self::new(error.to_string(), "run again, and log in before the time is up (--timeout)"),
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
