//! How far something is, for those who watch.

use domain::Kind;
use serde::{Deserialize, Serialize};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Bringing the working folder back from the newest snapshot.
    Hydrate,
    /// Reading one kind of data from the host.
    Fetch,
    /// Writing the snapshot.
    Store,
    /// Writing the files of a snapshot to a folder.
    Restore,
    /// Checking what is stored.
    Verify,
}

/// One step forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Which kind of data, while fetching.
    pub kind: Option<Kind>,
    /// How much is done: items while fetching metadata, objects of git, LFS and assets; bytes otherwise.
    pub done: u64,
    /// How much there is, if that is known.
    pub total: Option<u64>,
}
