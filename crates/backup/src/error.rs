//! How keeping and bringing back can fail, in as many ways as a caller can react.

use std::path::Path;

use forge::Retry;

/// Why a snapshot was not taken, verified or restored. Its `Display` is a sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The host did not give what the snapshot cannot do without.
    #[error(transparent)]
    Forge(#[from] forge::Error),
    /// The storage refused or failed.
    #[error("{detail}")]
    Storage {
        /// A sentence.
        detail: String,
        /// Whether there is no room left.
        full: bool,
        /// Whether the storage is not there: folder missing, endpoint not answering, access refused.
        unreachable: bool,
    },
    /// The git command failed.
    #[error("{detail}")]
    Git {
        /// A sentence with git's words.
        detail: String,
        /// Whether it may succeed later.
        transient: bool,
    },
    /// The working folder on this machine failed.
    #[error("{detail}")]
    Staging {
        /// A sentence.
        detail: String,
        /// Whether there is no room left.
        full: bool,
    },
    /// The caller gave up.
    #[error("The work was cancelled.")]
    Cancelled,
}

impl Error {
    /// Whether and when the same work may succeed.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Forge(error) => error.retry(),
            Self::Storage { full: true, .. }
            | Self::Git {
                transient: false, ..
            }
            | Self::Staging { full: true, .. }
            | Self::Cancelled => Retry::Never,
            Self::Storage { full: false, .. }
            | Self::Git {
                transient: true, ..
            }
            | Self::Staging { full: false, .. } => Retry::Later,
        }
    }

    /// A failure of the working folder.
    pub(crate) fn staging(path: &Path, error: &std::io::Error) -> Self {
        let full = is_full(error);
        let detail = if full {
            format!(
                "The working folder is full: {} cannot be written.",
                path.display()
            )
        } else {
            format!("The working folder failed at {}: {error}.", path.display())
        };
        Self::Staging { detail, full }
    }

    /// A failure of the storage that is neither lack of room nor absence.
    pub(crate) fn storage(detail: impl Into<String>) -> Self {
        Self::Storage {
            detail: detail.into(),
            full: false,
            unreachable: false,
        }
    }
}

/// Whether the disk or the quota is used up.
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    )
}
