//! What is kept of a repository, and how it comes back.
//!
//! Refuses a backup that needs Holdfast's database to be restored: a snapshot is plain files (a bare git repository, JSON lines,
//! a manifest) in a repository of restic's format, which the stock `restic` opens with the organization's password.
//! Knows nothing of tenants, plans and queues, and sends no request to a host that does not pass through [`forge`].
//!
//! Start reading at [`snapshot::take`], then [`manifest`] and [`Storage`].
//!
//! Invariants:
//! - packs are written before the index and the index before the snapshot, so that a kill leaves rubbish but no half snapshot;
//! - a file that cannot be read, a cancelled run and a listing that breaks off are errors: no snapshot is written, nothing is pruned;
//! - what is missing from a snapshot is named in its manifest with the reason;
//! - the staging folder is disposable: what it holds comes from the newest snapshot or from the host;
//! - a secret reaches neither a process argument nor its environment, nor any file.
#![warn(missing_docs)]

mod assets;
mod blocking;
mod digest;
mod download;
mod error;
mod git;
mod lfs;
pub mod manifest;
mod metadata;
mod progress;
pub mod replay;
pub mod snapshot;
mod staging;
pub mod storage;

pub use error::Error;
pub use git::{GIT_WITH_PROACTIVE_AUTHENTICATION, git_version};
pub use progress::{Progress, Stage};
pub use storage::{
    Flow, Keys, Location, Restored, Scrubbed, Shelf, SnapshotFacts, Storage, Verification,
};
