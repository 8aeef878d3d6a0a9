//! The pool in four numbers.

use chrono::{DateTime, Utc};
use store::Throttling;

use super::bucket::Bucket;
use crate::quota::Strip;

/// More cells than this are no longer told apart: they become one.
const CELLS: usize = 48;

/// The numbers above the page.
#[derive(Debug, Clone)]
pub(super) struct Stats {
    pub(super) strip: Strip,
    /// Requests a minute.
    pub(super) pace: u64,
    /// Of these, requests of others in this installation.
    pub(super) neighbours: u64,
    pub(super) fetching: u64,
    pub(super) waiting: u64,
    pub(super) throttled: u64,
    /// When the first of those goes on.
    pub(super) throttled_until: Option<DateTime<Utc>>,
    /// When the last of the tasks under way is expected to end.
    pub(super) ends_at: Option<DateTime<Utc>>,
    /// Requests that are expected until then.
    pub(super) to_go: u64,
}

impl Stats {
    pub(super) fn of(buckets: &[Bucket], picture: &Throttling, now: DateTime<Utc>) -> Self {
        let known: Vec<_> = buckets
            .iter()
            .filter(|bucket| bucket.is_used)
            .filter_map(|bucket| {
                let (left, limit) = bucket.left()?;
                let gauge = bucket.state.gauge();
                Some((left, limit, gauge, bucket.reset_at()))
            })
            .collect();
        let strip = if known.len() <= CELLS {
            Strip::lay(&known)
        } else {
            let left = known.iter().map(|(left, ..)| left).sum();
            let limit = known.iter().map(|(_, limit, ..)| limit).sum();
            let next = known.iter().filter_map(|(_, _, _, reset)| *reset).min();
            Strip::lay(&[(left, limit, "ok", next)])
        };
        let sum = |count: fn(&store::RunRow) -> u64| picture.runs.iter().map(count).sum();
        Self {
            strip,
            pace: buckets.iter().map(|bucket| bucket.pace).sum(),
            neighbours: buckets.iter().map(|bucket| bucket.neighbours).sum(),
            fetching: sum(|run| run.tally.running),
            waiting: sum(|run| run.tally.queued),
            throttled: sum(|run| run.tally.throttled),
            throttled_until: picture
                .runs
                .iter()
                .filter_map(|run| run.throttled_until)
                .min(),
            ends_at: picture
                .forecasts
                .iter()
                .filter_map(|one| one.expected_end_at)
                .max()
                .map(|at| at.max(now)),
            to_go: picture.forecasts.iter().map(|one| one.left).sum(),
        }
    }
}
