//! The section Storage: where the snapshots go.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::StorageId;

use super::desk::{Desk, Section, Target};
use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::views::storages::{self, Shown};

#[derive(Template)]
#[template(path = "plans/storage.html")]
struct StoragePage {
    page: Page,
    list: List,
    fields: Fields,
    desk: Desk,
    storages: Vec<Shown>,
    /// Whether snapshots lie elsewhere already.
    moves: bool,
}

async fn panel(
    console: &Console,
    member: &Member,
    desk: Desk,
    fields: Fields,
) -> Result<StoragePage, Error> {
    Ok(StoragePage {
        page: Page::new(member, Tab::Plans, Section::Storage.title()),
        list: behind(console, member).await?,
        storages: storages::shown(&desk.storages, console.clock.now()),
        moves: desk.plan.is_some() && desk.storages.len() > 1,
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
    let fields = match desk.settings.storage {
        Some(storage) => Fields::new().with("storage", storage),
        None => Fields::new(),
    };
    page::show(&panel(&console, &member, desk, fields).await?)
}

pub(super) async fn save(
    State(console): State<Console>,
    member: Member,
    target: Target,
    mut fields: Fields,
) -> Result<Response, Error> {
    let mut desk = Desk::open(&member, target).await?;
    let chosen: Option<StorageId> = fields.text("storage").parse().ok();
    let found = desk.storages.iter().find(|one| Some(one.id) == chosen);
    if let Some(id) = found.map(|one| one.id) {
        desk.settings.storage = Some(id);
        desk.keep(&member).await?;
        return page::go(&desk.url);
    }
    fields.fail("storage", "Choose one of the storages.");
    page::refuse(&panel(&console, &member, desk, fields).await?)
}
