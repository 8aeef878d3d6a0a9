//! GraphQL connections, and going on within one.

use serde::{Deserialize, Serialize};

use super::request::Failure;
use crate::Error;

/// Whether and where a connection goes on.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl PageInfo {
    /// The cursor of the next page.
    pub(super) fn next(self) -> Option<String> {
        self.end_cursor.filter(|_| self.has_next_page)
    }
}

/// Where to go on, and how many to ask for: fewer after the host found it too much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) size: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<String>,
}

impl Place {
    /// Reads a cursor that we once gave out.
    pub(super) fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
        serde_json::from_str(text).map_err(|error| Error::Protocol {
            detail: format!("\"{text}\" is not a place to go on reading from: {error}."),
        })
    }

    /// Half as many, if the failure may come from asking for too many.
    pub(super) fn halve(&mut self, failure: Failure) -> Result<(), Error> {
        if !failure.is_heavy || self.size <= 1 {
            return Err(failure.error);
        }
        self.size /= 2;
        tracing::debug!(size = self.size, error = %failure.error, "asking for less");
        Ok(())
    }
}

/// Writes a cursor to be given out.
pub(super) fn write<T: Serialize>(place: &T) -> Result<String, Error> {
    serde_json::to_string(place).map_err(|error| Error::Protocol {
        detail: format!("A place to go on reading from cannot be written: {error}."),
    })
}
