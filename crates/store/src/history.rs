//! What budgets did, minute by minute for a day and hour by hour for a quarter: written in batches by workers, read by pages.
//!
//! The rows belong to no tenant, as buckets do. A tenant reads them by the keys of its own credentials alone, and what its own
//! runs spent by itself: the rest of a bucket's requests is somebody else's, whoever that is.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{BucketKey, CredentialId, Resource, RunId, TenantId};

mod read;
mod write;

pub use read::{BucketPast, PastPoint, Span};

/// Minutes are kept for a little more than the day that a page shows.
const MINUTES_KEPT: TimeDelta = TimeDelta::hours(25);

/// Hours and events are kept for this long.
const HOURS_KEPT: TimeDelta = TimeDelta::days(90);

/// What one credential spent for a run within a minute, since it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendingRow {
    /// Whose run.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// The credential.
    pub credential: CredentialId,
    /// Whom the host charges for it.
    pub key: BucketKey,
    /// Which budget.
    pub resource: Resource,
    /// In the minute of this moment.
    pub at: DateTime<Utc>,
    /// Requests sent.
    pub requests: u64,
    /// Requests that the host refused.
    pub refused: u64,
    /// Requests that began to wait because this budget, among all that they might use, was spent.
    pub waits: u64,
}

/// Something that befell a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketEvent {
    /// Which one.
    pub key: BucketKey,
    /// Which budget; nothing where all of the bucket is meant.
    pub resource: Option<Resource>,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: BucketEventKind,
}

/// What befell a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketEventKind {
    /// Nothing is left to spend until its window ends.
    Spent {
        /// When it ends.
        until: DateTime<Utc>,
    },
    /// The host asked it to slow down.
    BackedOff {
        /// Until when it stands still.
        until: DateTime<Utc>,
        /// The host's words.
        reason: String,
    },
    /// The host refused requests, for whatever reason.
    Refused {
        /// A sentence for a person.
        reason: String,
    },
}

/// The beginning of the minute of a moment.
pub(crate) fn minute(at: DateTime<Utc>) -> DateTime<Utc> {
    begin(at, 60)
}

fn begin(at: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
    let stamp = at.timestamp();
    DateTime::from_timestamp(stamp - stamp.rem_euclid(seconds), 0).unwrap_or(at)
}

#[cfg(test)]
mod tests;
