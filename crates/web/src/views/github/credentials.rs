//! Throttling prevention: the additional credentials of an organization.

use axum::extract::State;
use axum::response::Response;
use domain::{
    CredentialId, CredentialKind, Errand, ForgeKind, Health, MemberRole, OrganizationId, Role,
};
use store::{NewCheck, Organization, TokenSource};

use super::organizations::leftover;
use super::{Board, Panel, Row, find, row, token};
use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path, Vendor};
use crate::fields::Fields;
use crate::page;
use crate::router::{Access, Route};
use crate::views::checks;

pub(super) fn routes() -> Vec<Route> {
    const READ: Access = Access::Member(MemberRole::Auditor);
    const ADMIN: Access = Access::Member(MemberRole::Admin);
    [
        at_each!(get, "/{organization}/credentials", READ, list),
        at_each!(
            get,
            "/{organization}/credentials/new/access-token",
            ADMIN,
            new
        ),
        at_each!(
            post,
            "/{organization}/credentials/new/access-token",
            ADMIN,
            create
        ),
        at_each!(
            post,
            "/{organization}/credentials/{credential}/check",
            ADMIN,
            check
        ),
        at_each!(
            post,
            "/{organization}/credentials/{credential}/pause",
            ADMIN,
            pause
        ),
        at_each!(
            post,
            "/{organization}/credentials/{credential}/resume",
            ADMIN,
            resume
        ),
        at_each!(
            get,
            "/{organization}/credentials/{credential}/edit",
            ADMIN,
            edit
        ),
        at_each!(
            post,
            "/{organization}/credentials/{credential}/edit",
            ADMIN,
            update
        ),
        [
            Route::get(
                "/t/{tenant}/gitlab/{organization}/credentials/{credential}/rotate",
                ADMIN,
                ask_rotation,
            ),
            Route::post(
                "/t/{tenant}/gitlab/{organization}/credentials/{credential}/rotate",
                ADMIN,
                rotate,
            ),
        ],
        at_each!(
            get,
            "/{organization}/credentials/{credential}/remove",
            ADMIN,
            confirm
        ),
        at_each!(
            post,
            "/{organization}/credentials/{credential}/remove",
            ADMIN,
            delete
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

type One = Path<(String, OrganizationId, CredentialId)>;

/// The address of an organization's credentials.
pub(crate) fn address(
    member: &Member,
    Vendor(forge): Vendor,
    organization: OrganizationId,
) -> String {
    member.url(format!("{}/{organization}/credentials", forge.as_str()))
}

async fn list(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, id)): Path<(String, OrganizationId)>,
) -> Result<Response, Error> {
    let organization = find(&member, vendor, id).await?;
    let credentials = member.scoped.credentials(id).await?;
    let (mut rows, additional) = row::rows(&console, vendor.0, &credentials).await?;
    rows.retain(|row| !row.is_main);
    let panel = Panel::Credentials {
        requests: member.scoped.installation_requests(id).await?,
        organization,
        rows,
        additional,
    };
    let title = match vendor.0 {
        ForgeKind::GitHub => "Manage credentials",
        ForgeKind::GitLab => "Additional credentials",
    };
    page::show(&Board::over(&console, &member, vendor.0, title, panel).await?)
}

async fn new(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, id)): Path<(String, OrganizationId)>,
) -> Result<Response, Error> {
    let organization = find(&member, vendor, id).await?;
    let reserve = Role::Additional.default_reserve_percent(CredentialKind::AccessToken);
    let fields = token::blank().with("reserve", reserve);
    page::show(&form(&console, &member, organization, fields).await?)
}

/// The form, empty or with what is wrong in it.
pub(crate) async fn form(
    console: &Console,
    member: &Member,
    organization: Organization,
    fields: Fields,
) -> Result<Board, Error> {
    let forge = organization.host.kind();
    let panel = Panel::AddToken {
        organization,
        fields: checks::marked(fields)?,
        tokens: token::offered(&member.scoped).await?,
    };
    Board::over(console, member, forge, "Add Access Token", panel).await
}

async fn create(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, id)): Path<(String, OrganizationId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let organization = find(&member, vendor, id).await?;
    let user = token::user(vendor.0, &mut fields);
    let given = token::read(vendor.0, &mut fields);
    let reserve = fields.number("reserve", 0..=100_u8);
    if let (Some(user), Some(given), Some(reserve_percent), true) =
        (user, given, reserve, fields.is_ok())
    {
        let new = NewCheck {
            errand: Errand::Add {
                organization: id,
                user,
                reserve_percent,
            },
            token: Some(given),
            once: checks::mark_of(&fields),
        };
        if let Some(check) = checks::ask(&console, &member, new, &mut fields).await? {
            return page::go(&check);
        }
    }
    page::refuse(&form(&console, &member, organization, fields).await?)
}

/// The row of one credential, or nothing if it was removed.
async fn one(
    console: &Console,
    member: &Member,
    vendor: Vendor,
    organization: OrganizationId,
    credential: CredentialId,
) -> Result<Option<Row>, Error> {
    let credentials = member.scoped.credentials(organization).await?;
    let (rows, _) = row::rows(console, vendor.0, &credentials).await?;
    Ok(rows.into_iter().find(|row| row.id == credential))
}

/// Back to the list, when somebody else was faster.
fn gone(
    console: &Console,
    member: &Member,
    vendor: Vendor,
    organization: OrganizationId,
) -> Result<Response, Error> {
    page::go_saying(
        console,
        &address(member, vendor, organization),
        "This credential was removed already.",
    )
}

