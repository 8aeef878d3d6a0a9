//! Throttling prevention: the additional credentials of an organization.

use axum::extract::State;
use axum::response::Response;
use domain::{CredentialId, CredentialKind, Errand, Health, MemberRole, OrganizationId, Role};
use store::{NewCheck, Organization};

use super::organizations::leftover;
use super::{Board, Panel, Row, find, row, token};
use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::fields::Fields;
use crate::page;
use crate::router::{Access, Route};
use crate::views::checks;

pub(super) fn routes() -> Vec<Route> {
    const READ: Access = Access::Member(MemberRole::Auditor);
    const ADMIN: Access = Access::Member(MemberRole::Admin);
    vec![
        Route::get("/t/{tenant}/github/{organization}/credentials", READ, list),
        Route::get(
            "/t/{tenant}/github/{organization}/credentials/new/access-token",
            ADMIN,
            new,
        ),
        Route::post(
            "/t/{tenant}/github/{organization}/credentials/new/access-token",
            ADMIN,
            create,
        ),
        Route::post(
            "/t/{tenant}/github/{organization}/credentials/{credential}/check",
            ADMIN,
            check,
        ),
        Route::post(
            "/t/{tenant}/github/{organization}/credentials/{credential}/pause",
            ADMIN,
            pause,
        ),
        Route::post(
            "/t/{tenant}/github/{organization}/credentials/{credential}/resume",
            ADMIN,
            resume,
        ),
        Route::get(
            "/t/{tenant}/github/{organization}/credentials/{credential}/edit",
            ADMIN,
            edit,
        ),
        Route::post(
            "/t/{tenant}/github/{organization}/credentials/{credential}/edit",
            ADMIN,
            update,
        ),
        Route::get(
            "/t/{tenant}/github/{organization}/credentials/{credential}/remove",
            ADMIN,
            confirm,
        ),
        Route::post(
            "/t/{tenant}/github/{organization}/credentials/{credential}/remove",
            ADMIN,
            delete,
        ),
    ]
}

type One = Path<(String, OrganizationId, CredentialId)>;

/// The address of an organization's credentials.
pub(crate) fn address(member: &Member, organization: OrganizationId) -> String {
    member.url(format!("github/{organization}/credentials"))
}

async fn list(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, OrganizationId)>,
) -> Result<Response, Error> {
    let organization = find(&member, id).await?;
    let credentials = member.scoped.credentials(id).await?;
    let (mut rows, additional) = row::rows(&console, &credentials).await?;
    rows.retain(|row| !row.is_main);
    let panel = Panel::Credentials {
        requests: member.scoped.installation_requests(id).await?,
        organization,
        rows,
        additional,
    };
    page::show(&Board::over(&console, &member, "Manage credentials", panel).await?)
}

async fn new(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, OrganizationId)>,
) -> Result<Response, Error> {
    let organization = find(&member, id).await?;
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
    let panel = Panel::AddToken {
        organization,
        fields: checks::marked(fields)?,
        tokens: token::offered(&member.scoped).await?,
    };
    Board::over(console, member, "Add Access Token", panel).await
}

async fn create(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, OrganizationId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let organization = find(&member, id).await?;
    let user = token::user(&mut fields);
    let given = token::read(&mut fields);
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
    organization: OrganizationId,
    credential: CredentialId,
) -> Result<Option<Row>, Error> {
    let credentials = member.scoped.credentials(organization).await?;
    let (rows, _) = row::rows(console, &credentials).await?;
    Ok(rows.into_iter().find(|row| row.id == credential))
}

/// Back to the list, when somebody else was faster.
fn gone(
    console: &Console,
    member: &Member,
    organization: OrganizationId,
) -> Result<Response, Error> {
    page::go_saying(
        console,
        &address(member, organization),
        "This credential was removed already.",
    )
}

async fn check(
    State(console): State<Console>,
    member: Member,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    find(&member, organization).await?;
    let new = NewCheck {
        errand: Errand::Recheck { credential },
        token: None,
        once: None,
    };
    match checks::ask(&console, &member, new, &mut Fields::new()).await? {
        Some(check) => page::go(&check),
        None => gone(&console, &member, organization),
    }
}

async fn pause(
    State(console): State<Console>,
    member: Member,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    let sentence = "is paused: no request is sent with it until you resume it.";
    set_health(
        &console,
        &member,
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
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    let sentence = "is used again by the plans that have it switched on.";
    set_health(
        &console,
        &member,
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
    organization: OrganizationId,
    credential: CredentialId,
    health: Health,
    sentence: &str,
) -> Result<Response, Error> {
    let found = find(member, organization).await?;
    let Some(row) = one(console, member, organization, credential).await? else {
        return gone(console, member, organization);
    };
    // A credential that the host refused comes back by a check alone.
    if row.dead.is_some() {
        return page::go_saying(
            console,
            &address(member, organization),
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
        &address(member, organization),
        &format!("{} {sentence}", row.name),
    )
}

async fn edit(
    State(console): State<Console>,
    member: Member,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    let found = find(&member, organization).await?;
    let Some(row) = one(&console, &member, organization, credential).await? else {
        return Err(Error::NotFound);
    };
    let fields = Fields::new().with("reserve", row.reserve_percent);
    let panel = Panel::EditCredential {
        organization: found,
        row,
        fields,
    };
    page::show(&Board::over(&console, &member, "Edit credential", panel).await?)
}

async fn update(
    State(console): State<Console>,
    member: Member,
    Path((_, organization, credential)): One,
    mut fields: Fields,
) -> Result<Response, Error> {
    let found = find(&member, organization).await?;
    let Some(row) = one(&console, &member, organization, credential).await? else {
        return gone(&console, &member, organization);
    };
    let Some(percent) = fields.number("reserve", 0..=100_u8) else {
        let panel = Panel::EditCredential {
            organization: found,
            row,
            fields,
        };
        return page::refuse(&Board::over(&console, &member, "Edit credential", panel).await?);
    };
    member.scoped.set_reserve(credential, percent).await?;
    page::go_saying(
        &console,
        &address(&member, organization),
        &format!("{} keeps {percent} % of its requests back.", row.name),
    )
}

async fn confirm(
    State(console): State<Console>,
    member: Member,
    Path((_, organization, credential)): One,
) -> Result<Response, Error> {
    let found = find(&member, organization).await?;
    let Some(row) = one(&console, &member, organization, credential).await? else {
        return Err(Error::NotFound);
    };
    let panel = Panel::RemoveCredential {
        organization: found,
        row,
        fields: Fields::new().with("delete_tokens", "on"),
    };
    page::show(&Board::over(&console, &member, "Remove credential", panel).await?)
}

async fn delete(
    State(console): State<Console>,
    member: Member,
    Path((_, organization, credential)): One,
    mut fields: Fields,
) -> Result<Response, Error> {
    let found = find(&member, organization).await?;
    let Some(row) = one(&console, &member, organization, credential).await? else {
        return gone(&console, &member, organization);
    };
    match member
        .scoped
        .remove_credential(credential, leftover(&fields))
        .await
    {
        Ok(_) => page::go_saying(
            &console,
            &address(&member, organization),
            &format!("{} is removed.", row.name),
        ),
        Err(error @ store::Error::MainCredential { .. }) => {
            fields.fail_form(error.to_string());
            let panel = Panel::RemoveCredential {
                organization: found,
                row,
                fields,
            };
            page::refuse(&Board::over(&console, &member, "Remove credential", panel).await?)
        }
        Err(store::Error::Missing { .. }) => gone(&console, &member, organization),
        Err(error) => Err(error.into()),
    }
}
