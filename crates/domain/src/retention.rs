//! Which snapshots of a repository are kept.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::Invalid;

mod preview;

pub use preview::{Preview, preview};

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

/// A snapshot that a rule may drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate<T> {
    /// Which one.
    pub snapshot: T,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// Whether it lacks nothing.
    pub whole: bool,
}

impl Retention {
    /// Largest number that a rule may hold: what is kept for longer is kept for ever.
    pub const MOST: u32 = 10_000;

    /// Understands `forever` and lists such as `last=7,daily=14,monthly=12`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let mut rule = Self::default();
        if text.trim() == "forever" {
            return Ok(rule);
        }
        for part in text.split(',') {
            let invalid = || {
                Invalid::new(format!(
                    "{} is not a retention rule: use forever, or any of last=N, days=N, daily=N, weekly=N, monthly=N, yearly=N joined by commas, N from 1 to {}.",
                    crate::name::shown(part),
                    Self::MOST
                ))
            };
            let (name, count) = part.trim().split_once('=').ok_or_else(invalid)?;
            let count: u32 = count.parse().ok().ok_or_else(invalid)?;
            if !(1..=Self::MOST).contains(&count) {
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

    /// The snapshots of one repository that the rule drops, oldest last. Neither the newest one nor the newest one that lacks
    /// nothing is ever among them.
    pub fn dropped<T: Clone>(&self, snapshots: &[Candidate<T>], now: DateTime<Utc>) -> Vec<T> {
        if self.is_forever() {
            return Vec::new();
        }
        let mut newest_first: Vec<&Candidate<T>> = snapshots.iter().collect();
        newest_first.sort_by_key(|one| std::cmp::Reverse(one.taken_at));
        let last_whole = newest_first.iter().position(|one| one.whole);
        let mut periods = self.periods();
        newest_first
            .into_iter()
            .enumerate()
            .filter(|(rank, one)| {
                // Every period must see every snapshot, so none may be skipped by a short circuit.
                let by_period = periods
                    .iter_mut()
                    .map(|period| period.keeps(one.taken_at))
                    .fold(false, |a, b| a | b);
                let by_rank = *rank == 0
                    || Some(*rank) == last_whole
                    || self.last.is_some_and(|last| *rank < last as usize);
                let by_age = self
                    .days
                    .is_some_and(|days| now - one.taken_at < TimeDelta::days(days.into()));
                !(by_period || by_rank || by_age)
            })
            .map(|(_, one)| one.snapshot.clone())
            .collect()
    }

    /// In a few words: what is kept.
    pub fn summary(&self) -> String {
        let parts: Vec<String> = [
            (self.last, "the last", ""),
            (self.days, "", "days"),
            (self.daily, "", "daily"),
            (self.weekly, "", "weekly"),
            (self.monthly, "", "monthly"),
            (self.yearly, "", "yearly"),
        ]
        .into_iter()
        .filter_map(|(count, before, after)| {
            Some(format!("{before} {} {after}", count?).trim().to_owned())
        })
        .collect();
        if parts.is_empty() {
            "All snapshots, for ever".to_owned()
        } else {
            format!("Keep {}", parts.join(", "))
        }
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
mod tests;