async fn check(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    find(&member, vendor, organization).await?;
    let new = NewCheck {
        errand: Errand::Recheck { credential },
        token: None,
        once: None,
    };
    match checks::ask(&console, &member, new, &mut Fields::new()).await? {
        Some(check) => page::go(&check),
        None => gone(&console, &member, vendor, organization),
    }
}

async fn pause(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    let sentence = "is paused: no request is sent with it until you resume it.";
    set_health(
        &console,
        &member,
        vendor,
        organization,
        credential,
        Health::Paused,
        sentence,
    )
    .await
}

async fn resume(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    let sentence = "is used again by the plans that have it switched on.";
    set_health(
        &console,
        &member,
        vendor,
        organization,
        credential,
        Health::Healthy,
        sentence,
    )
    .await
}

async fn set_health(
    console: &Console,
    member: &Member,
    vendor: Vendor,
    organization: OrganizationId,
    credential: CredentialId,
    health: Health,
    sentence: &str,
) -> Result<Response, Error> {
    let found = find(member, vendor, organization).await?;
    let Some(row) = one(console, member, vendor, organization, credential).await? else {
        return gone(console, member, vendor, organization);
    };
    // A credential that the host refused comes back by a check alone.
    if row.dead.is_some() {
        return page::go_saying(
            console,
            &address(member, vendor, organization),
            &format!(
                "{} was rejected by {}: check it again, or replace its token.",
                row.name,
                found.host.authority()
            ),
        );
    }
    member.scoped.set_health(credential, &health).await?;
    page::go_saying(
        console,
        &address(member, vendor, organization),
        &format!("{} {sentence}", row.name),
    )
}

async fn edit(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    let found = find(&member, vendor, organization).await?;
    let Some(row) = one(&console, &member, vendor, organization, credential).await? else {
        return Err(Error::NotFound);
    };
    let fields = Fields::new().with("reserve", row.reserve_percent);
    let panel = Panel::EditCredential {
        organization: found,
        row,
        fields,
    };
    page::show(&Board::over(&console, &member, vendor.0, "Edit credential", panel).await?)
}

async fn update(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, organization, credential)): One,
    mut fields: Fields,
) -> Result<Response, Error> {
    let found = find(&member, vendor, organization).await?;
    let Some(row) = one(&console, &member, vendor, organization, credential).await? else {
        return gone(&console, &member, vendor, organization);
    };
    let Some(percent) = fields.number("reserve", 0..=100_u8) else {
        let panel = Panel::EditCredential {
            organization: found,
            row,
            fields,
        };
        return page::refuse(
            &Board::over(&console, &member, vendor.0, "Edit credential", panel).await?,
        );
    };
    member.scoped.set_reserve(credential, percent).await?;
    page::go_saying(
        &console,
        &address(&member, vendor, organization),
        &format!("{} keeps {percent} % of its requests back.", row.name),
    )
}

/// Only a GitLab gives a token another value.
const ROTATES: Vendor = Vendor(ForgeKind::GitLab);

async fn ask_rotation(
    State(console): State<Console>,
    member: Member,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    let found = find(&member, ROTATES, organization).await?;
    let row = one(&console, &member, ROTATES, organization, credential).await?;
    let row = row.filter(Row::may_rotate).ok_or(Error::NotFound)?;
    let panel = Panel::RotateToken {
        organization: found,
        row,
    };
    page::show(&Board::over(&console, &member, ROTATES.0, "Rotate token", panel).await?)
}

async fn rotate(
    State(console): State<Console>,
    member: Member,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    find(&member, ROTATES, organization).await?;
    let row = one(&console, &member, ROTATES, organization, credential).await?;
    let Some((secret, _)) = row.filter(Row::may_rotate).and_then(|row| row.entry) else {
        return gone(&console, &member, ROTATES, organization);
    };
    let new = NewCheck {
        errand: Errand::Rotate { secret },
        token: Some(TokenSource::Entry(secret)),
        once: None,
    };
    match checks::ask(&console, &member, new, &mut Fields::new()).await? {
        Some(check) => page::go(&check),
        None => gone(&console, &member, ROTATES, organization),
    }
}

async fn confirm(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    let found = find(&member, vendor, organization).await?;
    let Some(row) = one(&console, &member, vendor, organization, credential).await? else {
        return Err(Error::NotFound);
    };
    let panel = Panel::RemoveCredential {
        organization: found,
        row,
        fields: Fields::new().with("delete_tokens", "on"),
    };
    page::show(&Board::over(&console, &member, vendor.0, "Remove credential", panel).await?)
}

async fn delete(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, organization, credential)): One,
    mut fields: Fields,
) -> Result<Response, Error> {
    let found = find(&member, vendor, organization).await?;
    let Some(row) = one(&console, &member, vendor, organization, credential).await? else {
        return gone(&console, &member, vendor, organization);
    };
    match member
        .scoped
        .remove_credential(credential, leftover(&fields))
        .await
    {
        Ok(_) => page::go_saying(
            &console,
            &address(&member, vendor, organization),
            &format!("{} is removed.", row.name),
        ),
        Err(error @ store::Error::MainCredential { .. }) => {
            fields.fail_form(error.to_string());
            let panel = Panel::RemoveCredential {
                organization: found,
                row,
                fields,
            };
            page::refuse(
                &Board::over(&console, &member, vendor.0, "Remove credential", panel).await?,
            )
        }
        Err(store::Error::Missing { .. }) => gone(&console, &member, vendor, organization),
        Err(error) => Err(error.into()),
    }
}
