//! Tasks: runs of plans, past and present.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{MemberRole, Name, PlanId, RunId};
use serde::Deserialize;
use store::{RunFilter, RunGroup, RunPage, RunPlace, Trigger};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::form::Query;
use crate::live::{self, Frame, Subject};
use crate::page::{self, Page, Tab};
use crate::place;
use crate::router::{Access, Route};
use crate::views::tasks::shown::Shown;

mod cancel;
mod log;
mod show;
pub(crate) mod shown;

/// Rows of a page.
const ROWS: u32 = 50;

/// Tasks of a group are counted up to this.
const COUNTED: u32 = 100;

pub(crate) fn routes() -> Vec<Route> {
    use Access::Member as Of;
    use MemberRole::{Auditor, Operator};
    vec![
        Route::get("/t/{tenant}/tasks", Of(Auditor), list),
        Route::get("/t/{tenant}/tasks/{task}", Of(Auditor), show::show),
        Route::get("/t/{tenant}/tasks/{task}/log", Of(Auditor), log::download),
        Route::get("/t/{tenant}/tasks/{task}/cancel", Of(Operator), cancel::ask),
        Route::post(
            "/t/{tenant}/tasks/{task}/cancel",
            Of(Operator),
            cancel::cancel,
        ),
        Route::post("/t/{tenant}/tasks/{task}/again", Of(Operator), again),
        Route::post(
            "/t/{tenant}/tasks/{task}/again-failed",
            Of(Operator),
            again_failed,
        ),
        Route::post("/t/{tenant}/plans/{plan}/tasks", Of(Operator), run_now),
        Route::get("/t/{tenant}/events/tasks", Of(Auditor), watch_list),
        Route::get("/t/{tenant}/events/tasks/{task}", Of(Auditor), show::watch),
    ]
}

/// What narrows the list.
#[derive(Debug, Deserialize)]
struct Narrowing {
    state: Option<String>,
    plan: Option<String>,
    after: Option<String>,
}

impl Narrowing {
    fn filter(&self) -> Result<RunFilter, Error> {
        let wanted = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let group = match wanted(&self.state) {
            None => None,
            Some(word) => Some(shown::group(&word).ok_or_else(|| {
                Error::Invalid(format!(
                    "There is no state \"{word}\": choose one above the list."
                ))
            })?),
        };
        let plan = match wanted(&self.plan) {
            None => None,
            Some(id) => Some(id.parse::<PlanId>()?),
        };
        Ok(RunFilter { group, plan })
    }
}

/// A way to narrow the list.
struct Choice {
    label: &'static str,
    url: String,
    count: Option<String>,
    current: bool,
}

/// The rows, which are kept up to date.
#[derive(Template)]
#[template(path = "tasks/_rows.html")]
struct Rows {
    base: String,
    tasks: RunPage,
    now: DateTime<Utc>,
    narrowed: bool,
}

#[derive(Template)]
#[template(path = "tasks/list.html")]
struct List {
    page: Page,
    base: String,
    tasks: RunPage,
    now: DateTime<Utc>,
    narrowed: bool,
    choices: Vec<Choice>,
    state: String,
    plan: String,
    plans: Vec<(PlanId, Name)>,
    events: Option<String>,
    more: Option<String>,
    runs: bool,
}

