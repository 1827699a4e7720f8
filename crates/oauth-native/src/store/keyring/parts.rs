//! A form in one entry, or cut into several if it is too large for one.
//!
//! The entry with the store's name is the head. It says where the form is, and its SHA-256, and holds the form itself if that
//! fits. If not, the form is in the parts of one of two sets. A new form goes to the set that the head does not name, and only then
//! is the head written: until then the old form is whole, and from then on the new one.
//!
//! There is no list of entries to look up, so the parts of a set are always those from 0 to some number: they are written in
//! ascending order, and removed in descending order. So what a killed process has left over can be found, and removed.

use std::fmt::Write as _;
use std::io;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::entries::Entries;
use crate::store::atomic::MAX_OCTETS;
use crate::store::StoreError;

/// What a head begins with: whose it is, and the version of its form.
const BEGINNING: &str = "oauth-native 1";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Set {
    A,
    B,
}

impl Set {
    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    fn letter(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    fn part(self, name: &str, number: usize) -> String {
        format!("{name}.{}.{number}", self.letter())
    }
}

/// The first line of the entry, with the form after it if there are no parts.
#[derive(Debug, PartialEq)]
struct Head {
    set: Set,
    parts: usize,
    digest: String,
}

impl Head {
    fn new(set: Set, parts: usize, form: &[u8]) -> Self {
        Self { set, parts, digest: digest(form) }
    }

    fn with(&self, form: &[u8]) -> Zeroizing<Vec<u8>> {
        let line = format!("{BEGINNING} {} {} {}\n", self.set.letter(), self.parts, self.digest);
        Zeroizing::new([line.as_bytes(), form].concat())
    }

    /// The head in these octets, and what is after it.
    fn read(octets: &[u8]) -> Option<(Self, &[u8])> {
        let end = octets.iter().position(|octet| *octet == b'\n')?;
        let (line, rest) = octets.split_at_checked(end)?;
        let mut words = std::str::from_utf8(line).ok()?.strip_prefix(BEGINNING)?.strip_prefix(' ')?.split(' ');
        let set = match words.next()? {
            "a" => Set::A,
            "b" => Set::B,
            _ => return None,
        };
        let head = Self { set, parts: words.next()?.parse().ok()?, digest: words.next()?.to_owned() };
        words.next().is_none().then_some((head, rest.get(1..)?))
    }
}

/// The SHA-256 of these octets, in hexadecimal digits.
pub(super) fn digest(octets: &[u8]) -> String {
    Sha256::digest(octets).iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}"); // a String takes everything
        text
    })
}

/// The form that is stored; `None` if there is none.
pub(super) fn load(entries: &dyn Entries, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(octets) = entries.read(name)? else { return Ok(None) };
    let (head, rest) = Head::read(&octets).ok_or(StoreError::Damaged)?;
    let mut parts = vec![Zeroizing::new(rest.to_vec())];
    let mut left = usize::try_from(MAX_OCTETS).unwrap_or(usize::MAX);
    for number in 0..head.parts {
        let part = entries.read(&head.set.part(name, number))?.ok_or(StoreError::Damaged)?;
        left = left.checked_sub(part.len()).ok_or(StoreError::Damaged)?;
        parts.push(part);
    }
    let form = Zeroizing::new(parts.iter().map(|part| part.as_slice()).collect::<Vec<_>>().concat());
    if digest(&form) != head.digest {
        return Err(StoreError::Damaged);
    }
    Ok(Some(form))
}

/// Stores a form in place of the old one. After an error the old one is there, whole; if the last step has failed, it may be the
/// new one, whole.
pub(super) fn save(entries: &dyn Entries, name: &str, form: &[u8]) -> io::Result<()> {
    let Some(max) = entries.max_octets() else {
        return entries.write(name, &Head::new(Set::A, 0, form).with(form));
    };
    let old = entries.read(name)?;
    // A head that cannot be read names no set.
    let set = old.and_then(|old| Head::read(&old).map(|(head, _)| head.set.other())).unwrap_or(Set::A);
    let whole = Head::new(set, 0, form).with(form);
    if whole.len() <= max {
        entries.write(name, &whole)?;
        let _ = remove_parts(entries, name, set, 0);
    } else {
        let mut count: usize = 0;
        for part in form.chunks(max.max(1)) {
            if let Err(error) = entries.write(&set.part(name, count), part) {
                // Perhaps the keyring is full.
                let _ = remove_parts(entries, name, set, 0);
                return Err(error);
            }
            count = count.saturating_add(1);
        }
        entries.write(name, &Head::new(set, count, form).with(&[]))?;
        let _ = remove_parts(entries, name, set, count);
    }
    // The new form is stored. Parts that could not be removed are tried again by the next one.
    let _ = remove_parts(entries, name, set.other(), 0);
    Ok(())
}

/// Removes what is stored, and what killed processes have left over.
pub(super) fn remove(entries: &dyn Entries, name: &str) -> io::Result<()> {
    entries.remove(name)?;
    if entries.max_octets().is_some() {
        remove_parts(entries, name, Set::A, 0)?;
        remove_parts(entries, name, Set::B, 0)?;
    }
    Ok(())
}

/// Removes the parts of a set from this number on.
fn remove_parts(entries: &dyn Entries, name: &str, set: Set, first: usize) -> io::Result<()> {
    let mut end = first;
    while entries.read(&set.part(name, end))?.is_some() {
        end = end.saturating_add(1);
    }
    for number in (first..end).rev() {
        entries.remove(&set.part(name, number))?;
    }
    Ok(())
}
