//! A new storage: a folder of the server, or a bucket.
//!
//! A tenant never names a path of the server. Whoever runs the service says below which folders storages may lie; each tenant has
//! a folder of its own there, and names what lies in it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::{Name, Place, Secret, StorageId, TenantId, place};
use store::NewStorage;

use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::fields::Fields;
use crate::page::{self, Page, Tab};

/// Longest id or secret of an access key.
const LONGEST_KEY: usize = 512;

#[derive(Template)]
#[template(path = "storages/new.html")]
struct NewPage {
    page: Page,
    list: List,
    fields: Fields,
    /// Where folders may lie, by number.
    roots: Vec<(String, String)>,
}

async fn panel(console: &Console, member: &Member, fields: Fields) -> Result<NewPage, Error> {
    let roots = console.settings.storage_roots.iter().enumerate();
    let tenant = member.scoped.tenant_id();
    Ok(NewPage {
        page: Page::new(member, Tab::Storages, "Add storage"),
        list: behind(console, member).await?,
        roots: roots
            .map(|(index, root)| {
                let folder = root.join(tenant.to_string());
                (index.to_string(), format!("{}/", folder.display()))
            })
            .collect(),
        fields,
    })
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
) -> Result<Response, Error> {
    let kind = if console.settings.storage_roots.is_empty() {
        "s3"
    } else {
        "local"
    };
    let fields = Fields::new()
        .with("kind", kind)
        .with("root", 0)
        .with("region", "us-east-1")
        .with("id", StorageId::new());
    page::show(&panel(&console, &member, fields).await?)
}

pub(super) async fn create(
    State(console): State<Console>,
    member: Member,
    mut fields: Fields,
) -> Result<Response, Error> {
    let name: Option<Name> = fields.parse("name");
    let place = match fields.text("kind") {
        "local" => folder(&console, member.scoped.tenant_id(), &mut fields),
        "s3" => bucket(&console, &mut fields),
        _ => {
            fields.fail("kind", "Choose what the storage is.");
            None
        }
    };
    let (Some(name), Some((place, secret)), true) = (name, place, fields.is_ok()) else {
        return page::refuse(&panel(&console, &member, fields).await?);
    };
    let id = fields
        .text("id")
        .parse()
        .unwrap_or_else(|_| StorageId::new());
    let new = NewStorage {
        name: name.clone(),
        location: serde_json::to_value(place).map_err(|error| Error::Internal(Box::new(error)))?,
        secret,
    };
    let scoped = &member.scoped;
    match scoped.add_storage_once(&console.sealer, id, new).await {
        Ok(storage) => page::go_saying(
            &console,
            &member.url("storages"),
            &format!("Storage {} added. It is being tried now.", storage.name),
        ),
        Err(error @ store::Error::NameTaken { .. }) => {
            fields.fail("name", error.to_string());
            page::refuse(&panel(&console, &member, fields).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// A folder below one of the roots, in the tenant's own part of it.
fn folder(
    console: &Console,
    tenant: TenantId,
    fields: &mut Fields,
) -> Option<(Place, Option<Secret>)> {
    let index: Option<usize> = fields.text("root").parse().ok();
    let root = index.and_then(|index| console.settings.storage_roots.get(index));
    let Some(root) = root else {
        fields.fail(
            "kind",
            "Folders of the server are not offered here: use a bucket, or ask whoever runs this service.",
        );
        return None;
    };
    // A name is one safe part of a path: no slash, no leading dot.
    let source = if fields.text("folder").is_empty() {
        "name"
    } else {
        "folder"
    };
    let folder: Name = fields.parse(source)?;
    let path = root.join(tenant.to_string()).join(folder.as_str());
    Some((Place::Local { path }, None))
}

fn bucket(console: &Console, fields: &mut Fields) -> Option<(Place, Option<Secret>)> {
    let region = take(fields, "region", place::parse_region);
    let bucket = take(fields, "bucket", place::parse_bucket);
    let prefix = take(fields, "prefix", place::parse_prefix);
    let access_key_id = take(fields, "access_key_id", key);
    let secret_key = take(fields, "secret_key", key);
    let endpoint = endpoint(console, fields)?;
    let place = Place::S3 {
        allow_http: is_plain(endpoint.as_deref()),
        endpoint,
        region: region?,
        bucket: bucket?,
        prefix: prefix?,
        access_key_id: access_key_id?,
    };
    Some((place, Some(Secret::new(secret_key?))))
}

/// A field, read; or what is wrong with it stands beside it.
pub(super) fn take(
    fields: &mut Fields,
    name: &str,
    read: impl Fn(&str) -> Result<String, domain::Invalid>,
) -> Option<String> {
    let read = read(fields.text(name));
    read.map_err(|invalid| fields.fail(name, invalid.to_string()))
        .ok()
}

/// Where the bucket's service is: within, nothing for Amazon's own.
#[expect(
    clippy::option_option,
    reason = "outside what is wrong, inside what is not given"
)]
pub(super) fn endpoint(console: &Console, fields: &mut Fields) -> Option<Option<String>> {
    place::parse_endpoint(fields.text("endpoint"), &console.settings.http_allowed)
        .map_err(|invalid| fields.fail("endpoint", invalid.to_string()))
        .ok()
}

/// Whether the way there is plain http.
pub(super) fn is_plain(endpoint: Option<&str>) -> bool {
    endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"))
}

/// A key without blanks and line breaks, which come along when it is copied. The sentence repeats nothing of it.
pub(super) fn key(text: &str) -> Result<String, domain::Invalid> {
    let fits =
        (1..=LONGEST_KEY).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    if fits {
        Ok(text.to_owned())
    } else {
        Err(domain::Invalid::new(format!(
            "This is not a key: use 1 to {LONGEST_KEY} characters, without blanks and line breaks."
        )))
    }
}
