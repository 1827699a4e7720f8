//! Response headers, as the app's HTTP stack has them.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Response headers, as the app's HTTP stack has them, without a copy.
///
/// They convert from slices, arrays or `Vec`s of names and values (strings or bytes); with the feature `http`, from a
/// `HeaderMap`; with [`Headers::from_fn`], from anything that can be iterated over.
///
/// A value that is not UTF-8 reads as an empty one.
///
/// ```
/// use oauth_proto::{Headers, Response};
///
/// let as_curl_has_them: Vec<(String, Vec<u8>)> = vec![("Content-Type".into(), b"application/json".to_vec())];
/// let response = Response::new(200, &as_curl_has_them, b"{}");
/// assert_eq!(response.header("content-type"), Some("application/json"));
/// assert_eq!(Response::new(204, Headers::NONE, b"").header("content-type"), None);
/// ```
#[derive(Clone, Copy)]
pub struct Headers<'a>(Inner<'a>);

#[derive(Clone, Copy)]
enum Inner<'a> {
    Borrowed(&'a [(&'a str, &'a str)]),
    Owned(&'a [(String, String)]),
    BorrowedOctets(&'a [(&'a str, &'a [u8])]),
    OwnedOctets(&'a [(String, Vec<u8>)]),
    Pairs(&'a (dyn Pairs + Sync)),
    #[cfg(feature = "http")]
    Map(&'a http::HeaderMap),
}

impl<'a> Headers<'a> {
    /// No headers.
    pub const NONE: Headers<'static> = Headers(Inner::Borrowed(&[]));

    /// Headers from a closure that returns an iterator over names and values. It is called for each header that is looked up.
    ///
    /// ```
    /// use oauth_proto::{Headers, Response};
    ///
    /// struct Field {
    ///     name: String,
    ///     value: Vec<u8>,
    /// }
    /// let fields = [Field { name: "Content-Type".into(), value: b"application/json".to_vec() }];
    /// let pairs = || fields.iter().map(|field| (&field.name, &field.value));
    /// let response = Response::new(200, Headers::from_fn(&pairs), b"{}");
    /// assert_eq!(response.header("content-type"), Some("application/json"));
    /// ```
    pub fn from_fn<'n, 'v, N, V, I, F>(pairs: &'a F) -> Self
    where
        N: AsRef<str> + ?Sized + 'n,
        V: AsRef<[u8]> + ?Sized + 'v,
        I: Iterator<Item = (&'n N, &'v V)>,
        F: Fn() -> I + Sync,
    {
        Self(Inner::Pairs(pairs))
    }

    /// The first value of a header; the name's case does not matter.
    pub(crate) fn first(&self, name: &str) -> Option<&'a str> {
        match self.0 {
            Inner::Borrowed(list) => list.iter().find(|(other, _)| is_named(other, name)).map(|(_, value)| *value),
            Inner::Owned(list) => list.iter().find(|(other, _)| is_named(other, name)).map(|(_, value)| value.as_str()),
            _ => self.first_of_octets(name),
        }
    }

    /// A separate function, so that the usual forms stay cheap.
    #[inline(never)]
    fn first_of_octets(&self, name: &str) -> Option<&'a str> {
        match self.0 {
            Inner::BorrowedOctets(list) => {
                list.iter().find(|(other, _)| is_named(other, name)).map(|(_, value)| text(value))
            }
            Inner::OwnedOctets(list) => {
                list.iter().find(|(other, _)| is_named(other, name)).map(|(_, value)| text(value))
            }
            Inner::Pairs(pairs) => pairs.first(name),
            #[cfg(feature = "http")]
            Inner::Map(map) => map.get(name).map(|value| text(value.as_bytes())),
            Inner::Borrowed(_) | Inner::Owned(_) => None,
        }
    }

    /// All values of a header in their order; the name's case does not matter.
    pub(crate) fn all(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        fn named<'a, N: AsRef<str>, V: AsRef<[u8]>>(
            list: &'a [(N, V)],
            name: &'a str,
        ) -> Box<dyn Iterator<Item = &'a str> + 'a> {
            let named = move |(other, _): &&(N, V)| is_named(other.as_ref(), name);
            Box::new(list.iter().filter(named).map(|(_, value)| text(value.as_ref())))
        }
        match self.0 {
            Inner::Borrowed(list) => named(list, name),
            Inner::Owned(list) => named(list, name),
            Inner::BorrowedOctets(list) => named(list, name),
            Inner::OwnedOctets(list) => named(list, name),
            Inner::Pairs(pairs) => pairs.all(name),
            #[cfg(feature = "http")]
            Inner::Map(map) => Box::new(map.get_all(name).into_iter().map(|value| text(value.as_bytes()))),
        }
    }
}

/// Names are case-insensitive (RFC 9110 §5.1); most stacks write them as this crate does.
fn is_named(name: &str, wanted: &str) -> bool {
    name.len() == wanted.len() && (name == wanted || name.eq_ignore_ascii_case(wanted))
}

/// A value that is not UTF-8 counts as present, but as empty.
fn text(value: &[u8]) -> &str {
    core::str::from_utf8(value).unwrap_or_default()
}

/// Headers of any type. The trait has no lifetime of its own: that would make the one of [`Headers`] invariant.
trait Pairs {
    fn first(&self, name: &str) -> Option<&str>;

    fn all<'s>(&'s self, name: &'s str) -> Box<dyn Iterator<Item = &'s str> + 's>;
}

impl<S: Source<Iter: Iterator<Item: Pair>>> Pairs for S {
    fn first(&self, name: &str) -> Option<&str> {
        self.call().map(Pair::parts).find(|(other, _)| is_named(other, name)).map(|(_, value)| text(value))
    }

    fn all<'s>(&'s self, name: &'s str) -> Box<dyn Iterator<Item = &'s str> + 's> {
        let named = self.call().map(Pair::parts).filter(move |(other, _)| is_named(other, name));
        Box::new(named.map(|(_, value)| text(value)))
    }
}

/// A closure whose result can live as long as the closure itself.
trait Source {
    type Iter;

    fn call(&self) -> Self::Iter;
}

impl<I, F: Fn() -> I> Source for F {
    type Iter = I;

    fn call(&self) -> I {
        self()
    }
}

/// A name and a value that live as long as the pair itself.
trait Pair {
    fn parts<'p>(self) -> (&'p str, &'p [u8])
    where
        Self: 'p;
}

impl<N: AsRef<str> + ?Sized, V: AsRef<[u8]> + ?Sized> Pair for (&N, &V) {
    fn parts<'p>(self) -> (&'p str, &'p [u8])
    where
        Self: 'p,
    {
        (self.0.as_ref(), self.1.as_ref())
    }
}

impl<'a> From<&'a [(&'a str, &'a str)]> for Headers<'a> {
    fn from(list: &'a [(&'a str, &'a str)]) -> Self {
        Self(Inner::Borrowed(list))
    }
}

impl<'a> From<&'a [(String, String)]> for Headers<'a> {
    fn from(list: &'a [(String, String)]) -> Self {
        Self(Inner::Owned(list))
    }
}

