//! Fixed windows that begin with the first request in them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Bucket, Charge, Resource};

/// What the five `x-ratelimit-*` headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) resource: Resource,
    pub(crate) limit: u64,
    pub(crate) used: u64,
    pub(crate) reset: i64,
}

impl Reading {
    pub(crate) fn remaining(self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

#[derive(Debug, Clone, Copy)]
struct Window {
    used: u64,
    reset: i64,
}

/// The windows of all buckets.
#[derive(Debug, Default)]
pub(super) struct Windows(BTreeMap<(Bucket, Resource), Window>);

impl Windows {
    /// Charges a request; false when the window had nothing left. Refused requests are counted too.
    pub(super) fn charge(
        &mut self,
        charge: &Charge<'_>,
        limit: u64,
        seconds: i64,
        now: DateTime<Utc>,
    ) -> bool {
        let key = (charge.bucket.clone(), charge.resource);
        let fresh = Window {
            used: 0,
            reset: now.timestamp() + seconds,
        };
        let window = self.0.entry(key).or_insert(fresh);
        if window.reset <= now.timestamp() {
            *window = fresh;
        }
        let admitted = charge.cost == 0 || window.used < limit;
        window.used += charge.cost;
        admitted
    }

    pub(super) fn refund(&mut self, bucket: &Bucket, resource: Resource, cost: u64) {
        if let Some(window) = self.0.get_mut(&(bucket.clone(), resource)) {
            window.used = window.used.saturating_sub(cost);
        }
    }

    pub(super) fn reading(
        &self,
        bucket: &Bucket,
        resource: Resource,
        limit: u64,
        seconds: i64,
        now: DateTime<Utc>,
    ) -> Reading {
        let window = self
            .0
            .get(&(bucket.clone(), resource))
            .filter(|window| window.reset > now.timestamp());
        Reading {
            resource,
            limit,
            used: window.map_or(0, |window| window.used),
            reset: window.map_or(now.timestamp() + seconds, |window| window.reset),
        }
    }
}
