//! When a plan runs by itself.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

use crate::Invalid;

mod cadence;
mod firing;

pub use cadence::{Cadence, Time, Weekday};
pub use firing::{ClockChange, Firing};

/// Longest expression, in characters.
const LONGEST_CRON: usize = 200;

/// Longest window, in minutes: a week.
const LONGEST_WINDOW: u32 = 7 * 24 * 60;

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
        let zone = Self::parse_zone(zone)?;
        let parsed = read_given(cron)?;
        if let Some(minutes) = window_minutes {
            check_window(minutes)?;
        }
        parsed
            .find_next_occurrence(&now.with_timezone(&zone), false)
            .ok()
            .ok_or_else(|| {
                Invalid::new(format!(
                    "The schedule {} never fires: no such date exists. Check day and month.",
                    crate::name::shown(cron)
                ))
            })?;
        Ok(Self {
            cron: cron.trim().to_owned(),
            zone,
            window_minutes,
        })
    }

    /// Understands an IANA time zone.
    pub fn parse_zone(text: &str) -> Result<Tz, Invalid> {
        text.trim().parse().ok().ok_or_else(|| {
            Invalid::new(format!(
                "{} is not a time zone: use a name like Europe/Berlin or UTC.",
                crate::name::shown(text)
            ))
        })
    }

    /// The usual schedule that this is, if it is one.
    pub fn cadence(&self) -> Option<Cadence> {
        Cadence::of_cron(&self.cron)
    }

    /// In a few words: when the plan runs.
    pub fn summary(&self) -> String {
        let when = self.cadence().map_or_else(
            || format!("At {}", self.cron),
            |cadence| cadence.to_string(),
        );
        format!("{when}, {}", self.zone)
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
            .filter(|next| *next > after)
    }
}

fn check_window(minutes: u32) -> Result<(), Invalid> {
    match minutes {
        0 => Err(Invalid::new(
            "A window of 0 minutes leaves no time to run: give at least 1 minute.",
        )),
        1..=LONGEST_WINDOW => Ok(()),
        _ => Err(Invalid::new(format!(
            "A window of {minutes} minutes is longer than a week: give at most {LONGEST_WINDOW}, or none."
        ))),
    }
}

/// Reads an expression that was accepted before.
fn read(cron: &str) -> Result<Cron, croner::errors::CronError> {
    CronParser::builder().build().parse(cron)
}

/// Reads an expression that a person gives: five fields, so that nobody runs a plan each second by mistake.
fn read_given(cron: &str) -> Result<Cron, Invalid> {
    let refused = |why: String| {
        Invalid::new(format!(
            "{} is not a schedule ({why}): use five fields such as \"30 2 * * *\", or @daily.",
            crate::name::shown(cron)
        ))
    };
    if cron.chars().count() > LONGEST_CRON {
        return Err(refused(format!("longer than {LONGEST_CRON} characters")));
    }
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(cron.trim())
        .map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests;