impl<'a> From<&'a [(&'a str, &'a [u8])]> for Headers<'a> {
    fn from(list: &'a [(&'a str, &'a [u8])]) -> Self {
        Self(Inner::BorrowedOctets(list))
    }
}

impl<'a> From<&'a [(String, Vec<u8>)]> for Headers<'a> {
    fn from(list: &'a [(String, Vec<u8>)]) -> Self {
        Self(Inner::OwnedOctets(list))
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for Headers<'a>
where
    Self: From<&'a [T]>,
{
    fn from(list: &'a [T; N]) -> Self {
        Self::from(list.as_slice())
    }
}

impl<'a, T> From<&'a Vec<T>> for Headers<'a>
where
    Self: From<&'a [T]>,
{
    fn from(list: &'a Vec<T>) -> Self {
        Self::from(list.as_slice())
    }
}

#[cfg(feature = "http")]
impl<'a> From<&'a http::HeaderMap> for Headers<'a> {
    fn from(map: &'a http::HeaderMap) -> Self {
        Self(Inner::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [(&str, &str); 4] = [("WWW-Authenticate", "a"), ("x", "b"), ("www-authenticate", "c"), ("Www-A", "d")];

    #[track_caller]
    fn check<'a>(headers: impl Into<Headers<'a>>) {
        let headers = headers.into();
        assert_eq!(headers.all("WWW-authenticate").collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(headers.first("WWW-authenticate"), Some("a"));
        assert_eq!(headers.all("y").next(), None);
    }

    #[test]
    fn all_values_come_in_their_order_whatever_the_form() {
        check(&LINES);
        check(&LINES.map(|(name, value)| (String::from(name), String::from(value))));
        check(&LINES.map(|(name, value)| (name, value.as_bytes())));
        check(&LINES.map(|(name, value)| (String::from(name), value.as_bytes().to_vec())));
        check(Headers::from_fn(&|| LINES.iter().copied()));
        assert_eq!(Headers::NONE.all("x").next(), None);
    }

    #[cfg(feature = "http")]
    #[test]
    fn all_values_of_a_map_come_in_their_order() {
        let mut map = http::HeaderMap::new();
        for (name, value) in LINES {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.append(name, http::HeaderValue::from_static(value));
        }
        check(&map);
    }

    #[test]
    fn one_that_cannot_be_read_is_among_them() {
        let octets = [("x", &b"\xff"[..]), ("X", b"1")];
        assert_eq!(Headers::from(&octets).all("x").collect::<Vec<_>>(), ["", "1"]);
    }
}
