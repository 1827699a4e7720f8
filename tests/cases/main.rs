//! Runs every case of the JSON files beside this one through the public API.
//!
//! A case passes when the outcome is its `expect` or one of its `alt`; each file explains its members in `fields`.
//! Cases of features that this crate does not have yet are named in `not_yet_covered.rs`, and nowhere else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod answered_by_alt;
mod authorize_url;
mod bearer_redirects;
mod bearer_request;
mod callback;
mod config_errors;
mod discovery;
#[cfg(feature = "rustcrypto")]
mod id_token;
mod login_sequences;
mod logout;
mod not_yet_covered;
mod pkce;
mod redirect_classes;
mod refresh_sequences;
mod refused_calls;
#[cfg(feature = "rustcrypto")]
#[path = "../support/signing.rs"]
mod signing;
mod support;
mod token_request;
mod token_response;
mod www_authenticate;
