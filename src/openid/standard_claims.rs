//! What OpenID Connect Core §5.1 says of a user.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer};

use crate::json::{object_or_none, text_or_none, Value};
use crate::time::UnixTime;

/// Claims about the user (OpenID Connect Core §5.1), of an ID token or of the userinfo endpoint. All of them are the
/// server's or the user's own words: text from outside, never to be rendered as HTML. One of the wrong type counts as
/// absent. `Debug` shows none.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct StandardClaims {
    /// Full name, as it is to be shown.
    #[serde(deserialize_with = "text_or_none")]
    pub name: Option<String>,
    /// Given names.
    #[serde(deserialize_with = "text_or_none")]
    pub given_name: Option<String>,
    /// Family names.
    #[serde(deserialize_with = "text_or_none")]
    pub family_name: Option<String>,
    /// Middle names.
    #[serde(deserialize_with = "text_or_none")]
    pub middle_name: Option<String>,
    /// Casual name.
    #[serde(deserialize_with = "text_or_none")]
    pub nickname: Option<String>,
    /// Short name that the user wishes to be called by: not unique, and may change.
    #[serde(deserialize_with = "text_or_none")]
    pub preferred_username: Option<String>,
    /// URL of the profile page.
    #[serde(deserialize_with = "text_or_none")]
    pub profile: Option<String>,
    /// URL of a picture.
    #[serde(deserialize_with = "text_or_none")]
    pub picture: Option<String>,
    /// URL of the web page.
    #[serde(deserialize_with = "text_or_none")]
    pub website: Option<String>,
    /// Preferred email address: not unique, may change, and may not be the user's own (see [`StandardClaims::email_verified`]).
    #[serde(deserialize_with = "text_or_none")]
    pub email: Option<String>,
    /// Whether the server has seen to it that the address is the user's. Some servers write it as a text.
    #[serde(deserialize_with = "truth")]
    pub email_verified: Option<bool>,
    /// `female`, `male`, or another word.
    #[serde(deserialize_with = "text_or_none")]
    pub gender: Option<String>,
    /// `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    #[serde(deserialize_with = "text_or_none")]
    pub birthdate: Option<String>,
    /// Time zone, such as `Europe/Paris`.
    #[serde(deserialize_with = "text_or_none")]
    pub zoneinfo: Option<String>,
    /// Language tag (RFC 5646).
    #[serde(deserialize_with = "text_or_none")]
    pub locale: Option<String>,
    /// Telephone number.
    #[serde(deserialize_with = "text_or_none")]
    pub phone_number: Option<String>,
    /// Whether the server has seen to it that the number is the user's.
    #[serde(deserialize_with = "truth")]
    pub phone_number_verified: Option<bool>,
    /// Postal address.
    #[serde(deserialize_with = "object_or_none")]
    pub address: Option<Address>,
    /// When any of this was last changed.
    #[serde(deserialize_with = "time")]
    pub updated_at: Option<UnixTime>,
}

/// A postal address (OpenID Connect Core §5.1.1). `Debug` shows none of it.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Address {
    /// All of it, as it is to be shown, perhaps in several lines.
    #[serde(deserialize_with = "text_or_none")]
    pub formatted: Option<String>,
    /// Street, house number and the like, perhaps in several lines.
    #[serde(deserialize_with = "text_or_none")]
    pub street_address: Option<String>,
    /// City.
    #[serde(deserialize_with = "text_or_none")]
    pub locality: Option<String>,
    /// State, province or region.
    #[serde(deserialize_with = "text_or_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(deserialize_with = "text_or_none")]
    pub postal_code: Option<String>,
    /// Country.
    #[serde(deserialize_with = "text_or_none")]
    pub country: Option<String>,
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

fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(truth) => Some(truth),
        Value::Text(text) if text == "true" => Some(true),
        Value::Text(text) if text == "false" => Some(false),
        _ => None,
    })
}

/// Seconds, or with some servers a date as text, which is not read.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UnixTime>, D::Error> {
    Ok(Value::deserialize(deserializer)?.seconds())
}
