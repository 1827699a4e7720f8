//! What the test is told.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

/// The file `events`, to which every instance of the app appends. Cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<File>);

impl Events {
    pub fn to(folder: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(OpenOptions::new().create(true).append(true).open(folder.join("events"))?)))
    }

    /// One line, written at once, so that lines of two instances do not mix.
    pub fn say(&self, event: &Value) {
        if let Err(error) = (&*self.0).write_all(format!("{event}\n").as_bytes()) {
            eprintln!("the events cannot be written: {error}");
        }
    }
}
