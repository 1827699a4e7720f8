//! Octets of a request, which may hold a code: wiped when they are dropped.

use alloc::vec::Vec;

use crate::secret::wipe;

/// Octets that are kept until there are enough of them.
#[derive(Default)]
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// The smallest capacity: most lines of a head are shorter.
    const LEAST: usize = 512;

    /// Appends octets. Nothing of the old place stays in memory when they have to move. The capacity is at most `limit`, unless
    /// more is appended than that.
    pub(super) fn push(&mut self, octets: &[u8], limit: usize) {
        let needed = self.0.len().saturating_add(octets.len());
        if needed > self.0.capacity() {
            let doubled = self.0.capacity().saturating_mul(2).max(Self::LEAST).min(limit);
            let mut larger = Vec::with_capacity(doubled.max(needed));
            larger.extend_from_slice(&self.0);
            wipe(&mut self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(octets);
    }

    /// Forgets the octets and keeps the room; they are overwritten or wiped later.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }

    /// The octets as text; `None` if they are not UTF-8.
    pub(super) fn text(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::tests::wiped_by;

    #[test]
    fn it_wipes_when_it_grows_and_when_it_is_dropped() {
        let mut buffer = Buffer::default();
        assert_eq!(wiped_by(|| buffer.push(&[1; 512], 1_000)), 1);
        assert_eq!(wiped_by(|| buffer.push(&[2; 1], 1_000)), 1, "it moved");
        assert_eq!(wiped_by(|| buffer.push(&[3; 487], 1_000)), 0, "there was room");
        assert_eq!((buffer.len(), buffer.capacity()), (1_000, 1_000));
        assert_eq!(wiped_by(|| drop(buffer)), 1);
    }
}
