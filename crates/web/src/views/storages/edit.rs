//! Changing a storage: what it is called, and how a bucket is reached. What lies there stays where it is.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::{Name, Place, Secret, StorageId, place};
use store::{Storage, StorageEdit};

use super::{List, Shown, behind, new};
use crate::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::fields::Fields;
use crate::page::{self, Page, Tab};

#[derive(Template)]
#[template(path = "storages/edit.html")]
struct EditPage {
    page: Page,
    list: List,
    shown: Shown,
    fields: Fields,
}

impl EditPage {
    async fn over(
        console: &Console,
        member: &Member,
        storage: &Storage,
        fields: Fields,
    ) -> Result<Self, Error> {
        Ok(Self {
            page: Page::new(member, Tab::Storages, "Edit storage"),
            list: behind(console, member).await?,
            shown: Shown::of(storage, console.clock.now()),
            fields,
        })
    }
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, StorageId)>,
) -> Result<Response, Error> {
    let storage = member.scoped.storage(id).await?.ok_or(Error::NotFound)?;
    let mut fields = Fields::new().with("name", &storage.name);
    if let Some(Place::S3 {
        endpoint,
        region,
        access_key_id,
        ..
    }) = super::place_of(&storage)
    {
        fields = fields
            .with("endpoint", endpoint.unwrap_or_default())
            .with("region", region)
            .with("access_key_id", access_key_id);
    }
    page::show(&EditPage::over(&console, &member, &storage, fields).await?)
}

pub(super) async fn update(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, StorageId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let storage = member.scoped.storage(id).await?.ok_or(Error::NotFound)?;
    let name: Option<Name> = fields.parse("name");
    let opened = match super::place_of(&storage) {
        Some(Place::S3 { bucket, prefix, .. }) => reached(&console, bucket, prefix, &mut fields)
            .map(|(place, secret)| {
                let location = serde_json::to_value(place);
                location.map(|location| (location, secret))
            }),
        // A folder stays where it is; what a newer version wrote is not touched.
        Some(Place::Local { .. }) | None => Some(Ok((storage.location.clone(), None))),
    };
    let (Some(name), Some(opened), true) = (name, opened, fields.is_ok()) else {
        return page::refuse(&EditPage::over(&console, &member, &storage, fields).await?);
    };
    let (location, secret) = opened.map_err(|error| Error::Internal(Box::new(error)))?;
    let edit = StorageEdit {
        name: name.clone(),
        location,
        secret,
    };
    match member.scoped.edit_storage(&console.sealer, id, edit).await {
        Ok(()) => page::go_saying(
            &console,
            &member.url("storages"),
            &format!("Storage {name} saved. It is being tried now."),
        ),
        Err(error @ store::Error::NameTaken { .. }) => {
            fields.fail("name", error.to_string());
            page::refuse(&EditPage::over(&console, &member, &storage, fields).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The same bucket, reached as the form says, and another key if one is given.
fn reached(
    console: &Console,
    bucket: String,
    prefix: String,
    fields: &mut Fields,
) -> Option<(Place, Option<Secret>)> {
    let region = new::take(fields, "region", place::parse_region);
    let access_key_id = new::take(fields, "access_key_id", new::key);
    let is_replaced = !fields.raw("secret_key").is_empty();
    let secret = is_replaced.then(|| new::take(fields, "secret_key", new::key));
    let endpoint = new::endpoint(console, fields)?;
    let secret = match secret {
        Some(secret) => Some(Secret::new(secret?)),
        None => None,
    };
    let place = Place::S3 {
        allow_http: new::is_plain(endpoint.as_deref()),
        endpoint,
        region: region?,
        bucket,
        prefix,
        access_key_id: access_key_id?,
    };
    Some((place, secret))
}
