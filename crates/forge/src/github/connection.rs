//! GraphQL connections, and going on within one.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::request::Failure;

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
