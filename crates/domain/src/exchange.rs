//! How processes that use the same buckets share out what is left of them: each reports what it spent and asks for more.

use chrono::{DateTime, Utc};

use crate::{BucketKey, Reading, Resource};

/// One budget's part of an exchange with the other processes that use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Whose budget.
    pub key: BucketKey,
    /// Which budget.
    pub resource: Resource,
    /// What this process heard last; a window that has ended tells the limit still.
    pub reading: Option<Reading>,
    /// Spent of the granted shares since the last exchange; takes the shares down.
    pub spent: u32,
    /// How much more is asked for.
    pub want: u32,
    /// Share of the limit that no process may touch.
    pub reserve_percent: u8,
    /// Until when the bucket backs off, and why.
    pub backoff: Option<(DateTime<Utc>, String)>,
    /// Whether everything granted and unspent is given back with this exchange.
    pub returned: bool,
}

/// The answer to one [`Exchange`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose budget.
    pub key: BucketKey,
    /// Which budget.
    pub resource: Resource,
    /// Added to this process's share.
    pub granted: u32,
    /// What all processes together know of the window that is running.
    pub reading: Option<Reading>,
    /// Until when the bucket backs off, and why.
    pub backoff: Option<(DateTime<Utc>, String)>,
    /// Processes that use the bucket, this one included: what is not counted in shares is divided among them.
    pub sharers: u32,
    /// What somebody else spent in this window, at least, and their rate an hour, if that was watched.
    pub others: Option<(u32, u32)>,
}
