//! Backup plans: the list, and what is done to a plan from there.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{MemberRole, Name, PlanId, RunState};
use serde::Deserialize;
use store::{LastRun, PlanOverview, PlanPlace};

use crate::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::fields::Fields;
use crate::form::Query;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};
use crate::text;

mod advanced;
mod compare;
mod content;
mod desk;
mod edit;
mod remove;
mod retention;
mod schedule;
mod sources;
mod storage;

/// Rows of a page.
const PAGE: u32 = 50;

pub(crate) fn routes() -> Vec<Route> {
    let read = Access::Member(MemberRole::Auditor);
    let change = Access::Member(MemberRole::Admin);
    let mut routes = vec![
        Route::get("/t/{tenant}/plans", read, list),
        Route::post("/t/{tenant}/plans/{plan}/pause", change, pause),
        Route::get("/t/{tenant}/plans/{plan}/remove", change, remove::show),
        Route::post("/t/{tenant}/plans/{plan}/remove", change, remove::delete),
        Route::get("/t/{tenant}/plans/new", change, edit::show),
        Route::post("/t/{tenant}/plans/new", change, edit::save),
        Route::get("/t/{tenant}/plans/{plan}/edit", change, edit::show),
        Route::post("/t/{tenant}/plans/{plan}/edit", change, edit::save),
        Route::get(
            "/t/{tenant}/plans/{plan}/edit/compare",
            change,
            compare::show,
        ),
    ];
    macro_rules! section {
        ($($module:ident at $new:literal and $edit:literal),+ $(,)?) => {$(
            routes.push(Route::get($new, change, $module::show));
            routes.push(Route::post($new, change, $module::save));
            routes.push(Route::get($edit, change, $module::show));
            routes.push(Route::post($edit, change, $module::save));
        )+};
    }
    section!(
        sources at "/t/{tenant}/plans/new/sources" and "/t/{tenant}/plans/{plan}/edit/sources",
        content at "/t/{tenant}/plans/new/content" and "/t/{tenant}/plans/{plan}/edit/content",
        storage at "/t/{tenant}/plans/new/storage" and "/t/{tenant}/plans/{plan}/edit/storage",
        schedule at "/t/{tenant}/plans/new/schedule" and "/t/{tenant}/plans/{plan}/edit/schedule",
        retention at "/t/{tenant}/plans/new/retention" and "/t/{tenant}/plans/{plan}/edit/retention",
        advanced at "/t/{tenant}/plans/new/advanced" and "/t/{tenant}/plans/{plan}/edit/advanced",
    );
    routes
}

/// Where a page of the list begins.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Place {
    after: Option<String>,
    organization: Option<String>,
}

/// The list, as a page shows it.
#[derive(Debug, Default)]
struct List {
    rows: Vec<Row>,
    /// Unsaved changes of the person who looks.
    drafts: Vec<Unfinished>,
    /// The organization that the list is narrowed to.
    organization: Option<Name>,
    /// Whether there are plans before this page.
    is_later_page: bool,
    /// The address of the page after this one.
    more: Option<String>,
}

#[derive(Debug)]
struct Row {
    plan: PlanOverview,
    now: DateTime<Utc>,
}

/// Unsaved changes.
#[derive(Debug)]
struct Unfinished {
    name: String,
    url: String,
    changed_at: text::At,
}

impl Row {
    fn when(&self) -> String {
        match &self.plan.schedule {
            Some(schedule) => schedule.summary(),
            None => "Runs when somebody asks".to_owned(),
        }
    }

    fn next(&self) -> Option<text::At> {
        self.plan.next_due_at.map(|at| text::at(at, self.now))
    }

    fn last(&self) -> Option<Last<'_>> {
        let run = self.plan.last_run.as_ref()?;
        Some(Last { run, now: self.now })
    }

    fn pool(&self) -> String {
        let pool = self.plan.pool;
        let accounts = |count| text::count(count, "account", "accounts");
        match (
            self.plan.additional_credentials,
            pool.added,
            pool.switched_on,
        ) {
            (_, 0, _) => "no accounts added".to_owned(),
            (false, added, _) => format!("{} not used", accounts(added)),
            (true, added, on) => format!("{} of {}", text::number(on), accounts(added)),
        }
    }
}

