//! The body of a request, which knows whether the stack has asked for it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use oauth_proto::drive::OwnedResponse;
use oauth_proto::Delivered;

/// Whether the stack has asked for a request's body. The connection runs in a task of its own, which may still want to send when
/// the caller has given up: only one of both can come first.
#[derive(Default)]
pub(super) struct State(AtomicU8);

impl State {
    const NEW: u8 = 0;
    const ASKED: u8 = 1;
    const GIVEN_UP: u8 = 2;

    /// Asks for the body. `false` if the caller has given up: then it must not be sent.
    fn ask(&self) -> bool {
        let found = self.0.compare_exchange(Self::NEW, Self::ASKED, Ordering::SeqCst, Ordering::SeqCst);
        found != Err(Self::GIVEN_UP)
    }

    /// No response comes. From now on, a body that was not asked for cannot be had.
    pub(super) fn give_up(&self) -> Delivered {
        match self.0.compare_exchange(Self::NEW, Self::GIVEN_UP, Ordering::SeqCst, Ordering::SeqCst) {
            Err(Self::ASKED) => Delivered::Maybe,
            _ => Delivered::No,
        }
    }
}

/// The body of a request, in one piece. The copy is wiped when the stack is done with it.
pub(super) struct Watched {
    octets: Option<Bytes>,
    state: Arc<State>,
}

impl Watched {
    pub(super) fn new(octets: &[u8], state: &Arc<State>) -> Self {
        let octets = Bytes::from_owner(Wiped(OwnedResponse::new(0, Vec::new(), octets.to_vec())));
        Self { octets: Some(octets), state: Arc::clone(state) }
    }

    /// No body.
    #[cfg(feature = "hyper")]
    pub(super) fn none() -> Self {
        Self { octets: None, state: Arc::default() }
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        if !this.state.ask() {
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())));
        }
        Poll::Ready(this.octets.take().map(|octets| Ok(Frame::data(octets))))
    }

    fn is_end_stream(&self) -> bool {
        self.octets.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.octets.as_ref().map_or(0, |octets| u64::try_from(octets.len()).unwrap_or(u64::MAX)))
    }
}

/// Bytes that are wiped when dropped, by what wipes a response's.
struct Wiped(OwnedResponse);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.response().body()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_either_given_up_or_sent() {
        let state = Arc::new(State::default());
        let mut body = Watched::new(b"code=secret", &state);
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(11));
        let frame = http_body::Body::poll_frame(Pin::new(&mut body), &mut context);
        assert!(matches!(frame, Poll::Ready(Some(Ok(frame))) if frame.data_ref().unwrap() == "code=secret"));
        assert!(matches!(http_body::Body::poll_frame(Pin::new(&mut body), &mut context), Poll::Ready(None)));
        assert!(http_body::Body::is_end_stream(&body));
        assert_eq!(state.give_up(), Delivered::Maybe);

        let state = Arc::new(State::default());
        let mut body = Watched::new(b"code=secret", &state);
        assert_eq!(state.give_up(), Delivered::No);
        assert_eq!(state.give_up(), Delivered::No);
        for _ in 0..2 {
            let frame = http_body::Body::poll_frame(Pin::new(&mut body), &mut context);
            assert!(matches!(frame, Poll::Ready(Some(Err(_)))));
        }
    }
}
