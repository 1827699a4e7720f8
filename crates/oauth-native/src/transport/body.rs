//! The body of a response while it is read.

use oauth_proto::drive::OwnedResponse;

/// What the first buffer holds: most token responses.
const FIRST: usize = 4096;

/// A body that may hold tokens: every buffer that it has been in is wiped.
pub(super) struct Body {
    octets: Vec<u8>,
    filled: usize,
    most: usize,
}

impl Body {
    /// An empty body, of which at most `limit` bytes and one are taken.
    pub(super) fn new(limit: usize) -> Self {
        Self { octets: Vec::new(), filled: 0, most: limit.saturating_add(1) }
    }

    /// Room for more; none if there is enough.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.filled >= self.octets.len() && self.filled < self.most {
            let mut larger = vec![0; self.octets.len().saturating_mul(2).clamp(FIRST.min(self.most), self.most)];
            larger.iter_mut().zip(&self.octets).for_each(|(to, from)| *to = *from);
            wipe(std::mem::replace(&mut self.octets, larger));
        }
        self.octets.get_mut(self.filled..).unwrap_or_default()
    }

    /// Counts bytes that were written to [`Self::room`].
    pub(super) fn filled(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(count).min(self.octets.len());
    }

    /// Takes as much of these bytes as there may be. Returns whether there is enough.
    #[cfg(any(feature = "reqwest", feature = "hyper"))]
    pub(super) fn take(&mut self, mut octets: &[u8]) -> bool {
        loop {
            let room = self.room();
            if room.is_empty() {
                return true;
            }
            let count = room.len().min(octets.len());
            let (now, later) = octets.split_at_checked(count).unwrap_or_default();
            room.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.filled(count);
            octets = later;
            if octets.is_empty() {
                return self.filled >= self.most;
            }
        }
    }

    /// All of it.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.octets.truncate(self.filled);
        std::mem::take(&mut self.octets)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        wipe(std::mem::take(&mut self.octets));
    }
}

/// Wipes a buffer, as the library does with responses.
fn wipe(octets: Vec<u8>) {
    drop(OwnedResponse::new(0, Vec::new(), octets));
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    #[test]
    fn takes_no_more_than_one_byte_too_many() {
        for limit in [0, 1, FIRST - 1, FIRST, FIRST + 1, 3 * FIRST, 100_000] {
            let octets: Vec<u8> = (0..limit + 10).map(|index| index.to_le_bytes()[0]).collect();
            let mut body = Body::new(limit);
            while !body.room().is_empty() {
                let (from, room) = (body.filled, body.room());
                let count = room.len().min(1000);
                room[..count].copy_from_slice(&octets[from..from + count]);
                body.filled(count);
            }
            assert_eq!(body.finish(), octets[..=limit]);
        }
    }

    #[test]
    #[cfg(any(feature = "reqwest", feature = "hyper"))]
    fn takes_chunks() {
        let octets: Vec<u8> = (0..20_000_u32).map(|index| index.to_le_bytes()[0]).collect();
        let mut body = Body::new(9_999);
        assert!(!body.take(&octets[..1]) && !body.take(&[]) && !body.take(&octets[1..9_999]));
        assert!(body.take(&octets[9_999..]) && body.take(&octets));
        assert_eq!(body.finish(), octets[..10_000]);

        let mut body = Body::new(10);
        assert!(!body.take(b"0123456789"));
        assert_eq!(body.finish(), b"0123456789");
    }
}