/// The newest run in a row.
struct Last<'a> {
    run: &'a LastRun,
    now: DateTime<Utc>,
}

impl Last<'_> {
    fn tone(&self) -> &'static str {
        match self.run.state {
            RunState::Running => "run",
            RunState::Throttled => "hold",
            RunState::Complete => "ok",
            RunState::CompleteWithOmissions => "warn",
            RunState::Failed => "bad",
            RunState::Queued | RunState::Cancelled => "idle",
        }
    }

    fn word(&self) -> &'static str {
        match self.run.state {
            RunState::Queued => "Waiting",
            RunState::Running => "Running",
            RunState::Throttled => "Throttled",
            RunState::Complete => "Complete",
            RunState::CompleteWithOmissions => "Complete with omissions",
            RunState::Failed => "Failed",
            RunState::Cancelled => "Cancelled",
        }
    }

    /// What goes before the time, and the time.
    fn time(&self) -> (&'static str, text::At) {
        let run = self.run;
        let (word, at) = match (run.throttled_until, run.ended_at, run.started_at) {
            (Some(until), ..) => ("until", until),
            (None, Some(ended), _) => ("", ended),
            (None, None, Some(started)) => ("since", started),
            (None, None, None) => ("since", run.requested_at),
        };
        (word, text::at(at, self.now))
    }
}

#[derive(Template)]
#[template(path = "plans/list.html")]
struct ListPage {
    page: Page,
    list: List,
}

async fn list(
    State(console): State<Console>,
    member: Member,
    Query(place): Query<Place>,
) -> Result<Response, Error> {
    page::show(&ListPage {
        page: Page::new(&member, Tab::Plans, "Backup plans"),
        list: load(&console, &member, &place).await?,
    })
}

/// What a page has behind its panel; nothing if the panel alone was asked for.
async fn behind(console: &Console, member: &Member) -> Result<List, Error> {
    if member.hx().panel {
        return Ok(List::default());
    }
    load(console, member, &Place::default()).await
}

async fn load(console: &Console, member: &Member, place: &Place) -> Result<List, Error> {
    let now = console.clock.now();
    let organization: Option<Name> = match place.organization.as_deref() {
        None | Some("") => None,
        Some(name) => Some(name.parse().ok().ok_or(Error::NotFound)?),
    };
    let wanted = PlanPlace {
        after: place.after.clone(),
        organization: organization.clone(),
    };
    let mut plans = member.scoped.plans_overview(&wanted, PAGE + 1).await?;
    let is_full = plans.len() > PAGE as usize;
    plans.truncate(PAGE as usize);
    let more = plans.last().filter(|_| is_full).map(|last| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("after", last.name.as_str());
        if let Some(organization) = &organization {
            query.append_pair("organization", organization.as_str());
        }
        member.url(format_args!("plans?{}", query.finish()))
    });
    let drafts = if member.role >= MemberRole::Admin {
        member.scoped.drafts(member.viewer().person).await?
    } else {
        Vec::new()
    };
    Ok(List {
        rows: plans.into_iter().map(|plan| Row { plan, now }).collect(),
        drafts: drafts
            .into_iter()
            .map(|draft| Unfinished {
                url: match draft.plan {
                    Some((plan, _)) => member.url(format_args!("plans/{plan}/edit")),
                    None => member.url("plans/new"),
                },
                changed_at: text::at(draft.changed_at, now),
                name: match (draft.settings.name.trim(), draft.plan) {
                    ("", _) | (_, None) => "a new plan".to_owned(),
                    (name, Some(_)) => name.to_owned(),
                },
            })
            .collect(),
        is_later_page: place.after.is_some(),
        organization,
        more,
    })
}

/// Lets a plan rest, or run by itself again.
async fn pause(
    State(console): State<Console>,
    member: Member,
    Path((_, plan)): Path<(String, PlanId)>,
    fields: Fields,
) -> Result<Response, Error> {
    let paused = fields.is_on("paused");
    let change = store::PlanChange {
        paused: Some(paused),
        ..store::PlanChange::default()
    };
    member.scoped.edit_plan(plan, change).await?;
    let sentence = if paused {
        "The plan is paused. It runs when somebody asks."
    } else {
        "The plan runs by its schedule again."
    };
    page::go_saying(&console, &member.url("plans"), sentence)
}

#[cfg(test)]
mod tests;
