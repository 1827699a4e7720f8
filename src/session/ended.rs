//! A grant that has ended.

use super::flights::Flights;
use super::grant::Grant;
use super::outcome::LoginRequired;
use crate::error::Error;
use crate::secret::Secret;

/// A grant that has ended, with what a new login, a sign-out and `adopt` need of it.
pub(super) struct Ended {
    pub why: LoginRequired,
    pub grant: Grant,
    pub flights: Flights,
    pub id_token: Option<Secret>,
    pub last_error: Option<Error>,
}