async fn list(
    State(console): State<Console>,
    member: Member,
    Query(narrowing): Query<Narrowing>,
) -> Result<Response, Error> {
    let filter = narrowing.filter()?;
    let after = narrowing
        .after
        .as_deref()
        .map(place::read)
        .transpose()?
        .map(|(at, id)| RunPlace { at, run: RunId(id) });
    let tasks = member.scoped.run_page(&filter, after, ROWS).await?;
    let counts = member
        .scoped
        .count_runs(&[RunGroup::Open, RunGroup::Failed], COUNTED)
        .await?;
    let plans = member.scoped.plan_names().await?;
    let address = |group: Option<RunGroup>| {
        let state = group.map_or("", shown::word);
        let plan = filter
            .plan
            .map_or_else(String::new, |plan| plan.to_string());
        place::url(&member.url("tasks"), &[("state", state), ("plan", &plan)])
    };
    let choices = std::iter::once(None)
        .chain(RunGroup::ALL.into_iter().map(Some))
        .map(|group| Choice {
            label: group.map_or("All", shown::label),
            url: address(group),
            count: group
                .and_then(|group| counts.get(&group))
                .filter(|count| **count > 0)
                .map(|count| shown::up_to(*count, COUNTED)),
            current: group == filter.group,
        })
        .collect();
    let state = filter.group.map_or("", shown::word);
    let plan = filter
        .plan
        .map_or_else(String::new, |plan| plan.to_string());
    let narrow = [("state", state), ("plan", plan.as_str())];
    let more = tasks.next.map(|next| {
        let after = place::write(next.at, next.run.0);
        let [one, two] = narrow;
        place::url(&member.url("tasks"), &[one, two, ("after", &after)])
    });
    // Later pages are history, and stay as they are.
    let events = after
        .is_none()
        .then(|| place::url(&member.url("events/tasks"), &narrow));
    page::show(&List {
        page: Page::new(&member, Tab::Tasks, "Tasks").live(),
        base: member.url(""),
        runs: tasks.runs.iter().any(|task| task.ended_at.is_none()),
        now: console.clock.now(),
        narrowed: filter != RunFilter::default() || after.is_some(),
        choices,
        state: state.to_owned(),
        plan,
        plans,
        events,
        more,
        tasks,
    })
}

/// Keeps the first page of the list up to date.
async fn watch_list(
    State(console): State<Console>,
    member: Member,
    headers: HeaderMap,
    Query(narrowing): Query<Narrowing>,
) -> Result<Response, Error> {
    let filter = narrowing.filter()?;
    let base = member.url("");
    let tenant = member.scoped.tenant_id();
    let subject = Subject::Tasks(tenant, base.clone(), filter.group, filter.plan);
    let (scoped, clock) = (member.scoped.clone(), console.clock.clone());
    let seen = console.live.watch(&console, &subject, move || {
        let (scoped, base, now) = (scoped.clone(), base.clone(), clock.now());
        async move {
            let rows = Rows {
                tasks: scoped.run_page(&filter, None, ROWS).await?,
                narrowed: filter != RunFilter::default(),
                base,
                now,
            };
            Ok(Some(Frame {
                parts: vec![("rows", rows.render()?.into())],
                ended: false,
            }))
        }
    });
    Ok(live::watching(&console, &headers, &member.scoped, seen))
}

/// Runs a plan now.
async fn run_now(
    State(console): State<Console>,
    member: Member,
    Path((_, plan)): Path<(String, PlanId)>,
) -> Result<Response, Error> {
    let run = member.scoped.request_run(plan, Trigger::Person).await?;
    page::go_saying(
        &console,
        &member.url(format!("tasks/{run}")),
        "The task is queued.",
    )
}

/// Runs the same plan again.
async fn again(
    State(console): State<Console>,
    member: Member,
    Path((_, task)): Path<(String, RunId)>,
) -> Result<Response, Error> {
    let run = member.scoped.run(task).await?.ok_or(Error::NotFound)?;
    let next = member.scoped.request_run(run.plan, Trigger::Person).await?;
    page::go_saying(
        &console,
        &member.url(format!("tasks/{next}")),
        "The task is queued.",
    )
}

/// Runs again what failed or had omissions.
async fn again_failed(
    State(console): State<Console>,
    member: Member,
    Path((_, task)): Path<(String, RunId)>,
) -> Result<Response, Error> {
    let next = member.scoped.request_failed_again(task).await?;
    page::go_saying(
        &console,
        &member.url(format!("tasks/{next}")),
        "The task for what failed is queued.",
    )
}

#[cfg(test)]
mod tests;
