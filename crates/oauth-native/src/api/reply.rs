//! What the app's closure tells about the response to its call.

use std::fmt;

/// The API's response to a call, as far as it matters here, and the app's own value.
///
/// ```
/// use oauth_native::api::Reply;
///
/// let headers = [("WWW-Authenticate", r#"Bearer error="invalid_token""#)];
/// let reply = Reply::new(401, headers, "the body, or the response itself");
/// assert_eq!(reply.status(), 401);
/// ```
#[must_use = "it is what the closure returns"]
pub struct Reply<R> {
    pub(super) status: u16,
    /// The values of `WWW-Authenticate`.
    pub(super) challenges: Vec<Vec<u8>>,
    pub(super) value: R,
    pub(super) may_repeat: bool,
}

impl<R> Reply<R> {
    /// A response from its status code and its headers, names in any case. `value` is what the call returns: the response itself,
    /// or what the app made of it.
    ///
    /// The headers may be pairs of anything that is text and bytes, also `&http::HeaderMap`. Only `WWW-Authenticate` is kept.
    pub fn new<N: AsRef<str>, V: AsRef<[u8]>>(
        status: u16,
        headers: impl IntoIterator<Item = (N, V)>,
        value: R,
    ) -> Self {
        let challenges = headers.into_iter().filter(|(name, _)| name.as_ref().eq_ignore_ascii_case("www-authenticate"));
        let challenges = challenges.take(MAX_CHALLENGES).map(|(_, value)| value.as_ref().to_vec()).collect();
        Self { status, challenges, value, may_repeat: true }
    }

    /// Says that the request must not, or cannot, be sent a second time, because its body is gone, for example.
    pub fn once(mut self) -> Self {
        self.may_repeat = false;
        self
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }
}

/// More than that is not read.
const MAX_CHALLENGES: usize = 16;

impl<R> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}
