//! Which snapshots of a repository are kept.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// A plan's rule for keeping snapshots. A snapshot is kept if any part of the rule keeps it; an empty rule keeps all, for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Keep this many of the newest.
    pub last: Option<u32>,
    /// Keep all younger than this many days.
    pub days: Option<u32>,
    /// Keep the newest of each of this many days that have one.
    pub daily: Option<u32>,
    /// The same by ISO week.
    pub weekly: Option<u32>,
    /// The same by month.
    pub monthly: Option<u32>,
    /// The same by year.
    pub yearly: Option<u32>,
}

impl Retention {
    /// Understands `forever` and lists such as `last=7,daily=14,monthly=12`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut rule = Self::default();
        if text.trim() == "forever" {
            return Ok(rule);
        }
        for part in text.split(',') {
            let invalid = || {
                Invalid::new(format!(
                    "\"{part}\" is not a retention rule: use forever, or any of last=N, days=N, daily=N, weekly=N, monthly=N, yearly=N joined by commas, N at least 1."
                ))
            };
            let (name, count) = part.trim().split_once('=').ok_or_else(invalid)?;
            let count: u32 = count.parse().ok().ok_or_else(invalid)?;
            if count == 0 {
                return Err(invalid());
            }
            let field = match name {
                "last" => &mut rule.last,
                "days" => &mut rule.days,
                "daily" => &mut rule.daily,
                "weekly" => &mut rule.weekly,
                "monthly" => &mut rule.monthly,
                "yearly" => &mut rule.yearly,
                _ => return Err(invalid()),
            };
            *field = Some(count);
        }
        Ok(rule)
    }

    /// Whether nothing is ever dropped.
    pub fn is_forever(&self) -> bool {
        *self == Self::default()
    }

    /// The snapshots of one repository that the rule drops, oldest last. The newest one is never among them.
    pub fn dropped<T: Clone>(
        &self,
        snapshots: &[(T, DateTime<Utc>)],
        now: DateTime<Utc>,
    ) -> Vec<T> {
        if self.is_forever() {
            return Vec::new();
        }
        let mut newest_first: Vec<&(T, DateTime<Utc>)> = snapshots.iter().collect();
        newest_first.sort_by_key(|(_, taken_at)| std::cmp::Reverse(*taken_at));
        let mut periods = self.periods();
        newest_first
            .into_iter()
            .enumerate()
            .filter(|(rank, (_, taken_at))| {
                // Every period must see every snapshot, so none may be skipped by a short circuit.
                let by_period = periods
                    .iter_mut()
                    .map(|period| period.keeps(*taken_at))
                    .fold(false, |a, b| a | b);
                let by_rank = *rank == 0 || self.last.is_some_and(|last| *rank < last as usize);
                let by_age = self
                    .days
                    .is_some_and(|days| now - *taken_at < TimeDelta::days(days.into()));
                !(by_period || by_rank || by_age)
            })
            .map(|(_, (snapshot, _))| snapshot.clone())
            .collect()
    }

    fn periods(&self) -> Vec<Period> {
        let day = |t: DateTime<Utc>| (t.year(), t.ordinal());
        let week = |t: DateTime<Utc>| (t.iso_week().year(), t.iso_week().week());
        let month = |t: DateTime<Utc>| (t.year(), t.month());
        let year = |t: DateTime<Utc>| (t.year(), 0);
        [
            (self.daily, day as fn(DateTime<Utc>) -> (i32, u32)),
            (self.weekly, week),
            (self.monthly, month),
            (self.yearly, year),
        ]
        .into_iter()
        .filter_map(|(count, of)| {
            Some(Period {
                left: count?,
                of,
                seen: BTreeSet::new(),
            })
        })
        .collect()
    }
}

impl std::fmt::Display for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = [
            ("last", self.last),
            ("days", self.days),
            ("daily", self.daily),
            ("weekly", self.weekly),
            ("monthly", self.monthly),
            ("yearly", self.yearly),
        ]
        .into_iter()
        .filter_map(|(name, count)| Some(format!("{name}={}", count?)))
        .collect();
        if parts.is_empty() {
            f.write_str("forever")
        } else {
            f.write_str(&parts.join(","))
        }
    }
}

/// One calendar rule at work: keeps the first snapshot that it sees of each period, for a number of periods.
struct Period {
    left: u32,
    of: fn(DateTime<Utc>) -> (i32, u32),
    seen: BTreeSet<(i32, u32)>,
}

impl Period {
    fn keeps(&mut self, taken_at: DateTime<Utc>) -> bool {
        if self.left == 0 || !self.seen.insert((self.of)(taken_at)) {
            return false;
        }
        self.left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(n: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_760_000_000 + n * 86_400, 0).unwrap()
    }

    fn dropped(rule: &str, days: &[i64]) -> Vec<i64> {
        let snapshots: Vec<_> = days.iter().map(|n| (*n, day(*n))).collect();
        Retention::parse(rule)
            .unwrap()
            .dropped(&snapshots, day(100))
    }

    #[test]
    fn each_part_of_a_rule_keeps_its_own() {
        assert_eq!(dropped("last=2", &[1, 2, 3]), [1]);
        assert_eq!(dropped("days=10", &[80, 89, 91, 99]), [89, 80]);
        assert_eq!(dropped("daily=2", &[97, 98, 99]), [97]);
        assert_eq!(dropped("last=1,yearly=1", &[1, 2, 99]), [2, 1]);
        assert_eq!(dropped("forever", &[1, 2, 3]), Vec::<i64>::new());
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            "",
            "last",
            "last=0",
            "hourly=3",
            "last=-1",
            "daily=1;weekly=2",
        ] {
            assert!(Retention::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            Retention::parse("last=3,yearly=1").unwrap().to_string(),
            "last=3,yearly=1"
        );
    }

    proptest! {
        #[test]
        fn the_newest_is_never_dropped(
            days in prop::collection::vec(0_i64..2000, 1..60),
            last in prop::option::of(1_u32..5),
            weekly in prop::option::of(1_u32..5),
        ) {
            let rule = Retention { last, weekly, ..Retention::default() };
            let snapshots: Vec<_> = days.iter().map(|n| (*n, day(*n))).collect();
            let gone = rule.dropped(&snapshots, day(3000));
            let newest = days.iter().max().unwrap();
            prop_assert!(gone.iter().filter(|n| *n == newest).count() < days.iter().filter(|n| *n == newest).count());
            if let Some(last) = last {
                prop_assert!(days.len() - gone.len() >= days.len().min(last as usize));
            }
        }
    }
}
