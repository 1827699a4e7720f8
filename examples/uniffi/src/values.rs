//! Types of the core that cross the border as numbers, texts and enums.

use oauth_proto::{Adopted, Delivered, RequestId, RestoreError, SavedLogin, SavedSession, ServerMetadata, UnixTime};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::OauthError;

/// A session as it is stored, with the metadata of its server, so that a restored session need not fetch them.
#[derive(Serialize, Deserialize)]
pub struct StoredSession {
    pub(crate) session: SavedSession,
    pub(crate) metadata: Option<ServerMetadata>,
}

uniffi::custom_type!(RequestId, u64, { remote, lower: |id| id.as_u64(), try_lift: |id| Ok(RequestId::from_u64(id)) });
uniffi::custom_type!(UnixTime, u64, { remote, lower: |at| at.as_secs(), try_lift: |at| Ok(UnixTime::from_secs(at)) });
uniffi::custom_type!(SavedLogin, String, { remote, lower: |saved| text(&saved), try_lift: |text| read(&text) });
uniffi::custom_type!(StoredSession, String, { lower: |saved| text(&saved), try_lift: |text| read(&text) });

/// Whether a request may have reached the server.
#[uniffi::remote(Enum)]
pub enum Delivered {
    /// Certainly not.
    No,
    /// It may have.
    Maybe,
}

/// What `adopt` did.
#[uniffi::remote(Enum)]
pub enum Adopted {
    /// The stored tokens were newer, and the session has them now.
    Newer,
    /// The session keeps what it had.
    NotNewer,
    /// The stored tokens are of another login: restore that one.
    OtherLogin,
}

/// JSON. The saved forms are structs of texts and numbers, which JSON can always hold.
fn text(saved: &impl Serialize) -> String {
    serde_json::to_string(saved).unwrap_or_default()
}

fn read<T: DeserializeOwned>(text: &str) -> uniffi::Result<T> {
    serde_json::from_str(text).map_err(|_| OauthError::from(RestoreError::Malformed).into())
}
