//! Events: what happens outside and is handed to a machine.

use core::fmt;

use crate::entropy::Entropy;
use crate::error::{Error, Ignored, Misuse, Over};
use crate::http::{Delivered, RequestId, Response};

/// What happened outside: the input of [`Login`](crate::Login) and [`Session`](crate::Session).
///
/// `Debug` shows only the name, id and status, and what is no secret beside them.
#[non_exhaustive]
pub enum Event<'a> {
    /// The user wants to log in.
    Start(Entropy),
    /// The app received this URL. Pass it on whole, even if it may not belong to this login.
    RedirectReceived(&'a str),
    /// The response to the request with this id.
    ResponseReceived(RequestId, Response<'a>),
    /// The request with this id got no response.
    SendFailed(RequestId, Delivered),
    /// The outcome of the check with this id: whether the signature is valid. What the platform does not support is not valid, nor
    /// is a key that it refuses.
    Verified(RequestId, bool),
    /// The check with this id cannot be made now (the platform's keys are locked, or a service does not answer): it comes again
    /// later.
    VerifyFailed(RequestId),
    /// The user gave up, or the app does not want to wait any longer.
    Cancelled,
}

impl Event<'_> {
    /// What a login says to an event that its state has no use for.
    pub(super) fn refusal(&self) -> Error {
        match self {
            Self::Start(_) => Error::Misuse(Misuse::AlreadyStarted),
            Self::RedirectReceived(_) => Error::Ignored(Ignored::RedirectNotAwaited),
            Self::ResponseReceived(..) | Self::SendFailed(..) | Self::Verified(..) | Self::VerifyFailed(_) => {
                Error::Ignored(Ignored::UnknownRequest)
            }
            Self::Cancelled => Error::Over(Over::Cancelled),
        }
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(_) => f.write_str("Start"),
            Self::RedirectReceived(_) => f.write_str("RedirectReceived"),
            Self::ResponseReceived(id, response) => {
                f.debug_tuple("ResponseReceived").field(id).field(response).finish()
            }
            Self::SendFailed(id, delivered) => f.debug_tuple("SendFailed").field(id).field(delivered).finish(),
            Self::Verified(id, is_valid) => f.debug_tuple("Verified").field(id).field(is_valid).finish(),
            Self::VerifyFailed(id) => f.debug_tuple("VerifyFailed").field(id).finish(),
            Self::Cancelled => f.write_str("Cancelled"),
        }
    }
}
