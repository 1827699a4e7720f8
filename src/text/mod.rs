//! Text formats: character sets, forms, JSON and base64url. No rules of OAuth are in here.

pub(crate) mod base64url;
pub(crate) mod chars;
pub(crate) mod form;
pub(crate) mod json;
pub(crate) mod member;
pub(crate) mod members;
pub(crate) mod texts;
pub(crate) mod unfit;

pub use unfit::Unfit;
