//! The arithmetic of sharing a bucket, without any I/O.
//!
//! Why it never grants too much: a host's `remaining` only falls within a window, so the least that anybody has read is
//! at least what was left after everything read about. What was spent since then and not reported is part of a share,
//! and shares are subtracted whole.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Reading;

/// Readings of one window differ by this much at most: hosts round the end of a window to seconds.
const SAME_WINDOW: TimeDelta = TimeDelta::seconds(5);

/// A window counts as running this long after its end, because a host may be a little late in beginning the next.
const GRACE: TimeDelta = TimeDelta::seconds(1);

/// What is known of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// What is left; nothing if nobody has ever read it.
    pub(crate) left: Option<Left>,
    /// End of the window; nothing while no answer has told of the window that is running.
    pub(crate) reset_at: Option<DateTime<Utc>>,
}

/// Numbers of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
}

/// What a worker asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    pub(super) want: u32,
    pub(super) reserve_percent: u8,
    /// All shares, the asking worker's included.
    pub(super) outstanding: u64,
}

impl Known {
    pub(crate) fn stored(
        limit: Option<i64>,
        remaining: Option<i64>,
        reset_at: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            left: limit.zip(remaining).map(|(limit, remaining)| Left {
                limit: crate::decode::requests(limit),
                remaining: crate::decode::requests(remaining),
            }),
            reset_at,
        }
    }

    /// A window that has ended leaves a full one, of which only the limit is known.
    pub(crate) fn roll(self, now: DateTime<Utc>) -> Self {
        match (self.left, self.reset_at) {
            (Some(left), Some(reset_at)) if is_over(reset_at, now) => Self::full(left.limit),
            _ => self,
        }
    }

    /// Takes in what a worker heard last and what it spent.
    pub(super) fn learn(self, heard: Option<Reading>, spent: u32, now: DateTime<Utc>) -> Self {
        match (heard, self.left) {
            (Some(heard), _) if !is_over(heard.reset_at, now) => self.hear(heard),
            (Some(heard), None) => Self::full(heard.limit),
            (_, Some(left)) if self.reset_at.is_none() => Self {
                // Perhaps it was spent in the window that nobody has told of yet.
                left: Some(Left {
                    limit: left.limit,
                    remaining: left.remaining.saturating_sub(spent),
                }),
                reset_at: None,
            },
            (_, _) => self,
        }
    }

    fn hear(self, heard: Reading) -> Self {
        let (remaining, reset_at) = match (self.left, self.reset_at) {
            (Some(_), Some(end)) if heard.reset_at < end - SAME_WINDOW => return self,
            (Some(left), Some(end)) if heard.reset_at <= end + SAME_WINDOW => {
                (left.remaining.min(heard.remaining), end)
            }
            (_, _) => (heard.remaining, heard.reset_at),
        };
        Self {
            left: Some(Left {
                limit: heard.limit,
                remaining,
            }),
            reset_at: Some(reset_at),
        }
    }

    fn full(limit: u32) -> Self {
        Self {
            left: Some(Left {
                limit,
                remaining: limit,
            }),
            reset_at: None,
        }
    }

    /// Whether this is about a later window.
    pub(super) fn is_later_than(self, other: Self) -> bool {
        match (self.reset_at, other.reset_at) {
            (Some(own), Some(other)) => own - other > SAME_WINDOW,
            (_, _) => false,
        }
    }

    /// How much of what is wanted can be granted.
    pub(super) fn grant(self, demand: &Demand) -> u32 {
        let Some(left) = self.left else {
            // There is nothing to divide until somebody has read the bucket.
            return 0;
        };
        let reserve = (u64::from(left.limit) * u64::from(demand.reserve_percent)).div_ceil(100);
        let available = u64::from(left.remaining)
            .saturating_sub(reserve)
            .saturating_sub(demand.outstanding);
        demand
            .want
            .min(u32::try_from(available).unwrap_or(u32::MAX))
    }

    /// The reading to hand out, if anything is known of the window that is running.
    pub(super) fn reading(self) -> Option<Reading> {
        let left = self.left?;
        Some(Reading {
            limit: left.limit,
            remaining: left.remaining,
            reset_at: self.reset_at?,
        })
    }
}

fn is_over(reset_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    reset_at + GRACE < now
}

#[cfg(test)]
mod tests;
