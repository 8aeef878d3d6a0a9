//! Registering an organization, editing it, removing it.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::{Errand, ForgeKind, Host, Login, MemberRole, Name, OrganizationId, Purpose, Slot};
use store::{Leftover, NewCheck, RemovalEffects};

use super::{Board, Panel, applications, find, row, token};
use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path, Vendor};
use crate::fields::Fields;
use crate::page;
use crate::router::{Access, Route};
use crate::views::checks;
use crate::way;

pub(super) fn routes() -> Vec<Route> {
    const READ: Access = Access::Member(MemberRole::Auditor);
    const ADMIN: Access = Access::Member(MemberRole::Admin);
    [
        at_each!(get, "/new", ADMIN, new),
        at_each!(post, "/new", ADMIN, create),
        at_each!(get, "/{organization}/edit", READ, edit),
        at_each!(post, "/{organization}/edit", ADMIN, update),
        at_each!(get, "/{organization}/remove", ADMIN, confirm),
        at_each!(post, "/{organization}/remove", ADMIN, delete),
    ]
    .into_iter()
    .flatten()
    .collect()
}

async fn new(
    State(console): State<Console>,
    member: Member,
    Vendor(forge): Vendor,
) -> Result<Response, Error> {
    let host = match forge {
        ForgeKind::GitHub => "github.com",
        ForgeKind::GitLab => "gitlab.com",
    };
    let fields = token::blank().with("host", host).with("way", "token");
    let hosts = applications::hosts(&console).await?;
    let shown = page::show(&form(&console, &member, forge, fields).await?)?;
    Ok(way::leading_to(shown, &hosts))
}

/// The form, empty or with what is wrong in it.
pub(crate) async fn form(
    console: &Console,
    member: &Member,
    forge: ForgeKind,
    fields: Fields,
) -> Result<Board, Error> {
    let panel = Panel::New {
        fields: checks::marked(fields)?,
        tokens: token::offered(&member.scoped).await?,
    };
    Board::over(console, member, forge, "Add organization", panel).await
}

async fn create(
    State(console): State<Console>,
    member: Member,
    headers: HeaderMap,
    Vendor(forge): Vendor,
    mut fields: Fields,
) -> Result<Response, Error> {
    let host = host(&console, forge, &mut fields);
    let name = name(&member, &mut fields).await?;
    let by_host = !fields.text("way").is_empty() && !fields.has("way", "token");
    if by_host {
        let wanted = (forge, host, name);
        return register_by_host(&console, &member, &headers, wanted, fields).await;
    }
    let user = token::user(forge, &mut fields);
    let given = token::read(forge, &mut fields);
    let accounts = token::accounts(forge, &mut fields);
    if let (Some(name), Some(accounts)) = (&name, &accounts)
        && accounts.is_empty()
    {
        must_name_accounts(forge, name, &mut fields);
    }
    if let (Some(host), Some(name), Some(user), Some(given), Some(accounts), true) =
        (host, name, user, given, accounts, fields.is_ok())
    {
        let new = NewCheck {
            errand: Errand::Register {
                name,
                host: host.to_string(),
                forge,
                user,
                accounts,
            },
            token: Some(given),
            once: checks::mark_of(&fields),
        };
        if let Some(check) = checks::ask(&console, &member, new, &mut fields).await? {
            return page::go(&check);
        }
    }
    page::refuse(&form(&console, &member, forge, fields).await?)
}

/// Registers an organization with what the person does on the host: she is sent there.
async fn register_by_host(
    console: &Console,
    member: &Member,
    headers: &HeaderMap,
    (forge, host, name): (ForgeKind, Option<Host>, Option<Name>),
    mut fields: Fields,
) -> Result<Response, Error> {
    // Nothing is installed on a GitLab.
    let by_app = forge == ForgeKind::GitHub && fields.has("way", "app");
    let accounts = if by_app {
        Some(Vec::new())
    } else {
        token::accounts(forge, &mut fields)
    };
    if let (Some(host), Some(name), Some(accounts), true) = (host, name, accounts, fields.is_ok()) {
        if !by_app && accounts.is_empty() {
            must_name_accounts(forge, &name, &mut fields);
        }
        let slot = if by_app { Slot::Main } else { Slot::OAuth };
        let found = console.db.fleet().applications_of(&host).await?;
        match found.iter().find(|one| one.slot == slot) {
            Some(application) if fields.is_ok() => {
                let purpose = if by_app {
                    Purpose::RegisterByApp { name }
                } else {
                    Purpose::RegisterByOauth { name, accounts }
                };
                return page::go(&way::begin(console, member, headers, application, purpose).await?);
            }
            Some(_) => {}
            None => fields.fail(
                "way",
                format!(
                    "There is no {} for {} here: ask who runs this service to add one, or use an access token.",
                    if by_app { "GitHub App" } else { "OAuth app" },
                    host.authority()
                ),
            ),
        }
    }
    page::refuse(&form(console, member, forge, fields).await?)
}

/// Without named accounts there is the one called like the organization, if one can be called so.
fn must_name_accounts(forge: ForgeKind, name: &Name, fields: &mut Fields) {
    if Login::of(forge, name.as_str()).is_err() {
        fields.fail(
            "accounts",
            format!(
                "Name the accounts to back up: no account on {} can be called like this organization.",
                forge.label()
            ),
        );
    }
}

