//! What can be stored in a file, and its octets.

use std::io;

use oauth_proto::{SavedLogin, SavedSession};
use zeroize::Zeroizing;

use super::atomic::MAX_OCTETS;
use super::StoreError;

/// What a [`File`](super::File) or a keyring can store: [`SavedSession`] and [`SavedLogin`].
pub trait Form: Sealed {}

impl Form for SavedSession {}
impl Form for SavedLogin {}

/// Nobody else implements it.
pub trait Sealed: Sized + Send + 'static {
    fn decode(octets: &[u8]) -> Result<Self, StoreError>;
    fn write(&self, to: &mut dyn io::Write) -> io::Result<()>;
}

impl Sealed for SavedSession {
    fn decode(octets: &[u8]) -> Result<Self, StoreError> {
        // serde's error could show a part of the form.
        serde_json::from_slice(octets).map_err(|_| StoreError::Damaged)
    }

    fn write(&self, to: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer(to, self).map_err(io::Error::from)
    }
}

impl Sealed for SavedLogin {
    fn decode(octets: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(octets).map_err(|_| StoreError::Damaged)
    }

    fn write(&self, to: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer(to, self).map_err(io::Error::from)
    }
}

/// The octets of a form, in one buffer that is wiped. It is measured first, so that the buffer does not grow and leave copies.
pub(super) fn encode<T: Form>(form: &T) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut size = Count(0);
    form.write(&mut size)?;
    if u64::try_from(size.0).map_or(true, |size| size > MAX_OCTETS) {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the form to store is larger than 1 MiB"));
    }
    let mut octets = Zeroizing::new(Vec::with_capacity(size.0));
    form.write(&mut *octets)?;
    Ok(octets)
}

/// Counts what is written to it.
struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(octets.len());
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use oauth_proto::{AuthorizationServer, Client, Secret, Session, Tokens};

    use super::*;

    #[test]
    fn the_buffer_does_not_grow() {
        let server =
            AuthorizationServer::new("https://as.example.com/authorize", "https://as.example.com/token").unwrap();
        let client = Client::new(server, "s6BhdRkqt3", "com.example.app:/callback").unwrap();
        let token = Secret::new("a".repeat(1000));
        let saved = Session::new(client, Tokens::from_parts(token, None, None, "read")).save().unwrap();
        let octets = encode(&saved).unwrap();
        assert_eq!(octets.capacity(), octets.len());
        assert_eq!(*octets, serde_json::to_vec(&saved).unwrap());
    }
}
