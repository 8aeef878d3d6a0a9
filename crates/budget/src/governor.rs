//! One host, seen from all of our buckets together: it knows the address that they share.

use chrono::{DateTime, TimeDelta, Utc};
use domain::BucketKey;

use super::backoff::Backoff;
use super::flight::Flight;
use super::verdict::{Hold, Why};

/// Several buckets that are asked to slow down within this time mean that the address is meant (hub4j/github-api#1728).
const TOGETHER: TimeDelta = TimeDelta::seconds(60);

/// Concurrency and manners towards one host.
#[derive(Debug, Clone, Default)]
pub(super) struct Governor {
    pub(super) flight: Flight,
    backoff: Backoff,
    last: Option<(BucketKey, DateTime<Utc>)>,
}

impl Governor {
    /// Whether the host may take one more request from anybody.
    pub(super) fn consider(
        &self,
        remaining: Option<u32>,
        most: u32,
        now: DateTime<Utc>,
    ) -> Result<(), Hold> {
        let hold = |why, until| Hold {
            why,
            until,
            remaining,
        };
        if let Some((until, reason)) = self.backoff.current(now) {
            return Err(hold(Why::HostBackingOff(reason.to_owned()), Some(until)));
        }
        if self.flight.count() >= most {
            return Err(hold(Why::HostBusy, None));
        }
        Ok(())
    }

    /// A bucket was asked to slow down until an instant.
    pub(super) fn strike(
        &mut self,
        key: &BucketKey,
        until: DateTime<Utc>,
        reason: &str,
        now: DateTime<Utc>,
    ) {
        let is_another = self
            .last
            .as_ref()
            .is_some_and(|(last, at)| last != key && now - *at <= TOGETHER);
        if is_another {
            self.backoff.extend(until, reason);
        }
        self.last = Some((key.clone(), now));
    }
}
