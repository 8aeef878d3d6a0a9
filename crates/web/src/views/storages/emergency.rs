//! What is needed with the `restic` command on the day that Holdfast is gone: shown when asked for, and noted who asked.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::{OrganizationId, Place, StorageId};

use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::page::{self, Page, Tab};

#[derive(Template)]
#[template(path = "storages/emergency.html")]
struct EmergencyPage {
    page: Page,
    list: List,
    storage: String,
    organization: String,
    url: String,
    /// Names and values of the environment that restic reads; nothing before they are asked for.
    shown: Option<Vec<(&'static str, String)>>,
    /// Whether a bucket's secret key is needed besides, which Holdfast does not show.
    needs_key: bool,
}

type Of = Path<(String, StorageId, OrganizationId)>;

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, storage, organization)): Of,
) -> Result<Response, Error> {
    page::show(&panel(&console, &member, storage, organization).await?.0)
}

pub(super) async fn reveal(
    State(console): State<Console>,
    member: Member,
    Path((_, storage, organization)): Of,
) -> Result<Response, Error> {
    let (mut panel, place) = panel(&console, &member, storage, organization).await?;
    let emergency = member
        .scoped
        .reveal_storage_password(&console.sealer, organization, storage)
        .await?;
    let mut shown = vec![
        ("RESTIC_REPOSITORY", place.restic_address(&emergency.prefix)),
        ("RESTIC_PASSWORD", emergency.password.expose().to_owned()),
    ];
    if let Place::S3 {
        access_key_id,
        region,
        ..
    } = place
    {
        shown.push(("AWS_ACCESS_KEY_ID", access_key_id));
        shown.push(("AWS_DEFAULT_REGION", region));
    }
    panel.shown = Some(shown);
    page::show(&panel)
}

async fn panel(
    console: &Console,
    member: &Member,
    storage: StorageId,
    organization: OrganizationId,
) -> Result<(EmergencyPage, Place), Error> {
    let row = member
        .scoped
        .storage(storage)
        .await?
        .ok_or(Error::NotFound)?;
    let shelves = member.scoped.storage_shelves().await?;
    let shelf = shelves
        .into_iter()
        .find(|one| one.storage == storage && one.organization == organization)
        .ok_or(Error::NotFound)?;
    let place: Place =
        serde_json::from_value(row.location).map_err(|error| Error::Internal(Box::new(error)))?;
    let page = EmergencyPage {
        page: Page::new(member, Tab::Storages, "What restic needs"),
        list: behind(console, member).await?,
        url: member.url(format_args!("storages/{storage}/emergency/{organization}")),
        storage: row.name.to_string(),
        organization: shelf.organization_name.to_string(),
        shown: None,
        needs_key: matches!(place, Place::S3 { .. }),
    };
    Ok((page, place))
}
