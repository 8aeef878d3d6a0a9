//! The times at which a schedule fires, and what changes of the clock do to them.

use chrono::{DateTime, Datelike, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::{Schedule, read};

/// How many minutes before a firing the time that was lost to a change of the clock is looked for.
const LONGEST_GAP_MINUTES: i64 = 180;

/// One time at which a schedule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firing {
    /// When.
    pub at: DateTime<Utc>,
    /// What the clocks of the schedule's time zone do then.
    pub change: Option<ClockChange>,
}

/// A change of the clock that a firing falls into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// The clocks go forward over the time that was meant.
    Skipped {
        /// The time that does not exist.
        meant: NaiveDateTime,
    },
    /// The clocks go back, and the time comes twice.
    Twice,
}

impl Schedule {
    /// The next times at which the plan is due, each later than the one before.
    pub fn next_times(&self, after: DateTime<Utc>, count: usize) -> Vec<Firing> {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last))
            .take(count)
            .map(|at| Firing {
                at,
                change: self.change_at(at),
            })
            .collect()
    }

    /// A sentence about the first of these firings that a change of the clock touches.
    pub fn clock_change(&self, firings: &[Firing]) -> Option<String> {
        let zone = self.zone();
        firings.iter().find_map(|firing| {
            let local = firing.at.with_timezone(&zone);
            let day = format!("{} {}", local.day(), local.format("%B %Y"));
            let time = local.format("%H:%M");
            Some(match firing.change? {
                ClockChange::Skipped { meant } => format!(
                    "The clocks of {zone} go forward on {day}: {} does not exist that day, so the plan runs at {time}.",
                    meant.format("%H:%M")
                ),
                ClockChange::Twice => format!(
                    "The clocks of {zone} go back on {day}: {time} comes twice that day. The plan runs at {} UTC.",
                    firing.at.format("%H:%M")
                ),
            })
        })
    }

    fn change_at(&self, at: DateTime<Utc>) -> Option<ClockChange> {
        let zone = self.zone();
        let local = at.with_timezone(&zone).naive_local();
        if matches!(zone.from_local_datetime(&local), LocalResult::Ambiguous(..)) {
            return Some(ClockChange::Twice);
        }
        let cron = read(self.cron()).ok()?;
        let matches = |time: NaiveDateTime| cron.is_time_matching(&time.and_utc()).unwrap_or(true);
        if matches(local) {
            return None;
        }
        (1..=LONGEST_GAP_MINUTES)
            .filter_map(|minutes| local.checked_sub_signed(TimeDelta::minutes(minutes)))
            .take_while(|time| is_lost(zone, *time))
            .filter(|time| matches(*time))
            .last()
            .map(|meant| ClockChange::Skipped { meant })
    }
}

/// Whether the clocks of a zone never show a time.
fn is_lost(zone: Tz, time: NaiveDateTime) -> bool {
    matches!(zone.from_local_datetime(&time), LocalResult::None)
}
