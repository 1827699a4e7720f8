//! What happens outside and is handed to a machine.

use core::fmt;

use crate::entropy::Entropy;
use crate::http::{Delivered, RequestId, Response};

/// What happened outside. Both machines take it. `Debug` shows its name and id alone.
#[non_exhaustive]
pub enum Event<'a> {
    /// The user wants to log in.
    Start(Entropy),
    /// A URL came to the app: the whole of it, whether it looks like ours or not.
    RedirectReceived(&'a str),
    /// The answer to the request of this id.
    ResponseReceived(RequestId, Response<'a>),
    /// The request of this id got no answer.
    SendFailed(RequestId, Delivered),
    /// The user gave up, or the app's own patience ended.
    Cancelled,
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
            Self::Cancelled => f.write_str("Cancelled"),
        }
    }
}
