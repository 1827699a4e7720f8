//! A metadata document, kept whole as it came.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::error::config::ConfigError;
use crate::http::endpoint::{self, Transport};
use crate::http::MAX_RESPONSE_BYTES;
use crate::text::members::{Found, Member};
use crate::text::unfit::Unfit;
use crate::text::{json, member};
use crate::time::UnixTime;

/// The text of a JSON object.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Kept(Arc<str>);

/// Members that the crate does not use itself: a fault in one is reported when it is read.
impl Kept {
    /// Keeps a document that has been parsed, without its byte order mark.
    pub(super) fn new(document: &[u8]) -> Option<Self> {
        let document = Some(document).filter(|document| document.len() <= MAX_RESPONSE_BYTES)?;
        json::object_text(document).map(|text| Self(Arc::from(text)))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn get<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<Option<T>, Unfit> {
        member::read(&self.0, name)
    }

    fn typed<T: Member>(&self, name: &'static str) -> Result<Option<T>, ConfigError> {
        let wrong = || ConfigError::Metadata { name, problem: WRONG };
        let found: Option<Found<T>> = self.get(name).map_err(|Unfit| wrong())?;
        found.map_or(Ok(None), |Found(value)| value.map_err(|_| wrong()))
    }

    pub(super) fn truth(&self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        self.typed(name)
    }

    pub(super) fn texts(&self, name: &'static str) -> Result<Option<Vec<String>>, ConfigError> {
        self.typed(name)
    }

    /// Reads a string; an empty one counts as absent.
    pub(super) fn text_of(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        Ok(self.typed(name)?.filter(|text: &String| !text.is_empty()))
    }

    /// Reads a URL that requests may go to.
    pub(super) fn endpoint(&self, name: &'static str, transport: Transport) -> Result<Option<String>, ConfigError> {
        let Some(url) = self.text_of(name)? else { return Ok(None) };
        endpoint::check(&url, transport).map_err(|problem| ConfigError::Endpoint { name, problem })?;
        Ok(Some(url))
    }
}

/// The saved form of metadata: the document as a string, which any serde format can hold.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    pub fetched_at: UnixTime,
    pub document: String,
}

pub(super) const DAMAGED: &str = "the stored metadata is damaged: fetch it again";

const WRONG: &str = "has another type than its specification gives it, or comes twice: tell the server's operator";
