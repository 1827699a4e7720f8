//! Errors of a saved login or session.

use core::fmt;

/// The version of the saved forms that this crate writes and reads.
pub(crate) const SAVED_VERSION: u32 = 2;

/// Why a saved login or session cannot be restored. Nothing was changed; start a new login, unless the variant says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// It was saved with another issuer, client id or redirect URI.
    OtherClient,
    /// It was written by another version of this crate.
    UnknownVersion,
    /// The login's deadline has passed.
    Expired,
    /// It is damaged.
    Malformed,
    /// The client knows only its server's issuer. Give it the server's metadata, kept or fetched again
    /// ([`Client::with_metadata`](crate::Client::with_metadata)).
    ServerUnknown,
}

impl RestoreError {
    /// A stable name, the same in every version.
    pub fn code(self) -> &'static str {
        match self {
            Self::OtherClient => "other_client",
            Self::UnknownVersion => "unknown_version",
            Self::Expired => "expired",
            Self::Malformed => "malformed",
            Self::ServerUnknown => "server_unknown",
        }
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherClient => "the saved form is of another client, server or redirect URI; start a new login",
            Self::UnknownVersion => "the saved form is of another version of this crate; start a new login",
            Self::Expired => "the saved login is past its deadline; start a new login",
            Self::Malformed => "the saved form is damaged; start a new login",
            Self::ServerUnknown => {
                "the client has no metadata of its server; give it what you kept with Client::with_metadata"
            }
        })
    }
}

impl core::error::Error for RestoreError {}
