//! The section Retention: how long snapshots are kept, and what a rule would delete now.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::Retention;
use domain::retention::{Preview, preview};

use super::desk::{Desk, Section, Target};
use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::text;

#[derive(Template)]
#[template(path = "plans/retention.html")]
struct RetentionPage {
    page: Page,
    list: List,
    fields: Fields,
    desk: Desk,
    outlook: Option<Outlook>,
}

/// What a rule would do now.
struct Outlook {
    preview: Preview,
    now: DateTime<Utc>,
}

impl Outlook {
    fn has_snapshots(&self) -> bool {
        self.preview.snapshots > 0
    }

    fn drops(&self) -> bool {
        self.preview.dropped > 0
    }

    fn dropped(&self) -> String {
        text::number(self.preview.dropped)
    }

    fn snapshots(&self) -> String {
        text::count(self.preview.snapshots, "snapshot", "snapshots")
    }

    fn repositories(&self) -> String {
        text::count(
            self.preview.repositories_affected,
            "repository",
            "repositories",
        )
    }

    fn oldest(&self) -> Option<text::At> {
        self.preview.oldest_kept_at.map(|at| text::at(at, self.now))
    }
}

async fn panel(
    console: &Console,
    member: &Member,
    desk: Desk,
    fields: Fields,
    rule: Option<Retention>,
) -> Result<RetentionPage, Error> {
    let now = console.clock.now();
    let outlook = match (&desk.plan, rule) {
        (Some(plan), Some(rule)) => {
            let shelves = member.scoped.plan_shelves(plan.id).await?;
            Some(Outlook {
                preview: preview(&rule, &shelves, now),
                now,
            })
        }
        _ => None,
    };
    Ok(RetentionPage {
        page: Page::new(member, Tab::Plans, Section::Retention.title()),
        list: behind(console, member).await?,
        outlook,
        fields,
        desk,
    })
}

/// The parts of a rule, by the name of their field.
fn parts(rule: &mut Retention) -> [(&'static str, &mut Option<u32>); 6] {
    [
        ("last", &mut rule.last),
        ("days", &mut rule.days),
        ("daily", &mut rule.daily),
        ("weekly", &mut rule.weekly),
        ("monthly", &mut rule.monthly),
        ("yearly", &mut rule.yearly),
    ]
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    target: Target,
) -> Result<Response, Error> {
    let desk = Desk::open(&member, target).await?;
    let mut rule = desk.settings.retention;
    let keep = if rule.is_forever() { "forever" } else { "rule" };
    let mut fields = Fields::new().with("keep", keep);
    for (name, count) in parts(&mut rule) {
        if let Some(count) = count {
            fields = fields.with(name, *count);
        }
    }
    page::show(&panel(&console, &member, desk, fields, Some(rule)).await?)
}

pub(super) async fn save(
    State(console): State<Console>,
    member: Member,
    target: Target,
    mut fields: Fields,
) -> Result<Response, Error> {
    let mut desk = Desk::open(&member, target).await?;
    let rule = read(&mut fields);
    if !fields.is_ok() {
        return page::refuse(&panel(&console, &member, desk, fields, None).await?);
    }
    if fields.text("act") == "preview" {
        return page::show(&panel(&console, &member, desk, fields, Some(rule)).await?);
    }
    desk.settings.retention = rule;
    desk.keep(&member).await?;
    page::go(&desk.url)
}

fn read(fields: &mut Fields) -> Retention {
    let mut rule = Retention::default();
    match fields.text("keep") {
        "forever" => return rule,
        "rule" => {}
        _ => fields.fail(
            "keep",
            "Choose whether snapshots are kept for ever or by a rule.",
        ),
    }
    for (name, count) in parts(&mut rule) {
        if !fields.text(name).is_empty() {
            *count = fields.number(name, 1..=Retention::MOST);
        }
    }
    if rule.is_forever() && fields.is_ok() {
        fields.fail(
            "last",
            "A rule without a number keeps nothing: fill in at least one, or keep all for ever.",
        );
    }
    rule
}
