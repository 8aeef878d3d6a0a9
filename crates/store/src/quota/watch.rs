//! What somebody else than our workers spends of a bucket: what the host has left sinks faster than all workers' spending explains.

use chrono::{DateTime, TimeDelta, Utc};

use super::ledger::Known;

/// A rate is worth something when it was watched for this long.
const WATCHED: TimeDelta = TimeDelta::seconds(30);
const HOUR_MILLIS: u64 = 3_600_000;

/// What was watched in the running window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Watch {
    pub(super) from: Option<DateTime<Utc>>,
    /// What was left when it began.
    pub(super) left: u64,
    /// What our workers have reported since.
    pub(super) spent: u64,
    pub(super) others_spent: u64,
    pub(super) others_an_hour: u64,
}

impl Watch {
    /// Takes in what a report changed; `outstanding` may have been spent and not been reported yet.
    pub(super) fn look(
        self,
        before: Known,
        after: Known,
        spent: u32,
        outstanding: u64,
        now: DateTime<Utc>,
    ) -> Self {
        let (Some(left), Some(_)) = (after.left, after.reset_at) else {
            return Self {
                from: None,
                others_spent: 0,
                ..self
            };
        };
        let is_same =
            self.from.is_some() && before.reset_at.is_some() && !after.is_later_than(before);
        let Some(from) = self.from.filter(|_| is_same) else {
            return Self {
                from: Some(now),
                left: u64::from(left.remaining),
                spent: 0,
                others_spent: 0,
                ..self
            };
        };
        let spent = self.spent + u64::from(spent);
        let sunk = self.left.saturating_sub(u64::from(left.remaining));
        let others_spent = self
            .others_spent
            .max(sunk.saturating_sub(spent + outstanding));
        let watched = millis(now - from);
        let others_an_hour = if watched >= millis(WATCHED) {
            (others_spent * HOUR_MILLIS).div_ceil(watched)
        } else {
            self.others_an_hour
        };
        Self {
            from: Some(from),
            left: self.left,
            spent,
            others_spent,
            others_an_hour,
        }
    }

    /// What they are going to spend until the window's end.
    pub(super) fn until(self, end: Option<DateTime<Utc>>, now: DateTime<Utc>) -> u64 {
        end.map_or(0, |end| {
            (self.others_an_hour * millis(end - now)).div_ceil(HOUR_MILLIS)
        })
    }

    /// What they have spent, at least, and their rate an hour.
    pub(super) fn others(self) -> Option<(u32, u32)> {
        let whole = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        self.from
            .map(|_| (whole(self.others_spent), whole(self.others_an_hour)))
    }
}

fn millis(span: TimeDelta) -> u64 {
    u64::try_from(span.num_milliseconds()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn known(remaining: i64, reset: i64) -> Known {
        Known::stored(Some(5_000), Some(remaining), Some(at(reset)))
    }

    #[test]
    fn what_the_workers_do_not_explain_is_somebody_elses() {
        let watch = Watch::default().look(known(5_000, 3_600), known(5_000, 3_600), 0, 0, at(0));
        let watch = watch.look(known(5_000, 3_600), known(4_800, 3_600), 90, 100, at(60));
        assert_eq!(watch.others(), Some((10, 600)));
        assert_eq!(watch.until(Some(at(3_600)), at(60)), 590);
        let next = watch.look(known(4_800, 3_600), known(5_000, 7_200), 0, 0, at(3_601));
        assert_eq!(next.others(), Some((0, 600)), "the rate is remembered");
    }

    #[test]
    fn who_is_alone_has_no_others() {
        let watch = Watch::default().look(known(5_000, 3_600), known(5_000, 3_600), 0, 0, at(0));
        let watch = watch.look(known(5_000, 3_600), known(4_800, 3_600), 150, 50, at(60));
        assert_eq!(watch.others(), Some((0, 0)));
    }
}
