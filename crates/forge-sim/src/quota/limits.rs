//! The numbers of the limits, as GitHub documents them, all of them movable.

use serde::{Deserialize, Serialize};

/// What a user may spend in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// REST requests.
    pub core: u64,
    /// GraphQL points.
    pub graphql: u64,
}

impl Quota {
    /// The same number for REST and GraphQL.
    pub fn both(limit: u64) -> Self {
        Self {
            core: limit,
            graphql: limit,
        }
    }
}

/// All limits (GitHub docs: rate limits for the REST API; rate limits and query limits for the GraphQL API).
#[derive(Debug, Clone)]
pub struct Limits {
    /// Nothing is counted, as on an Enterprise Server whose administrator has not switched it on.
    pub off: bool,
    /// What every user has, unless told apart.
    pub user: Quota,
    /// REST requests per window of an address without a token.
    pub anonymous: u64,
    /// Length of the window, which begins with the first request in it.
    pub window_seconds: i64,
    /// Requests of one bucket at the same time.
    pub concurrency: usize,
    /// Points per minute on one REST endpoint.
    pub points_per_minute: u64,
    /// Points per minute on GraphQL.
    pub graphql_points_per_minute: u64,
    /// Git LFS requests per minute.
    pub lfs_per_minute: u64,
    /// Answer 429 rather than 403 to REST requests over the primary limit.
    pub primary_as_429: bool,
    /// Answer 429 rather than 403 to requests over a secondary limit.
    pub secondary_as_429: bool,
    /// `retry-after` of secondary limits; none when absent.
    pub secondary_retry_after: Option<u64>,
    /// By how many seconds the reset in headers wobbles.
    pub reset_jitter_seconds: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            off: false,
            user: Quota::both(5_000),
            anonymous: 60,
            window_seconds: 3_600,
            concurrency: 100,
            points_per_minute: 900,
            graphql_points_per_minute: 2_000,
            lfs_per_minute: 3_000,
            primary_as_429: false,
            secondary_as_429: false,
            secondary_retry_after: Some(60),
            reset_jitter_seconds: 0,
        }
    }
}
