//! Sliding minutes and requests at the same time.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Bucket, Charge};

/// How long a point counts.
const MINUTE: TimeDelta = TimeDelta::seconds(60);

/// The points of one minute, oldest first.
type Minute = VecDeque<(DateTime<Utc>, u64)>;

/// What every bucket did within the last minute.
#[derive(Debug, Default)]
pub(super) struct Pace {
    in_flight: BTreeMap<Bucket, usize>,
    spent: BTreeMap<(Bucket, String), Minute>,
}

impl Pace {
    pub(super) fn in_flight(&self, bucket: &Bucket) -> usize {
        self.in_flight.get(bucket).copied().unwrap_or(0)
    }

    /// Points of the last minute on one endpoint.
    pub(super) fn spent(&mut self, bucket: &Bucket, endpoint: &str, now: DateTime<Utc>) -> u64 {
        let Some(points) = self.spent.get_mut(&(bucket.clone(), endpoint.to_owned())) else {
            return 0;
        };
        while points.front().is_some_and(|(at, _)| *at <= now - MINUTE) {
            points.pop_front();
        }
        points.iter().map(|(_, points)| points).sum()
    }

    pub(super) fn begin(&mut self, charge: &Charge<'_>, now: DateTime<Utc>) {
        *self.in_flight.entry(charge.bucket.clone()).or_default() += 1;
        self.spent
            .entry((charge.bucket.clone(), charge.endpoint.to_owned()))
            .or_default()
            .push_back((now, charge.points));
    }

    pub(super) fn finish(&mut self, bucket: &Bucket) {
        if let Some(count) = self.in_flight.get_mut(bucket) {
            *count = count.saturating_sub(1);
        }
    }
}
