//! Requests under way: all of them for the statistics, each user's for the limit of requests at the same time.

use std::sync::atomic::Ordering;

use crate::lock::lock;
use crate::quota::Bucket;
use crate::state::Simulator;

/// One request under way, until dropped.
pub(super) struct InFlight<'a>(&'a Simulator);

impl<'a> InFlight<'a> {
    pub(super) fn enter(simulator: &'a Simulator) -> Self {
        let now = simulator.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        let mut statistics = lock(&simulator.statistics);
        statistics.max_in_flight = statistics.max_in_flight.max(now);
        Self(simulator)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// One admitted request of a bucket, until dropped: also when the client goes away.
pub(super) struct Admitted<'a> {
    simulator: &'a Simulator,
    bucket: Bucket,
}

impl<'a> Admitted<'a> {
    pub(super) fn new(simulator: &'a Simulator, bucket: &Bucket) -> Self {
        Self {
            simulator,
            bucket: bucket.clone(),
        }
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        lock(&self.simulator.ledger).finish(&self.bucket);
    }
}
