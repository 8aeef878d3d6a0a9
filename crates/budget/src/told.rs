//! Buckets as they look to whoever does not spend them: what their processes have told, and what follows from it.

use chrono::{DateTime, TimeDelta, Utc};

use super::account::reserve;
use super::choice::USUAL_LIMIT;
use super::planner::{self, Supply, Work};
use super::terms::Terms;

/// What is known of one budget of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// What is left of which limit, in requests; nothing before a host has ever spoken.
    pub left: Option<(u32, u32)>,
    /// When the running window ends; nothing if none is running, as far as is known.
    pub reset_at: Option<DateTime<Utc>>,
    /// Share of the limit that is never touched.
    pub reserve_percent: u8,
    /// What somebody else spends of it an hour.
    pub others_an_hour: u32,
    /// Until when it backs off.
    pub backs_off_until: Option<DateTime<Utc>>,
}

impl Told {
    /// What it can take from now on.
    pub fn supply(&self, terms: &Terms, now: DateTime<Utc>) -> Supply {
        let window = millis(terms.window).max(1);
        let others = |span: u64| u64::from(self.others_an_hour) * span / 3_600_000;
        let (left, limit) = self.left.unwrap_or((USUAL_LIMIT, USUAL_LIMIT));
        let kept = reserve(limit, self.reserve_percent);
        let over = |count: u32, span: u64| {
            u64::from(count.saturating_sub(kept)).saturating_sub(others(span))
        };
        let supply = Supply {
            from: self.backs_off_until.map_or(0, |until| millis(until - now)),
            left: over(limit, window),
            resets_in: window,
            window_holds: over(limit, window),
            window,
            a_minute: u64::from(terms.points_a_minute),
        };
        match self.reset_at {
            Some(reset_at) => {
                let resets_in = millis(reset_at - now);
                Supply {
                    left: over(left, resets_in),
                    resets_in,
                    ..supply
                }
            }
            None => supply,
        }
    }
}

/// When so many requests can have been sent that may use any of these buckets and have them for themselves.
pub fn ends_at(requests: u64, supplies: &[Supply], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let work = Work {
        requests,
        may_use: (0..supplies.len()).collect(),
    };
    let schedule = planner::schedule(&[work], supplies);
    let span = schedule.work_spans.first().copied().flatten()?;
    now.checked_add_signed(TimeDelta::milliseconds(i64::try_from(span).ok()?))
}

fn millis(span: TimeDelta) -> u64 {
    u64::try_from(span.num_milliseconds()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn told(left: u32, minutes: i64) -> Told {
        Told {
            left: Some((left, 5_000)),
            reset_at: Some(now() + TimeDelta::minutes(minutes)),
            ..Told::default()
        }
    }

    fn end(requests: u64, buckets: &[Told]) -> Option<i64> {
        let supplies: Vec<Supply> = buckets
            .iter()
            .map(|told| told.supply(&Terms::GITHUB, now()))
            .collect();
        ends_at(requests, &supplies, now()).map(|end| (end - now()).num_minutes())
    }

    #[test]
    fn what_fits_is_sent_at_the_hosts_pace() {
        assert_eq!(end(900, &[told(5_000, 60)]), Some(1));
        assert_eq!(end(900, &[told(5_000, 60), told(5_000, 60)]), Some(0));
    }

    #[test]
    fn what_does_not_fit_waits_for_the_next_window() {
        assert_eq!(end(1_900, &[told(1_000, 30)]), Some(31));
    }

    #[test]
    fn a_reserve_and_what_others_take_are_left_alone() {
        let shy = Told {
            reserve_percent: 10,
            others_an_hour: 600,
            ..told(1_000, 30)
        };
        let supply = shy.supply(&Terms::GITHUB, now());
        assert_eq!((supply.left, supply.window_holds), (200, 3_900));
    }

    #[test]
    fn without_a_bucket_nothing_ends() {
        assert_eq!(end(1, &[]), None);
    }

    #[test]
    fn a_bucket_that_backs_off_is_of_use_afterwards() {
        let late = Told {
            backs_off_until: Some(now() + TimeDelta::minutes(10)),
            ..told(5_000, 60)
        };
        assert_eq!(end(900, &[late]), Some(11));
    }
}
