//! Removing a plan, with what it means in numbers.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::PlanId;
use store::Plan;

use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::page::{self, Page, Tab};
use crate::text;

#[derive(Template)]
#[template(path = "plans/remove.html")]
struct RemovePage {
    page: Page,
    list: List,
    plan: Plan,
    snapshots: String,
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, PlanId)>,
) -> Result<Response, Error> {
    let plan = member.scoped.plan(id).await?.ok_or(Error::NotFound)?;
    let shelves = member.scoped.plan_shelves(id).await?;
    let count: usize = shelves.iter().map(Vec::len).sum();
    page::show(&RemovePage {
        page: Page::new(&member, Tab::Plans, "Remove plan"),
        list: behind(&console, &member).await?,
        snapshots: text::count(
            i64::try_from(count).unwrap_or(i64::MAX),
            "snapshot",
            "snapshots",
        ),
        plan,
    })
}

pub(super) async fn delete(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, PlanId)>,
) -> Result<Response, Error> {
    let plan = member.scoped.plan(id).await?.ok_or(Error::NotFound)?;
    member.scoped.remove_plan(id).await?;
    page::go_saying(
        &console,
        &member.url("plans"),
        &format!("Plan {} removed. Its snapshots stay.", plan.name),
    )
}
