//! Which of several buckets goes first.
//!
//! The measure is the pace at which a bucket would have to be spent so that nothing expires unused:
//! what is left to spend, divided by the time until its window ends. Where windows end together that is
//! simply the most remaining; where they do not, quota that would expire sooner weighs more, and weighs
//! more with every minute in which it is not touched.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

/// What a user has an hour (GitHub docs): the guess for a bucket that was never heard of.
pub(super) const USUAL_LIMIT: u32 = 5_000;
/// Two paces closer together than this part of the greater one are as good as equal.
const TIE_PART: u128 = 20;

/// What a bucket has to offer at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Left to spend, after leases outstanding and the reserve; a guess where nothing was heard yet.
    pub remaining: u32,
    /// What a whole window holds, if that is known.
    pub limit: u32,
    /// Whether `remaining` was heard and not guessed.
    pub is_known: bool,
    /// When the window ends, if it has begun.
    pub reset_at: Option<DateTime<Utc>>,
    /// Time until then, or a whole window.
    pub expires_in: TimeDelta,
    /// Whether the host does not count at all.
    pub unlimited: bool,
}

impl Offer {
    /// What a host offers that does not count, or where a request is free of charge.
    pub(super) fn unlimited(window: TimeDelta) -> Self {
        Self {
            remaining: u32::MAX,
            limit: u32::MAX,
            is_known: false,
            reset_at: None,
            expires_in: window,
            unlimited: true,
        }
    }

    /// The offer's place among others at this moment; the greatest goes first.
    ///
    /// A window begins with the first request, so that to begin it costs nothing and to leave it costs the time until it ends:
    /// a budget of which nothing was heard goes before those that were heard of. It is one request, for the next has to wait
    /// for the answer.
    pub fn rank(&self) -> u64 {
        if self.unlimited {
            return u64::MAX;
        }
        if !self.is_known {
            return u64::MAX - 1;
        }
        (u64::from(self.remaining) << 24) / millis(self.expires_in)
    }

    /// Orders by the pace needed: `Greater` goes first.
    pub fn compare(&self, other: &Self) -> Ordering {
        let by_limit = self.unlimited.cmp(&other.unlimited);
        by_limit.then_with(|| self.cross(other).cmp(&other.cross(self)))
    }

    /// Whether the difference is too small to change credentials for it.
    pub fn is_tie(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.cross(other), other.cross(self));
        self.unlimited == other.unlimited && mine.abs_diff(theirs) * TIE_PART <= mine.max(theirs)
    }

    /// `remaining / expires_in` of both, brought to the same denominator.
    fn cross(&self, other: &Self) -> u128 {
        u128::from(self.remaining) * u128::from(millis(other.expires_in))
    }
}

fn millis(span: TimeDelta) -> u64 {
    u64::try_from(span.num_milliseconds()).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(remaining: u32, seconds: i64) -> Offer {
        Offer {
            remaining,
            limit: 5_000,
            is_known: true,
            reset_at: None,
            expires_in: TimeDelta::seconds(seconds),
            unlimited: false,
        }
    }

    #[test]
    fn where_windows_end_together_the_most_remaining_goes_first() {
        assert_eq!(offer(100, 600).compare(&offer(99, 600)), Ordering::Greater);
        assert_eq!(offer(7, 600).compare(&offer(7, 600)), Ordering::Equal);
    }

    #[test]
    fn quota_that_would_expire_unused_goes_first() {
        assert_eq!(
            offer(100, 60).compare(&offer(5_000, 3_600)),
            Ordering::Greater
        );
        assert_eq!(offer(50, 60).compare(&offer(5_000, 3_600)), Ordering::Less);
        assert_eq!(
            offer(50, 30).compare(&offer(5_000, 3_600)),
            Ordering::Greater
        );
    }

    #[test]
    fn a_host_that_does_not_count_goes_before_all() {
        let free = Offer {
            unlimited: true,
            ..offer(0, 3_600)
        };
        assert_eq!(free.compare(&offer(u32::MAX, 1)), Ordering::Greater);
    }

    #[test]
    fn a_twentieth_is_a_tie() {
        assert!(offer(100, 60).is_tie(&offer(95, 60)));
        assert!(!offer(100, 60).is_tie(&offer(94, 60)));
    }
}
