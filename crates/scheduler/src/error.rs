//! Why the scheduler could not do what it was asked.

use std::path::PathBuf;

use forge::Retry;

/// An error of the scheduler. Its text is for a person, its source for a log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The host failed.
    #[error(transparent)]
    Forge(#[from] forge::Error),
    /// The storage, or what is in it, failed.
    #[error(transparent)]
    Backup(#[from] backup::Error),
    /// No snapshot of the organization was ever put into the storage.
    #[error(
        "Nothing was backed up to the storage \"{storage}\" yet: run a plan that uses it first."
    )]
    NothingStored {
        /// The storage's name.
        storage: String,
    },
    /// A storage's row cannot be understood, or lacks its secret.
    #[error("The storage \"{storage}\" cannot be opened: {detail}")]
    Place {
        /// The storage's name.
        storage: String,
        /// What is wrong.
        detail: String,
    },
    /// Somebody else works on the storage in a way that excludes this.
    #[error("The storage \"{storage}\" is in use by other work: try again when it has ended.")]
    Busy {
        /// The storage's name.
        storage: String,
    },
    /// A plan names a repository that the host does not list.
    #[error(
        "The host does not list {repository}: it was renamed or deleted, or no credential of the plan sees it. Snapshots that were taken of it are kept."
    )]
    Unlisted {
        /// The repository's name.
        repository: String,
    },
    /// The folder for staging and caches cannot be used.
    #[error("The folder {} cannot be used.", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    /// Whether and when the same work may succeed.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Forge(error) => error.retry(),
            // What cannot be reached is for a person to look at; the engine has tried long enough by itself.
            Self::Backup(backup::Error::Storage {
                unreachable: true, ..
            }) => Retry::Never,
            Self::Backup(error) => error.retry(),
            Self::Store(error) if error.is_transient() => Retry::Later,
            Self::Busy { .. } => Retry::Later,
            Self::Store(_)
            | Self::NothingStored { .. }
            | Self::Place { .. }
            | Self::Unlisted { .. }
            | Self::Folder { .. } => Retry::Never,
        }
    }
}
