//! What somebody else spends of a budget: what the host has left sinks faster than our own requests explain.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Reading;

/// A rate is worth something when it was watched for this long.
const WATCHED: TimeDelta = TimeDelta::seconds(30);
/// What they may take while a request of ours is on its way.
const ON_THE_WAY: TimeDelta = TimeDelta::seconds(2);
/// How often in a window it is looked whether they have left some of what is kept for them.
const LOOKS_A_WINDOW: i32 = 60;
const HOUR_MILLIS: u64 = 3_600_000;

/// Somebody else's spending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Others {
    base: Option<Base>,
    heard_at: Option<DateTime<Utc>>,
    /// Ours that were answered since.
    answered: u32,
    /// Theirs in this window, at least.
    spent: u32,
    an_hour: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Base {
    at: DateTime<Utc>,
    reading: Reading,
}

impl Others {
    /// Ours was answered, or may have been counted.
    pub(super) fn answer(&mut self, points: u32) {
        self.answered = self.answered.saturating_add(points);
    }

    /// The host told what is left, while so many points of ours are under way.
    pub(super) fn read(
        &mut self,
        heard: Reading,
        under_way: u32,
        now: DateTime<Utc>,
        same_window: TimeDelta,
    ) {
        self.heard_at = Some(now);
        let base = self
            .base
            .filter(|base| (base.reading.reset_at - heard.reset_at).abs() <= same_window);
        let Some(base) = base else {
            self.base = Some(Base {
                at: now,
                reading: heard,
            });
            self.answered = 0;
            self.spent = 0;
            return;
        };
        let ours = self.answered.saturating_add(under_way);
        let theirs = base
            .reading
            .remaining
            .saturating_sub(heard.remaining)
            .saturating_sub(ours);
        self.spent = self.spent.max(theirs);
        let watched = millis(now - base.at);
        if watched >= millis(WATCHED) {
            let an_hour = (u64::from(self.spent) * HOUR_MILLIS).div_ceil(watched.max(1));
            self.an_hour = u32::try_from(an_hour).unwrap_or(u32::MAX);
        }
    }

    /// Another process watched all of ours and theirs.
    pub(super) fn told(&mut self, spent: u32, an_hour: u32, now: DateTime<Utc>) {
        self.heard_at = Some(now);
        self.spent = spent;
        self.an_hour = an_hour;
    }

    /// What they spend in a span of time.
    pub(super) fn during(&self, span: TimeDelta) -> u32 {
        if self.an_hour == 0 {
            return 0;
        }
        let theirs = (u64::from(self.an_hour) * millis(span.max(ON_THE_WAY))).div_ceil(HOUR_MILLIS);
        u32::try_from(theirs).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// What they are going to spend until the window's end, beginning when the host was heard last: what they have spent since
    /// then is not known yet.
    pub(super) fn until(&self, end: DateTime<Utc>) -> u32 {
        self.heard_at.map_or(0, |heard| self.during(end - heard))
    }

    /// What they may have spent since the host was heard last.
    pub(super) fn since(&self, now: DateTime<Utc>) -> u32 {
        self.heard_at.map_or(0, |heard| self.during(now - heard))
    }

    /// When to look whether they have left some of what is kept for them; nothing if nothing is.
    pub(super) fn look_at(&self, window: TimeDelta) -> Option<DateTime<Utc>> {
        self.heard_at
            .filter(|_| self.an_hour > 0)
            .map(|heard| heard + window / LOOKS_A_WINDOW)
    }

    /// What they have spent in this window, at least, and their rate an hour.
    pub(super) fn seen(&self) -> (u32, u32) {
        (self.spent, self.an_hour)
    }
}

fn millis(span: TimeDelta) -> u64 {
    u64::try_from(span.num_milliseconds()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn reading(remaining: u32, reset: i64) -> Reading {
        Reading {
            limit: 5_000,
            remaining,
            reset_at: at(reset),
        }
    }

    #[test]
    fn what_our_own_requests_do_not_explain_is_theirs() {
        let mut others = Others::default();
        let same = TimeDelta::seconds(60);
        others.read(reading(5_000, 3_600), 0, at(0), same);
        others.answer(90);
        others.read(reading(4_890, 3_600), 10, at(60), same);
        assert_eq!(others.seen(), (10, 600));
        assert_eq!(others.until(at(3_600)), 591);
        others.read(reading(5_000, 7_200), 0, at(3_601), same);
        assert_eq!(others.seen(), (0, 600), "the rate is remembered");
    }

    #[test]
    fn who_is_alone_leaves_nothing_to_others() {
        let mut others = Others::default();
        let same = TimeDelta::seconds(60);
        others.read(reading(5_000, 3_600), 0, at(0), same);
        others.answer(95);
        others.read(reading(4_900, 3_600), 5, at(60), same);
        assert_eq!(others.until(at(3_600)), 0);
    }
}
