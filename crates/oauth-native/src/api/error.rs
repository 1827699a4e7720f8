//! Why there is no token, or why a call was not made.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use oauth_proto::drive::DriveError;
use oauth_proto::{
    AuthorizationRequest, BearerError, ConfigError, EntropyError, Error, LoginRequired, RestoreError, UnixTime,
};

use super::engine::NotStarted;
use crate::store::StoreError;

/// Why there is no token. Neither `Debug` nor `Display` shows anything secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum ApiError {
    /// The user has to log in, or to do something at the server. [`LoginRequired::is_final`] tells whether the session has ended.
    LoginRequired {
        /// The reason.
        why: LoginRequired,
        /// The login to make. `None` after a sign-out: then use the app's own first request.
        request: Option<Arc<AuthorizationRequest>>,
    },
    /// The network failed, or the server is busy. Ask again at that time; before that, nothing is sent.
    /// [`Session::last_error`](oauth_proto::Session::last_error) has the server's error, if there was a response.
    Later(UnixTime),
    /// The server refuses this client or this request; waiting does not help.
    Refused {
        /// The server's error, or the fault of its response.
        error: Error,
        /// When the session asks again by itself; `None` if it does not.
        retry_at: Option<UnixTime>,
    },
    /// The token must not be sent to this URL. Nothing was sent.
    Bearer(BearerError),
    /// The store cannot be used. If it could not be locked or read, nothing was sent, and there is no token that is still good.
    /// If new tokens could not be stored, they are kept in memory: ask again for the token. They are stored later, and lost if
    /// the process ends before that. Until then, another process would refresh with the old refresh token.
    Store(StoreError),
    /// What is stored is not a session of this client.
    Restore(RestoreError),
    /// The server's metadata, without which the stored session cannot be used, is missing or unusable.
    Metadata(Error),
}

impl ApiError {
    /// A stable name, the same in every version. Where there is a reason within, it is the reason's.
    pub fn code(&self) -> &'static str {
        match self {
            Self::LoginRequired { why, .. } => why.code(),
            Self::Later(_) => "later",
            Self::Refused { error, .. } | Self::Metadata(error) => error.code(),
            Self::Bearer(error) => error.code(),
            Self::Store(_) => "store",
            Self::Restore(error) => error.code(),
        }
    }

    /// The login to make, if that is what helps.
    pub fn login(&self) -> Option<&Arc<AuthorizationRequest>> {
        match self {
            Self::LoginRequired { request, .. } => request.as_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginRequired { why, .. } => why.fmt(f),
            Self::Later(time) => {
                write!(
                    f,
                    "there is no token now: the network or the server failed; ask again at {} (Unix time)",
                    time.as_secs()
                )
            }
            Self::Refused { error, .. } => write!(f, "the server does not refresh the token: {error}"),
            Self::Bearer(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Restore(error) => error.fmt(f),
            Self::Metadata(error) => write!(f, "the stored session needs the server's metadata: {error}"),
        }
    }
}

impl StdError for ApiError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::LoginRequired { why, .. } => why.source(),
            Self::Refused { error, .. } | Self::Metadata(error) => Some(error),
            Self::Store(error) => error.source(),
            Self::Later(_) | Self::Bearer(_) | Self::Restore(_) => None,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<RestoreError> for ApiError {
    fn from(error: RestoreError) -> Self {
        Self::Restore(error)
    }
}

/// Why a call has no result.
#[derive(Debug)]
pub enum CallError<E> {
    /// There is no token for it, or the API refused the token.
    Api(ApiError),
    /// The error of the app's own closure.
    Call(E),
}

impl<E> From<ApiError> for CallError<E> {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl<E: StdError> StdError for CallError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Api(error) => error.source(),
            Self::Call(error) => error.source(),
        }
    }
}

/// Why a handle did not log in. `E` is the browser's error.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginError<E> {
    /// The login ended without tokens, or the browser could not be used. A login that still waits for its redirect is stored, and
    /// goes on when the app logs in again.
    Login(DriveError<E>),
    /// The session could not be read or stored, or, with [`ApiError::Later`], the server's metadata could not be fetched: the
    /// network failed, the server is busy, or its issuer has a wrong host.
    Api(ApiError),
    /// The authorization request does not fit the client.
    Request(ConfigError),
    /// The system has no random bytes.
    Entropy(EntropyError),
}

impl<E> LoginError<E> {
    /// A stable name, the same in every version. Where there is a reason within, it is the reason's.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Login(error) => error.code(),
            Self::Api(error) => error.code(),
            Self::Request(error) => error.code(),
            Self::Entropy(_) => "entropy",
        }
    }
}

impl<E> From<DriveError<E>> for LoginError<E> {
    fn from(error: DriveError<E>) -> Self {
        Self::Login(error)
    }
}

impl<E, A: Into<ApiError>> From<A> for LoginError<E> {
    fn from(error: A) -> Self {
        Self::Api(error.into())
    }
}

impl<E> From<NotStarted> for LoginError<E> {
    fn from(error: NotStarted) -> Self {
        match error {
            NotStarted::Later(time) => Self::Api(ApiError::Later(time)),
            NotStarted::Ended(error) => Self::Login(error.into()),
            NotStarted::Entropy(error) => Self::Entropy(error),
        }
    }
}

impl<E: fmt::Display> fmt::Display for LoginError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login(error) => error.fmt(f),
            Self::Api(error) => error.fmt(f),
            Self::Request(error) => error.fmt(f),
            Self::Entropy(error) => error.fmt(f),
        }
    }
}

impl<E: StdError> StdError for LoginError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Login(error) => error.source(),
            Self::Api(error) => error.source(),
            Self::Request(error) => error.source(),
            Self::Entropy(error) => error.source(),
        }
    }
}
