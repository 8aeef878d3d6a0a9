//! The usual schedules, which need no cron.

use std::str::FromStr;

use crate::Invalid;

/// How often a plan runs, in the words of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cadence {
    /// Each hour, at a minute.
    Hourly(Time),
    /// At 0, 6, 12 and 18 o'clock, at a minute.
    EverySixHours(Time),
    /// Each night, or at another time of the day.
    Nightly(Time),
    /// Once a week.
    Weekly(Weekday, Time),
}

/// A time of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    hour: u32,
    minute: u32,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the days name themselves")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Cadence {
    /// The words of the form, with what people read.
    pub const WORDS: [(&'static str, &'static str); 4] = [
        ("hourly", "Every hour"),
        ("six_hourly", "Every 6 hours"),
        ("nightly", "Nightly"),
        ("weekly", "Weekly"),
    ];

    /// The word of the form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hourly(_) => "hourly",
            Self::EverySixHours(_) => "six_hourly",
            Self::Nightly(_) => "nightly",
            Self::Weekly(..) => "weekly",
        }
    }

    /// Reads a word of the form, with the time and the day that go with it.
    pub fn parse(word: &str, time: &str, day: &str) -> Result<Self, Invalid> {
        let time = time.parse()?;
        match word {
            "hourly" => Ok(Self::Hourly(time)),
            "six_hourly" => Ok(Self::EverySixHours(time)),
            "nightly" => Ok(Self::Nightly(time)),
            "weekly" => Ok(Self::Weekly(day.parse()?, time)),
            other => Err(Invalid::new(format!(
                "{} is not a schedule that has a name: choose one of the list.",
                crate::name::shown(other)
            ))),
        }
    }

    /// The cron expression.
    pub fn cron(self) -> String {
        match self {
            Self::Hourly(Time { minute, .. }) => format!("{minute} * * * *"),
            Self::EverySixHours(Time { minute, .. }) => format!("{minute} */6 * * *"),
            Self::Nightly(Time { hour, minute }) => format!("{minute} {hour} * * *"),
            Self::Weekly(day, Time { hour, minute }) => {
                format!("{minute} {hour} * * {}", day.number())
            }
        }
    }

    /// Recognizes a cron expression that one of the usual schedules makes.
    pub fn of_cron(cron: &str) -> Option<Self> {
        let fields: Vec<&str> = cron.split_whitespace().collect();
        let [minute, hour, "*", "*", day] = fields[..] else {
            return None;
        };
        let at = |hour: &str| Time::new(hour.parse().ok()?, minute.parse().ok()?);
        let found = match (hour, day) {
            ("*", "*") => Self::Hourly(at("0")?),
            ("*/6", "*") => Self::EverySixHours(at("0")?),
            (hour, "*") => Self::Nightly(at(hour)?),
            (hour, day) => Self::Weekly(Weekday::of_number(day)?, at(hour)?),
        };
        Some(found)
    }

    /// The time of the day.
    pub fn time(self) -> Time {
        match self {
            Self::Hourly(time)
            | Self::EverySixHours(time)
            | Self::Nightly(time)
            | Self::Weekly(_, time) => time,
        }
    }

    /// The day of the week, if it matters.
    pub fn weekday(self) -> Option<Weekday> {
        match self {
            Self::Weekly(day, _) => Some(day),
            Self::Hourly(_) | Self::EverySixHours(_) | Self::Nightly(_) => None,
        }
    }
}

impl std::fmt::Display for Cadence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hourly(time) => write!(f, "Every hour at minute {}", time.minute),
            Self::EverySixHours(time) => write!(f, "Every 6 hours at minute {}", time.minute),
            Self::Nightly(time) => write!(f, "Daily at {time}"),
            Self::Weekly(day, time) => write!(f, "{}s at {time}", day.as_str()),
        }
    }
}

impl Time {
    /// A time that a clock shows.
    pub fn new(hour: u32, minute: u32) -> Option<Self> {
        (hour < 24 && minute < 60).then_some(Self { hour, minute })
    }
}

impl FromStr for Time {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = |part: &str| {
            let fits = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
            fits.then(|| part.parse().ok()).flatten()
        };
        // Some browsers send seconds along.
        let mut parts = text.trim().split(':');
        let time = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(hour), Some(minute), None | Some("00"), None) => digits(hour)
                .zip(digits(minute))
                .and_then(|(hour, minute)| Self::new(hour, minute)),
            _ => None,
        };
        time.ok_or_else(|| {
            Invalid::new(format!(
                "{} is not a time of the day: write it as 02:30.",
                crate::name::shown(text)
            ))
        })
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl Weekday {
    /// The week.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "Monday",
            Self::Tuesday => "Tuesday",
            Self::Wednesday => "Wednesday",
            Self::Thursday => "Thursday",
            Self::Friday => "Friday",
            Self::Saturday => "Saturday",
            Self::Sunday => "Sunday",
        }
    }

    fn number(self) -> usize {
        let before = Self::ALL.into_iter().take_while(|day| *day != self);
        (before.count() + 1) % 7
    }

    fn of_number(text: &str) -> Option<Self> {
        let number: usize = text.parse().ok()?;
        Self::ALL.into_iter().find(|day| day.number() == number % 7)
    }
}

impl FromStr for Weekday {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|day| day.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| {
                Invalid::new(format!(
                    "{} is not a day of the week: choose one.",
                    crate::name::shown(text)
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cadence_is_recognized_in_the_cron_that_it_makes() {
        for word in Cadence::WORDS.map(|(word, _)| word) {
            for day in Weekday::ALL {
                let made = Cadence::parse(word, "02:30", day.as_str()).unwrap();
                let found = Cadence::of_cron(&made.cron()).unwrap();
                assert_eq!(found.cron(), made.cron());
                assert_eq!(found.as_str(), word);
            }
        }
    }

    #[test]
    fn any_other_cron_is_not_taken_for_a_cadence() {
        for cron in [
            "@daily",
            "*/5 * * * *",
            "0 2 1 * *",
            "0 2 * * 1-5",
            "0 25 * * *",
            "x",
        ] {
            assert_eq!(Cadence::of_cron(cron), None, "{cron}");
        }
    }

    #[test]
    fn a_time_of_the_day_is_read_strictly() {
        for (text, shown) in [("2:30", "02:30"), ("23:59", "23:59"), ("02:30:00", "02:30")] {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), shown);
        }
        for bad in ["", "24:00", "2", "2:60", "+2:30", "02:30:15", "2:30:00:00"] {
            assert!(bad.parse::<Time>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cadence_reads_like_a_sentence() {
        let weekly = Cadence::parse("weekly", "02:30", "sunday").unwrap();
        assert_eq!(weekly.to_string(), "Sundays at 02:30");
        assert_eq!(weekly.cron(), "30 2 * * 0");
        assert!(Cadence::parse("fortnightly", "02:30", "Sunday").is_err());
        assert!(Cadence::parse("weekly", "02:30", "Someday").is_err());
    }
}
