//! What the app's closure tells about the response to its call.

use std::fmt;

/// The API's response to a call, as far as it matters here, and the app's own value.
///
/// ```
/// use oauth_native::api::Reply;
///
/// struct Response {
///     status: u16,
///     headers: Vec<(String, Vec<u8>)>,
/// }
/// let headers = vec![("WWW-Authenticate".into(), br#"Bearer error="invalid_token""#.to_vec())];
/// let response = Response { status: 401, headers };
/// let reply = Reply::new(response.status, response.headers.iter().map(|(name, value)| (name, value))).with(response);
/// assert_eq!(reply.status(), 401);
/// ```
#[must_use = "it is what the closure returns"]
pub struct Reply<R = ()> {
    pub(super) status: u16,
    /// The values of `WWW-Authenticate`.
    pub(super) challenges: Vec<Vec<u8>>,
    pub(super) value: R,
    pub(super) may_repeat: bool,
}

impl Reply {
    /// A response from its status code and its headers, names in any case: pairs of anything that is text and anything that is
    /// bytes, also an `&http::HeaderMap`. Only `WWW-Authenticate` is kept.
    pub fn new<N: AsRef<str>, V: AsRef<[u8]>>(status: u16, headers: impl IntoIterator<Item = (N, V)>) -> Self {
        let challenges = headers.into_iter().filter(|(name, _)| name.as_ref().eq_ignore_ascii_case("www-authenticate"));
        let challenges = challenges.take(MAX_CHALLENGES).map(|(_, value)| value.as_ref().to_vec()).collect();
        Self { status, challenges, value: (), may_repeat: true }
    }
}

impl<R> Reply<R> {
    /// Adds the value that the call returns: the response itself, or what the app made of it.
    pub fn with<S>(self, value: S) -> Reply<S> {
        let Self { status, challenges, may_repeat, .. } = self;
        Reply { status, challenges, value, may_repeat }
    }

    /// What the session needs of it, and the value.
    pub(super) fn split(self) -> (Reply, R) {
        let Self { status, challenges, may_repeat, value } = self;
        (Reply { status, challenges, may_repeat, value: () }, value)
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