fn host(console: &Console, forge: ForgeKind, fields: &mut Fields) -> Option<Host> {
    if fields.text("host").is_empty() {
        let sentence = match forge {
            ForgeKind::GitHub => "Enter github.com, or the address of your Enterprise Server.",
            ForgeKind::GitLab => "Enter gitlab.com, or the address of your own GitLab.",
        };
        fields.fail("host", sentence);
        return None;
    }
    match Host::parse(forge, fields.text("host"), &console.settings.http_allowed) {
        Ok(host) => Some(host),
        Err(invalid) => {
            fields.fail("host", invalid.to_string());
            None
        }
    }
}

/// A name that no other organization has.
async fn name(member: &Member, fields: &mut Fields) -> Result<Option<Name>, Error> {
    let Some(name) = fields.parse::<Name>("name") else {
        return Ok(None);
    };
    if member
        .scoped
        .organization_by_name(name.as_str())
        .await?
        .is_some()
    {
        fields.fail(
            "name",
            format!("There is an organization called {name} already: choose another name."),
        );
    }
    Ok(Some(name))
}

async fn edit(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, id)): Path<(String, OrganizationId)>,
) -> Result<Response, Error> {
    let name = find(&member, vendor, id).await?.name;
    let fields = Fields::new().with("name", &name).with("was", &name);
    page::show(&editor(&console, &member, vendor, id, fields).await?)
}

async fn editor(
    console: &Console,
    member: &Member,
    vendor: Vendor,
    id: OrganizationId,
    fields: Fields,
) -> Result<Board, Error> {
    let organization = find(member, vendor, id).await?;
    let credentials = member.scoped.credentials(id).await?;
    let (mut rows, additional) = row::rows(console, vendor.0, &credentials).await?;
    rows.retain(|row| row.is_main);
    let panel = Panel::Edit {
        organization,
        is_by_app: applications::is_by_app(&credentials),
        mains: rows,
        additional,
        fields,
    };
    let title = format!("Edit {} organization", vendor.0.label());
    Board::over(console, member, vendor.0, &title, panel).await
}

async fn update(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, id)): Path<(String, OrganizationId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let current = find(&member, vendor, id).await?.name;
    let Some(name) = fields.parse::<Name>("name") else {
        return page::refuse(&editor(&console, &member, vendor, id, fields).await?);
    };
    if fields.text("was") != current.as_str() {
        fields.fail_form(format!(
            "Somebody has renamed this organization to {current} since you opened it. Save again to call it {name}."
        ));
        let fields = fields.with("was", &current);
        return page::conflict(&editor(&console, &member, vendor, id, fields).await?);
    }
    if name != current {
        match member.scoped.rename_organization(id, &name).await {
            Ok(()) => {}
            Err(store::Error::NameTaken { .. }) => {
                fields.fail(
                    "name",
                    format!("There is an organization called {name} already: choose another name."),
                );
                return page::refuse(&editor(&console, &member, vendor, id, fields).await?);
            }
            Err(error) => return Err(error.into()),
        }
    }
    page::go_saying(
        &console,
        &member.url(vendor.0.as_str()),
        &format!("{name} is saved."),
    )
}

async fn confirm(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, id)): Path<(String, OrganizationId)>,
) -> Result<Response, Error> {
    let fields = Fields::new().with("delete_tokens", "on");
    page::show(&question(&console, &member, vendor, id, fields).await?)
}

async fn question(
    console: &Console,
    member: &Member,
    vendor: Vendor,
    id: OrganizationId,
    fields: Fields,
) -> Result<Board, Error> {
    let panel = Panel::Remove {
        organization: find(member, vendor, id).await?,
        effects: member.scoped.removal_effects(id).await?,
        fields,
    };
    Board::over(console, member, vendor.0, "Remove organization", panel).await
}

async fn delete(
    State(console): State<Console>,
    member: Member,
    vendor: Vendor,
    Path((_, id)): Path<(String, OrganizationId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let Some(organization) = member.scoped.organization(id).await? else {
        return page::go_saying(
            &console,
            &member.url(vendor.0.as_str()),
            "This organization was removed already.",
        );
    };
    if fields.text("confirm") != organization.name.as_str() {
        fields.fail("confirm", format!("Type {} to confirm.", organization.name));
        return page::refuse(&question(&console, &member, vendor, id, fields).await?);
    }
    let tokens = leftover(&fields);
    let removal = member.scoped.remove_organization(id, tokens).await?;
    page::go_saying(
        &console,
        &member.url(vendor.0.as_str()),
        &format!("{} is removed. {}", removal.name, kept(&removal.effects)),
    )
}

/// What is to become of tokens that nothing else uses.
pub(super) fn leftover(fields: &Fields) -> Leftover {
    if fields.is_on("delete_tokens") {
        Leftover::DeleteIfUnused
    } else {
        Leftover::Keep
    }
}

fn kept(effects: &RemovalEffects) -> String {
    if effects.snapshots == 0 {
        return "It had no snapshots.".to_owned();
    }
    let snapshots = crate::text::count(effects.snapshots, "snapshot stays", "snapshots stay");
    format!("{snapshots} and can be restored.")
}
