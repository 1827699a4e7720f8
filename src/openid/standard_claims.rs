//! The standard claims about a user (OpenID Connect Core §5.1).

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer};

use super::objects::object_or_none;
use crate::text::json::Value;
use crate::text::members::{members, Member, Read, WrongType};
use crate::time::UnixTime;

members! {
    /// Claims about the user (OpenID Connect Core §5.1), from an ID token or the userinfo endpoint.
    ///
    /// They are untrusted, from the server or the user: never render them as HTML. A claim of the wrong type counts as absent; if
    /// a claim is repeated, the last one counts (RFC 7519 §4). `Debug` shows none.
    #[derive(Clone, Default, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct StandardClaims {
        /// Full name, for display.
        pub name: Option<String>,
        /// Given names.
        pub given_name: Option<String>,
        /// Family names.
        pub family_name: Option<String>,
        /// Middle names.
        pub middle_name: Option<String>,
        /// Casual name.
        pub nickname: Option<String>,
        /// Short name that the user prefers: not unique, and may change.
        pub preferred_username: Option<String>,
        /// URL of the profile page.
        pub profile: Option<String>,
        /// URL of a picture.
        pub picture: Option<String>,
        /// URL of the web page.
        pub website: Option<String>,
        /// Preferred email address: not unique, may change, may be another person's (see [`StandardClaims::email_verified`]).
        pub email: Option<String>,
        /// Whether the server has verified that the address is the user's. Some servers send it as a string.
        pub email_verified: Option<bool>,
        /// `female`, `male`, or another word.
        pub gender: Option<String>,
        /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
        pub birthdate: Option<String>,
        /// Time zone, such as `Europe/Paris`.
        pub zoneinfo: Option<String>,
        /// Language tag (RFC 5646).
        pub locale: Option<String>,
        /// Telephone number.
        pub phone_number: Option<String>,
        /// Whether the server has verified that the number is the user's.
        pub phone_number_verified: Option<bool>,
        /// Postal address.
        pub address: Option<Address>,
        /// When any of these last changed.
        pub updated_at: Option<UnixTime>,
    }
}

members! {
    /// A postal address (OpenID Connect Core §5.1.1). `Debug` shows none of it.
    #[derive(Clone, Default, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct Address {
        /// The whole address for display, possibly in several lines.
        pub formatted: Option<String>,
        /// Street, house number and the like, possibly in several lines.
        pub street_address: Option<String>,
        /// City.
        pub locality: Option<String>,
        /// State, province or region.
        pub region: Option<String>,
        /// Postal code.
        pub postal_code: Option<String>,
        /// Country.
        pub country: Option<String>,
    }
}

impl fmt::Debug for StandardClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StandardClaims(..)")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

impl<'de> Deserialize<'de> for StandardClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Read::deserialize(deserializer).map(|read| read.value)
    }
}

impl Member for Address {
    fn of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Result<Option<Self>, WrongType>, D::Error> {
        object_or_none(deserializer).map(Ok)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Read::deserialize(deserializer).map(|read| read.value)
    }
}

impl Member for UnixTime {
    fn of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Result<Option<Self>, WrongType>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::None => Ok(None),
            value => value.seconds().map(Some).ok_or(WrongType),
        })
    }
}
