//! How long a host's windows really are: what is published is a beginning, what windows that followed each other show is better.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{BucketKey, Reading};

use super::ledger::Ledger;

/// Shorter ones cannot be told from a host's idea of the end that flickers.
const SHORTEST: TimeDelta = TimeDelta::seconds(3);

/// A difference of less than this part is a request's time on its way.
const ALIKE_PARTS: i32 = 20;

/// A window that began within this part of its length after the last one's end was waited for.
const WAITED_PARTS: i32 = 4;

/// The windows of one bucket, as they followed each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Windows {
    reset_at: Option<DateTime<Utc>>,
    found: Option<TimeDelta>,
}

impl Windows {
    /// Takes in an answer to a request that had left at a moment. One that belongs to a later window than the last may have begun
    /// it: then the window is as long as it lasts from there, or longer if somebody else had begun it. Where one followed the other
    /// at once, because somebody waited for it, what counts is the time from end to end.
    pub fn hear(&mut self, reading: Reading, left_at: DateTime<Utc>) -> Option<TimeDelta> {
        let before = self.reset_at.replace(reading.reset_at)?;
        let is_next = reading.reset_at > before + SHORTEST && left_at >= before;
        if !is_next {
            return None;
        }
        let lasts = reading.reset_at - left_at;
        let length = if left_at - before < lasts / WAITED_PARTS {
            reading.reset_at - before
        } else {
            lasts
        };
        // The longest of two: of the same host they are alike.
        let found = self.found.map_or(length, |found| {
            if is_alike(found, length) {
                found.max(length)
            } else {
                length
            }
        });
        self.found = Some(found);
        (found >= SHORTEST).then_some(found)
    }
}

impl Ledger {
    /// Takes note of how long a bucket's windows are, if that is news.
    pub fn find_window(&mut self, key: &BucketKey, window: TimeDelta) {
        if let Some(bucket) = self.bucket_of(key)
            && !bucket.terms.aligned
            && !is_alike(bucket.terms.window, window)
        {
            bucket.terms.window = window;
        }
    }
}

fn is_alike(one: TimeDelta, other: TimeDelta) -> bool {
    (one - other).abs() * ALIKE_PARTS <= one.max(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn reading(reset: i64) -> Reading {
        Reading {
            limit: 100,
            remaining: 50,
            reset_at: at(reset),
        }
    }

    #[test]
    fn a_window_is_known_when_another_one_followed_it() {
        let mut windows = Windows::default();
        assert_eq!(windows.hear(reading(7), at(0)), None, "it may be half over");
        assert_eq!(windows.hear(reading(7), at(3)), None);
        assert_eq!(
            windows.hear(reading(22), at(7)),
            Some(TimeDelta::seconds(15))
        );
        assert_eq!(windows.hear(reading(23), at(9)), None, "an end flickers");
        assert_eq!(
            windows.hear(reading(39), at(24)),
            Some(TimeDelta::seconds(16)),
            "whoever waited for it lost a second"
        );
    }

    #[test]
    fn what_is_published_stands_until_it_is_found_to_be_wrong() {
        let mut ledger = Ledger::new(crate::Sharing::Alone);
        let key: BucketKey = "git.test/user:1".parse().unwrap();
        let supply = |ledger: &mut Ledger| {
            let id = ledger.id(&key);
            let supply = ledger.supply(id, &domain::Resource::core(), at(0));
            supply.window
        };
        ledger.find_window(&key, TimeDelta::seconds(3_590));
        assert_eq!(supply(&mut ledger), 3_600_000);
        ledger.find_window(&key, TimeDelta::seconds(15));
        assert_eq!(supply(&mut ledger), 15_000);
    }
}
