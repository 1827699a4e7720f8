//! The response of a transport, which owns its parts.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::http::Response;
use crate::secret::wipe;

/// An HTTP response as a transport has read it. The body may hold tokens: it is wiped when this is dropped, and `Debug` does not
/// show it.
///
/// ```
/// use oauth_proto::drive::OwnedResponse;
///
/// let response = OwnedResponse::new(200, vec![("content-type".into(), b"application/json".to_vec())], b"{}".to_vec());
/// assert_eq!(response.response().header("Content-Type"), Some("application/json"));
/// ```
pub struct OwnedResponse {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl OwnedResponse {
    /// A response from its status code, its headers (names in any case) and its body.
    pub fn new(status: u16, headers: Vec<(String, Vec<u8>)>, body: Vec<u8>) -> Self {
        Self { status, headers, body }
    }

    /// The response, for [`Event::ResponseReceived`](crate::Event::ResponseReceived).
    pub fn response(&self) -> Response<'_> {
        Response::new(self.status, self.headers.as_slice(), &self.body)
    }
}

impl Drop for OwnedResponse {
    fn drop(&mut self) {
        wipe(&mut self.body);
    }
}

impl fmt::Debug for OwnedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::tests::wiped_by;

    #[test]
    fn the_body_is_wiped() {
        let response = OwnedResponse::new(200, Vec::new(), b"{}".to_vec());
        assert_eq!(wiped_by(|| drop(response)), 1);
    }
}
