//! What leaves and enters the pool as values: stored knowledge and events.

use chrono::{DateTime, Utc};
use domain::{BucketKey, CredentialId, Reading, Resource};

/// What is known of one budget, for keeping over a restart and for showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketState {
    /// Whose budget.
    pub key: BucketKey,
    /// Which budget.
    pub resource: Resource,
    /// What the host said last, if anything; its window may have ended.
    pub reading: Option<Reading>,
    /// Until when the bucket backs off.
    pub backoff_until: Option<DateTime<Utc>>,
    /// Why it backs off, in the host's words.
    pub backoff_reason: Option<String>,
    /// Whether the host does not count this budget.
    pub unlimited: bool,
}

/// Something that others should know or keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The host refused the credential itself; it is not tried again.
    Died {
        /// Which one.
        credential: CredentialId,
        /// The host's words.
        reason: String,
    },
    /// The host refused a token that can be renewed: requests wait until the member has another one.
    Refused {
        /// Whose.
        credential: CredentialId,
        /// The host's words.
        reason: String,
    },
    /// It was learnt whether a credential sees a repository.
    Access {
        /// Which credential.
        credential: CredentialId,
        /// The host's number of the repository.
        repository: i64,
        /// Whether it sees it.
        sees: bool,
    },
    /// The host asked a bucket to slow down.
    BackedOff {
        /// Which one.
        bucket: BucketKey,
        /// Until when.
        until: DateTime<Utc>,
        /// The host's words.
        reason: String,
    },
    /// A budget has nothing left to spend in this window.
    Spent {
        /// Whose.
        bucket: BucketKey,
        /// Which.
        resource: Resource,
        /// When the window ends.
        reset_at: DateTime<Utc>,
    },
}
