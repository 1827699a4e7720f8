//! Text as it comes and goes: what characters may be in it, and how forms, JSON and base64url are read and written. No rule of
//! OAuth is in here.

pub(crate) mod base64url;
pub(crate) mod chars;
pub(crate) mod form;
pub(crate) mod json;
pub(crate) mod member;
pub(crate) mod members;
pub(crate) mod texts;
pub(crate) mod unfit;

pub use unfit::Unfit;
