//! The section Schedule: when a plan runs by itself, and the next times at which it would.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Schedule;
use domain::schedule::{Cadence, Firing, Weekday};

use super::desk::{Desk, Section, Target};
use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::fields::Fields;
use crate::page::{self, Page, Tab};

/// How many of the next times are shown.
const NEXT: usize = 5;

#[derive(Template)]
#[template(path = "plans/schedule.html")]
struct SchedulePage {
    page: Page,
    list: List,
    fields: Fields,
    desk: Desk,
    next: Option<Next>,
    days: Vec<(&'static str, &'static str)>,
}

/// The next times of a schedule.
struct Next {
    zone: String,
    /// Local time, and the same in UTC.
    times: Vec<(String, String)>,
    /// What a change of the clock does to one of them.
    change: Option<String>,
}

impl Next {
    fn of(schedule: &Schedule, firings: &[Firing]) -> Self {
        let zone = schedule.zone();
        let write = |firing: &Firing| {
            let local = firing.at.with_timezone(&zone);
            (
                local.format("%a %-d %b %Y, %H:%M").to_string(),
                firing.at.format("%Y-%m-%d %H:%M UTC").to_string(),
            )
        };
        Self {
            zone: zone.to_string(),
            times: firings.iter().map(write).collect(),
            change: schedule.clock_change(firings),
        }
    }
}

async fn panel(
    console: &Console,
    member: &Member,
    desk: Desk,
    fields: Fields,
    schedule: Option<&Schedule>,
) -> Result<SchedulePage, Error> {
    let next = schedule
        .map(|schedule| Next::of(schedule, &schedule.next_times(console.clock.now(), NEXT)));
    Ok(SchedulePage {
        page: Page::new(member, Tab::Plans, Section::Schedule.title()),
        list: behind(console, member).await?,
        days: Weekday::ALL
            .map(|day| (day.as_str(), day.as_str()))
            .to_vec(),
        next,
        fields,
        desk,
    })
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    target: Target,
) -> Result<Response, Error> {
    let desk = Desk::open(&member, target).await?;
    let schedule = desk.settings.schedule.clone();
    let fields = preset(schedule.as_ref(), desk.settings.paused);
    page::show(&panel(&console, &member, desk, fields, schedule.as_ref()).await?)
}

/// The form for a schedule that is there already, or for none.
fn preset(schedule: Option<&Schedule>, paused: bool) -> Fields {
    let mut fields = Fields::new()
        .with("when", "never")
        .with("time", "02:00")
        .with("day", Weekday::Sunday.as_str())
        .with("zone", "UTC");
    if paused {
        fields = fields.with("paused", "on");
    }
    let Some(schedule) = schedule else {
        return fields;
    };
    fields = fields.with("zone", schedule.zone()).with("when", "cron");
    if let Some(minutes) = schedule.window_minutes() {
        fields = fields.with("window", minutes);
    }
    match schedule.cadence() {
        Some(cadence) => {
            fields = fields
                .with("when", cadence.as_str())
                .with("time", cadence.time());
            match cadence.weekday() {
                Some(day) => fields.with("day", day.as_str()),
                None => fields,
            }
        }
        None => fields.with("cron", schedule.cron()),
    }
}

pub(super) async fn save(
    State(console): State<Console>,
    member: Member,
    target: Target,
    mut fields: Fields,
) -> Result<Response, Error> {
    let mut desk = Desk::open(&member, target).await?;
    let schedule = match read(&mut fields, &console) {
        Ok(schedule) if fields.is_ok() => schedule,
        Ok(_) | Err(Faulty) => {
            return page::refuse(&panel(&console, &member, desk, fields, None).await?);
        }
    };
    if fields.text("act") == "preview" {
        return page::show(&panel(&console, &member, desk, fields, schedule.as_ref()).await?);
    }
    desk.settings.schedule = schedule;
    desk.settings.paused = fields.is_on("paused");
    desk.keep(&member).await?;
    page::go(&desk.url)
}

/// The form has a mistake, which stands beside its field.
struct Faulty;

/// Understands the form: a schedule, or none.
fn read(fields: &mut Fields, console: &Console) -> Result<Option<Schedule>, Faulty> {
    let when = fields.text("when").to_owned();
    if when == "never" {
        return Ok(None);
    }
    let window = if fields.text("window").is_empty() {
        None
    } else {
        Some(fields.number("window", 1..=10_080).ok_or(Faulty)?)
    };
    let (cron, source) = if when == "cron" {
        (fields.text("cron").to_owned(), "cron")
    } else {
        let (time, day) = (
            fields.text("time").to_owned(),
            fields.text("day").to_owned(),
        );
        match Cadence::parse(&when, &time, &day) {
            Ok(cadence) => (cadence.cron(), "time"),
            Err(invalid) => {
                let source = if time.parse::<domain::schedule::Time>().is_err() {
                    "time"
                } else if Cadence::WORDS.iter().any(|(word, _)| *word == when) {
                    "day"
                } else {
                    "when"
                };
                fields.fail(source, invalid.to_string());
                return Err(Faulty);
            }
        }
    };
    let zone = fields.text("zone").to_owned();
    if let Err(invalid) = Schedule::parse_zone(&zone) {
        fields.fail("zone", invalid.to_string());
        return Err(Faulty);
    }
    match Schedule::parse(&cron, &zone, window, console.clock.now()) {
        Ok(schedule) => Ok(Some(schedule)),
        Err(invalid) => {
            fields.fail(source, invalid.to_string());
            Err(Faulty)
        }
    }
}
