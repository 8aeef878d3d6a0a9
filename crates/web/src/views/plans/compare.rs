//! What a person wants beside what the plan has become meanwhile.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use store::PlanSettings;

use super::desk::{Desk, Section, Target};
use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::page::{self, Page, Tab};

#[derive(Template)]
#[template(path = "plans/compare.html")]
struct ComparePage {
    page: Page,
    list: List,
    desk: Desk,
    rows: Vec<Difference>,
    version: i32,
}

/// A part of the plan that is not the same.
struct Difference {
    title: &'static str,
    mine: String,
    theirs: String,
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    target: Target,
) -> Result<Response, Error> {
    let desk = Desk::open(&member, target).await?;
    let plan = desk.plan.as_ref().ok_or(Error::NotFound)?;
    let credentials = desk.credentials(&member).await?;
    let theirs = PlanSettings::of(plan);
    let names = Difference {
        title: "Plan name",
        mine: desk.settings.name.clone(),
        theirs: theirs.name.clone(),
    };
    let sections = Section::ALL.map(|section| Difference {
        title: section.title(),
        mine: desk.summary(section, &desk.settings, &credentials),
        theirs: desk.summary(section, &theirs, &credentials),
    });
    let rows = [names]
        .into_iter()
        .chain(sections)
        .filter(|row| row.mine != row.theirs)
        .collect();
    page::show(&ComparePage {
        page: Page::new(&member, Tab::Plans, "Compare"),
        list: behind(&console, &member).await?,
        version: plan.version,
        rows,
        desk,
    })
}
