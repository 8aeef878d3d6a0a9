//! What is known of the running window of one budget.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Reading;

/// A host's idea of a window's end flickers by a second or so between answers (badges/shields#4590); ends this close
/// together are the same window.
const SAME_WINDOW: TimeDelta = TimeDelta::seconds(5);

/// A client that wakes exactly at the reset is still limited (ghuser-io/db#2); Octokit waits a second longer too.
const GRACE: TimeDelta = TimeDelta::seconds(1);

/// Knowledge of one budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quota {
    /// Nothing was heard in this window.
    Unknown {
        /// What was heard in the last one.
        last: Option<Reading>,
    },
    /// The host said so.
    Known {
        /// The least that was heard in this window.
        reading: Reading,
        /// Whether it was heard since the start; stored knowledge may be stale.
        confirmed: bool,
    },
    /// The host does not count this budget.
    Unlimited,
}

/// When a window that is said to end at an instant is over for certain.
pub(super) fn over_at(reset_at: DateTime<Utc>) -> DateTime<Utc> {
    reset_at + GRACE
}

impl Quota {
    /// Forgets a window that has ended; answers whether one has.
    pub(super) fn roll(&mut self, now: DateTime<Utc>) -> bool {
        match *self {
            Self::Known { reading, .. } if over_at(reading.reset_at) <= now => {
                *self = Self::Unknown {
                    last: Some(reading),
                };
                true
            }
            Self::Known { .. } | Self::Unknown { .. } | Self::Unlimited => false,
        }
    }

    /// Takes in what the host said.
    pub(super) fn read(&mut self, heard: Reading, now: DateTime<Utc>) {
        self.roll(now);
        if over_at(heard.reset_at) <= now {
            return;
        }
        let reading = match *self {
            Self::Known { reading, .. } if is_same_window(reading, heard) => Reading {
                limit: heard.limit,
                remaining: heard.remaining.min(reading.remaining),
                reset_at: heard.reset_at.max(reading.reset_at),
            },
            Self::Known {
                reading,
                confirmed: true,
            } if heard.reset_at < reading.reset_at => return,
            Self::Known { .. } | Self::Unknown { .. } | Self::Unlimited => heard,
        };
        *self = Self::Known {
            reading,
            confirmed: true,
        };
    }

    /// Takes in stored knowledge, which is worth less than anything heard since the start.
    pub(super) fn recall(&mut self, stored: Reading, now: DateTime<Utc>) {
        self.roll(now);
        let is_over = over_at(stored.reset_at) <= now;
        match self {
            Self::Unknown { last } if is_over => *last = Some(stored),
            Self::Unknown { .. } => {
                *self = Self::Known {
                    reading: stored,
                    confirmed: false,
                }
            }
            Self::Known { .. } | Self::Unlimited => {}
        }
    }

    /// Takes in what other processes heard.
    pub(super) fn hear_of(&mut self, heard: Reading, now: DateTime<Utc>) {
        let was_unconfirmed = matches!(
            self,
            Self::Known {
                confirmed: false,
                ..
            }
        );
        self.read(heard, now);
        if let Self::Known { confirmed, .. } = self
            && was_unconfirmed
        {
            *confirmed = false;
        }
    }

    /// What was heard, of this window or of the last one.
    pub(super) fn heard(&self) -> Option<Reading> {
        match self {
            Self::Known { reading, .. } => Some(*reading),
            Self::Unknown { last } => *last,
            Self::Unlimited => None,
        }
    }

    /// What was heard of this window.
    pub(super) fn reading(&self) -> Option<Reading> {
        match self {
            Self::Known { reading, .. } => Some(*reading),
            Self::Unknown { .. } | Self::Unlimited => None,
        }
    }

    /// Whether more than one request at a time may leave.
    pub(super) fn is_proven(&self) -> bool {
        match self {
            Self::Known { confirmed, .. } => *confirmed,
            Self::Unknown { .. } => false,
            Self::Unlimited => true,
        }
    }
}

fn is_same_window(one: Reading, other: Reading) -> bool {
    (one.reset_at - other.reset_at).abs() <= SAME_WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn reading(remaining: u32, reset: i64) -> Reading {
        Reading {
            limit: 100,
            remaining,
            reset_at: at(reset),
        }
    }

    #[test]
    fn answers_that_overtake_each_other_leave_the_least() {
        let mut quota = Quota::Unknown { last: None };
        for (remaining, reset) in [(90, 600), (88, 601), (89, 599)] {
            quota.read(reading(remaining, reset), at(0));
        }
        assert_eq!(quota.reading(), Some(reading(88, 601)));
    }

    #[test]
    fn a_newer_window_replaces_and_an_older_one_is_ignored() {
        let mut quota = Quota::Unknown { last: None };
        quota.read(reading(3, 600), at(0));
        quota.read(reading(99, 1200), at(0));
        quota.read(reading(2, 600), at(0));
        assert_eq!(quota.reading(), Some(reading(99, 1200)));
    }

    #[test]
    fn a_window_is_over_a_second_after_its_end() {
        let mut quota = Quota::Unknown { last: None };
        quota.read(reading(0, 600), at(0));
        quota.roll(at(600));
        assert!(quota.reading().is_some());
        quota.roll(at(601));
        let ended = Quota::Unknown {
            last: Some(reading(0, 600)),
        };
        assert_eq!(quota, ended);
        quota.read(reading(0, 600), at(601));
        assert_eq!(quota, ended);
    }

    #[test]
    fn stored_knowledge_gives_way_to_what_is_heard() {
        let mut quota = Quota::Unknown { last: None };
        quota.recall(reading(50, 600), at(0));
        assert!(!quota.is_proven());
        quota.read(reading(70, 300), at(0));
        assert_eq!(quota.reading(), Some(reading(70, 300)));
        quota.recall(reading(1, 600), at(0));
        assert_eq!(quota.reading(), Some(reading(70, 300)));
    }

    #[test]
    fn stored_knowledge_of_an_ended_window_leaves_only_the_limit() {
        let mut quota = Quota::Unknown { last: None };
        quota.recall(reading(0, -10), at(0));
        assert_eq!(
            (quota.reading(), quota.heard()),
            (None, Some(reading(0, -10)))
        );
    }
}
