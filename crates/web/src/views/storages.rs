//! Storages: where snapshots go, whether they work, and what opens them without Holdfast.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{MemberRole, Place, StorageId};
use store::{Storage, StorageCheck, StorageShelf};

use crate::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};
use crate::text;

mod edit;
mod emergency;
mod new;
mod remove;

pub(crate) fn routes() -> Vec<Route> {
    let read = Access::Member(MemberRole::Auditor);
    let change = Access::Member(MemberRole::Admin);
    vec![
        Route::get("/t/{tenant}/storages", read, list),
        Route::get("/t/{tenant}/storages/new", change, new::show),
        Route::post("/t/{tenant}/storages/new", change, new::create),
        Route::get("/t/{tenant}/storages/{storage}/edit", change, edit::show),
        Route::post("/t/{tenant}/storages/{storage}/edit", change, edit::update),
        Route::get(
            "/t/{tenant}/storages/{storage}/remove",
            change,
            remove::show,
        ),
        Route::post(
            "/t/{tenant}/storages/{storage}/remove",
            change,
            remove::delete,
        ),
        Route::post("/t/{tenant}/storages/{storage}/check", change, check),
        Route::get(
            "/t/{tenant}/storages/{storage}/emergency/{organization}",
            change,
            emergency::show,
        ),
        Route::post(
            "/t/{tenant}/storages/{storage}/emergency/{organization}",
            change,
            emergency::reveal,
        ),
    ]
}

/// A storage, as pages show it.
#[derive(Debug)]
pub(super) struct Shown {
    storage: Storage,
    place: Option<Place>,
    shelves: Vec<StorageShelf>,
    now: DateTime<Utc>,
}

/// Storages without what lies in them.
pub(super) fn shown(storages: &[Storage], now: DateTime<Utc>) -> Vec<Shown> {
    let shown = storages.iter().map(|storage| Shown::of(storage, now));
    shown.collect()
}

/// Where a storage is; nothing if a newer version wrote that.
fn place_of(storage: &Storage) -> Option<Place> {
    serde_json::from_value(storage.location.clone()).ok()
}

impl Shown {
    fn of(storage: &Storage, now: DateTime<Utc>) -> Self {
        Self {
            place: place_of(storage),
            storage: storage.clone(),
            shelves: Vec::new(),
            now,
        }
    }

    fn is_bucket(&self) -> bool {
        matches!(self.place, Some(Place::S3 { .. }))
    }

    pub(super) fn id(&self) -> StorageId {
        self.storage.id
    }

    pub(super) fn name(&self) -> &str {
        self.storage.name.as_str()
    }

    pub(super) fn kind(&self) -> &'static str {
        match self.place {
            Some(Place::Local { .. }) => "Folder",
            Some(Place::S3 { .. }) => "S3-compatible",
            None => "Unknown kind",
        }
    }

    pub(super) fn address(&self) -> String {
        let address = self.place.as_ref().map(|place| place.restic_address(""));
        address.unwrap_or_else(|| "A newer version has written this address.".to_owned())
    }

    pub(super) fn state(&self) -> (&'static str, &'static str) {
        match self.storage.check {
            StorageCheck::Never => ("idle", "Not tried yet"),
            StorageCheck::Waiting => ("run", "Being tried"),
            StorageCheck::Sound { .. } => ("ok", "Works"),
            StorageCheck::Failed { .. } => ("bad", "Does not work"),
        }
    }

    fn checked_at(&self) -> Option<text::At> {
        match self.storage.check {
            StorageCheck::Sound { at } | StorageCheck::Failed { at, .. } => {
                Some(text::at(at, self.now))
            }
            StorageCheck::Never | StorageCheck::Waiting => None,
        }
    }

    pub(super) fn cause(&self) -> Option<&str> {
        match &self.storage.check {
            StorageCheck::Failed { cause, .. } => Some(cause),
            StorageCheck::Never | StorageCheck::Waiting | StorageCheck::Sound { .. } => None,
        }
    }
}

/// The list, as a page shows it.
#[derive(Debug, Default)]
struct List {
    rows: Vec<Shown>,
}

#[derive(Template)]
#[template(path = "storages/list.html")]
struct ListPage {
    page: Page,
    list: List,
}

async fn list(State(console): State<Console>, member: Member) -> Result<Response, Error> {
    page::show(&ListPage {
        page: Page::new(&member, Tab::Storages, "Storages"),
        list: load(&console, &member).await?,
    })
}

/// What a page has behind its panel; nothing if the panel alone was asked for.
async fn behind(console: &Console, member: &Member) -> Result<List, Error> {
    if member.hx().panel {
        return Ok(List::default());
    }
    load(console, member).await
}

async fn load(console: &Console, member: &Member) -> Result<List, Error> {
    let storages = member.scoped.storages().await?;
    let mut shelves: BTreeMap<StorageId, Vec<StorageShelf>> = BTreeMap::new();
    for shelf in member.scoped.storage_shelves().await? {
        shelves.entry(shelf.storage).or_default().push(shelf);
    }
    let mut rows = shown(&storages, console.clock.now());
    for row in &mut rows {
        row.shelves = shelves.remove(&row.storage.id).unwrap_or_default();
    }
    Ok(List { rows })
}

/// Asks a worker to try a storage.
async fn check(
    State(console): State<Console>,
    member: Member,
    Path((_, storage)): Path<(String, StorageId)>,
) -> Result<Response, Error> {
    member.scoped.request_storage_check(storage).await?;
    page::go_saying(
        &console,
        &member.url("storages"),
        "The storage is being tried. Load the page again to see what was found.",
    )
}

#[cfg(test)]
mod tests;
