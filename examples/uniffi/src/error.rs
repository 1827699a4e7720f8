//! The one error that crosses the border.

use std::fmt;

use oauth_proto::{BearerError, ConfigError, EntropyError, Error, RestoreError};

/// Why a call failed.
#[derive(Debug, uniffi::Error)]
pub enum OauthError {
    /// The only kind: look at `code` and `fatal`.
    Failed {
        /// A stable name, the same in every version.
        code: String,
        /// What went wrong and what to do, for developers; without secrets. (Kotlin has its own `message`.)
        reason: String,
        /// Whether to start anew. If not, nothing has changed.
        fatal: bool,
    },
}

/// What is fatal: an error that ended a login, and one by which there is no login or session at all.
macro_rules! failed {
    ($($error:ty: $fatal:expr,)*) => {
        $(impl From<$error> for OauthError {
            fn from(error: $error) -> Self {
                Self::Failed { code: error.code().into(), reason: error.to_string(), fatal: $fatal(&error) }
            }
        })*
    };
}

failed! {
    Error: Error::is_fatal,
    ConfigError: |_| true,
    RestoreError: |_| true,
    EntropyError: |_| false,
    BearerError: |_| false,
}

impl OauthError {
    /// For an action of the core that has no way over the border yet.
    pub(crate) fn unknown_action(action: &oauth_proto::Action) -> Self {
        Self::Failed { code: "unknown_action".into(), reason: format!("{action:?} is not in Action"), fatal: true }
    }
}

impl fmt::Display for OauthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Failed { code, reason, .. } = self;
        write!(f, "{code}: {reason}")
    }
}

impl std::error::Error for OauthError {}
