//! The section Content: which parts of a repository are taken.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::{Content, Part};

use super::desk::{Desk, Section, Target};
use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::fields::Fields;
use crate::page::{self, Page, Tab};

#[derive(Template)]
#[template(path = "plans/content.html")]
struct ContentPage {
    page: Page,
    list: List,
    fields: Fields,
    desk: Desk,
}

async fn panel(
    console: &Console,
    member: &Member,
    desk: Desk,
    fields: Fields,
) -> Result<ContentPage, Error> {
    Ok(ContentPage {
        page: Page::new(member, Tab::Plans, Section::Content.title()),
        list: behind(console, member).await?,
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
    let content = desk.settings.content.clone();
    let taken = Part::ALL.into_iter().filter(|part| content.takes(*part));
    let fields = Fields::new().with_all("part", taken);
    page::show(&panel(&console, &member, desk, fields).await?)
}

pub(super) async fn save(
    State(console): State<Console>,
    member: Member,
    target: Target,
    mut fields: Fields,
) -> Result<Response, Error> {
    let mut desk = Desk::open(&member, target).await?;
    let parts: Result<BTreeSet<Part>, _> =
        fields.all("part").iter().map(|word| word.parse()).collect();
    match parts {
        Ok(parts) => {
            desk.settings.content = Content::only(&parts);
            desk.keep(&member).await?;
            page::go(&desk.url)
        }
        Err(invalid) => {
            fields.fail("part", invalid.to_string());
            page::refuse(&panel(&console, &member, desk, fields).await?)
        }
    }
}
