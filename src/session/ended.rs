//! What is left of a grant that is over.

use super::flights::Flights;
use super::grant::Grant;
use super::outcome::LoginRequired;
use crate::error::Error;
use crate::secret::Secret;

/// The grant is over: what a new login, a sign-out and tokens of another process are measured by.
pub(super) struct Ended {
    pub why: LoginRequired,
    pub grant: Grant,
    pub flights: Flights,
    pub id_token: Option<Secret>,
    pub last_error: Option<Error>,
}
