//! When a plan runs by itself.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::CronParser;
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// A cron expression read in a time zone, with an optional window after which a run that waits for quota is parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    cron: String,
    zone: Tz,
    window_minutes: Option<u32>,
}

impl Schedule {
    /// Understands five-field cron and `@daily`-like presets, and an IANA time zone; refuses a schedule that never fires.
    pub fn parse(
        cron: &str,
        zone: &str,
        window_minutes: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<Self, Invalid> {
        let zone: Tz = zone.parse().ok().ok_or_else(|| {
            Invalid::new(format!(
                "\"{zone}\" is not a time zone: use a name like Europe/Berlin or UTC."
            ))
        })?;
        let parsed = read(cron)?;
        if window_minutes == Some(0) {
            return Err(Invalid::new(
                "A window of 0 minutes leaves no time to run: give at least 1 minute.",
            ));
        }
        parsed
            .find_next_occurrence(&now.with_timezone(&zone), false)
            .ok()
            .ok_or_else(|| {
                Invalid::new(format!(
                    "The schedule \"{cron}\" never fires: no such date exists. Check day and month."
                ))
            })?;
        Ok(Self {
            cron: cron.trim().to_owned(),
            zone,
            window_minutes,
        })
    }

    /// The expression as it was given.
    pub fn cron(&self) -> &str {
        &self.cron
    }

    /// The time zone in which the expression is read.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Minutes after its start in which a run may work.
    pub fn window_minutes(&self) -> Option<u32> {
        self.window_minutes
    }

    /// End of the window of a run that began at `start`.
    pub fn window_end(&self, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.window_minutes
            .and_then(|minutes| start.checked_add_signed(TimeDelta::minutes(minutes.into())))
    }

    /// The first time after `after` at which the plan is due.
    ///
    /// A time skipped by daylight saving fires once, at the end of the gap; a time that occurs twice fires once if it is fixed.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let cron = read(&self.cron).ok()?;
        cron.find_next_occurrence(&after.with_timezone(&self.zone), false)
            .ok()
            .map(|local| local.with_timezone(&Utc))
    }
}

fn read(cron: &str) -> Result<Cron, Invalid> {
    CronParser::builder()
        .build()
        .parse(cron.trim())
        .map_err(|error| {
            Invalid::new(format!(
                "\"{cron}\" is not a schedule ({error}): use five fields such as \"30 2 * * *\", or @daily."
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn firings(cron: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let start = at(from);
        let schedule = Schedule::parse(cron, zone, None, start).unwrap();
        std::iter::successors(schedule.next_after(start), |last| {
            schedule.next_after(*last)
        })
        .take(count)
        .map(|time| time.format("%d %H:%M").to_string())
        .collect()
    }

    #[test]
    fn a_night_lost_to_daylight_saving_is_still_backed_up_once() {
        // Berlin skips 02:00–03:00 on 2026-03-29.
        assert_eq!(
            firings("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 3),
            ["29 01:00", "30 00:30", "31 00:30"]
        );
    }

    #[test]
    fn an_hour_that_comes_twice_fires_once() {
        // Berlin repeats 02:00–03:00 on 2026-10-25.
        assert_eq!(
            firings("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["25 00:30", "26 01:30"]
        );
    }

    #[test]
    fn what_cannot_fire_is_refused_with_a_sentence() {
        let now = at("2026-01-01T00:00:00Z");
        for (cron, zone, word) in [
            ("0 0 30 2 *", "UTC", "never fires"),
            ("61 * * * *", "UTC", "not a schedule"),
            ("", "UTC", "not a schedule"),
            ("0 2 * * *", "Mars/Olympus", "not a time zone"),
        ] {
            let refused = Schedule::parse(cron, zone, None, now).unwrap_err();
            assert!(refused.0.contains(word), "{cron} {zone}: {refused}");
        }
        assert!(Schedule::parse("0 2 * * *", "UTC", Some(0), now).is_err());
    }

    #[test]
    fn presets_are_understood() {
        assert_eq!(
            firings("@daily", "UTC", "2026-01-01T05:00:00Z", 1),
            ["02 00:00"]
        );
    }
}
