//! Removing a storage that nothing uses.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::StorageId;
use store::Storage;

use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::fields::Fields;
use crate::page::{self, Page, Tab};

#[derive(Template)]
#[template(path = "storages/remove.html")]
struct RemovePage {
    page: Page,
    list: List,
    storage: Storage,
    fields: Fields,
}

async fn question(
    console: &Console,
    member: &Member,
    storage: Storage,
    fields: Fields,
) -> Result<RemovePage, Error> {
    Ok(RemovePage {
        page: Page::new(member, Tab::Storages, "Remove storage"),
        list: behind(console, member).await?,
        storage,
        fields,
    })
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, StorageId)>,
) -> Result<Response, Error> {
    let storage = member.scoped.storage(id).await?.ok_or(Error::NotFound)?;
    page::show(&question(&console, &member, storage, Fields::new()).await?)
}

pub(super) async fn delete(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, StorageId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let storage = member.scoped.storage(id).await?.ok_or(Error::NotFound)?;
    match member.scoped.remove_storage(id).await {
        Ok(()) => page::go_saying(
            &console,
            &member.url("storages"),
            &format!("Storage {} removed.", storage.name),
        ),
        Err(error @ store::Error::InUse { .. }) => {
            fields.fail_form(error.to_string());
            page::refuse(&question(&console, &member, storage, fields).await?)
        }
        Err(error) => Err(error.into()),
    }
}
