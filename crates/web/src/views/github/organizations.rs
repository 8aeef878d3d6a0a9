//! Registering an organization, editing it, removing it.

use axum::extract::State;
use axum::response::Response;
use domain::{Errand, ForgeKind, Host, Login, MemberRole, Name, OrganizationId, Purpose, Slot};
use store::{Leftover, NewCheck, RemovalEffects};

use super::{Board, Panel, applications, find, row, token};
use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::fields::Fields;
use crate::page;
use crate::router::{Access, Route};
use crate::views::checks;
use crate::way;

pub(super) fn routes() -> Vec<Route> {
    const READ: Access = Access::Member(MemberRole::Auditor);
    const ADMIN: Access = Access::Member(MemberRole::Admin);
    vec![
        Route::get("/t/{tenant}/github/new", ADMIN, new),
        Route::post("/t/{tenant}/github/new", ADMIN, create),
        Route::get("/t/{tenant}/github/{organization}/edit", READ, edit),
        Route::post("/t/{tenant}/github/{organization}/edit", ADMIN, update),
        Route::get("/t/{tenant}/github/{organization}/remove", ADMIN, confirm),
        Route::post("/t/{tenant}/github/{organization}/remove", ADMIN, delete),
    ]
}

async fn new(State(console): State<Console>, member: Member) -> Result<Response, Error> {
    let fields = token::blank()
        .with("host", "github.com")
        .with("way", "token");
    let hosts = applications::hosts(&console).await?;
    let shown = page::show(&form(&console, &member, fields).await?)?;
    Ok(way::leading_to(shown, &hosts))
}

/// The form, empty or with what is wrong in it.
pub(crate) async fn form(
    console: &Console,
    member: &Member,
    fields: Fields,
) -> Result<Board, Error> {
    let panel = Panel::New {
        fields: checks::marked(fields)?,
        tokens: token::offered(&member.scoped).await?,
    };
    Board::over(console, member, "Add organization", panel).await
}

async fn create(
    State(console): State<Console>,
    member: Member,
    mut fields: Fields,
) -> Result<Response, Error> {
    let host = host(&console, &mut fields);
    let name = name(&member, &mut fields).await?;
    if !fields.text("way").is_empty() && !fields.has("way", "token") {
        return register_by_host(&console, &member, host, name, fields).await;
    }
    let user = token::user(&mut fields);
    let given = token::read(&mut fields);
    let accounts = token::accounts(&mut fields);
    if let (Some(name), Some(accounts)) = (&name, &accounts)
        && accounts.is_empty()
        && name.as_str().parse::<Login>().is_err()
    {
        fields.fail(
            "accounts",
            "Name the accounts to back up: no account on GitHub can be called like this organization.",
        );
    }
    if let (Some(host), Some(name), Some(user), Some(given), Some(accounts), true) =
        (host, name, user, given, accounts, fields.is_ok())
    {
        let new = NewCheck {
            errand: Errand::Register {
                name,
                host: host.to_string(),
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
    page::refuse(&form(&console, &member, fields).await?)
}

/// Registers an organization with what the person does on the host: she is sent there.
async fn register_by_host(
    console: &Console,
    member: &Member,
    host: Option<Host>,
    name: Option<Name>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let by_app = fields.has("way", "app");
    let accounts = if by_app {
        Some(Vec::new())
    } else {
        token::accounts(&mut fields)
    };
    if let (Some(host), Some(name), Some(accounts), true) = (host, name, accounts, fields.is_ok()) {
        if !by_app && accounts.is_empty() && name.as_str().parse::<Login>().is_err() {
            fields.fail(
                "accounts",
                "Name the accounts to back up: no account on GitHub can be called like this organization.",
            );
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
                return page::go(&way::begin(console, member, application, purpose).await?);
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
    page::refuse(&form(console, member, fields).await?)
}

fn host(console: &Console, fields: &mut Fields) -> Option<Host> {
    if fields.text("host").is_empty() {
        fields.fail(
            "host",
            "Enter github.com, or the address of your Enterprise Server.",
        );
        return None;
    }
    match Host::parse(
        ForgeKind::GitHub,
        fields.text("host"),
        &console.settings.http_allowed,
    ) {
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
    Path((_, id)): Path<(String, OrganizationId)>,
) -> Result<Response, Error> {
    let name = find(&member, id).await?.name;
    let fields = Fields::new().with("name", &name).with("was", &name);
    page::show(&editor(&console, &member, id, fields).await?)
}

async fn editor(
    console: &Console,
    member: &Member,
    id: OrganizationId,
    fields: Fields,
) -> Result<Board, Error> {
    let organization = find(member, id).await?;
    let credentials = member.scoped.credentials(id).await?;
    let (mut rows, additional) = row::rows(console, &credentials).await?;
    rows.retain(|row| row.is_main);
    let panel = Panel::Edit {
        organization,
        is_by_app: applications::is_by_app(&credentials),
        mains: rows,
        additional,
        fields,
    };
    Board::over(console, member, "Edit GitHub organization", panel).await
}

async fn update(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, OrganizationId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let current = find(&member, id).await?.name;
    let Some(name) = fields.parse::<Name>("name") else {
        return page::refuse(&editor(&console, &member, id, fields).await?);
    };
    if fields.text("was") != current.as_str() {
        fields.fail_form(format!(
            "Somebody has renamed this organization to {current} since you opened it. Save again to call it {name}."
        ));
        let fields = fields.with("was", &current);
        return page::conflict(&editor(&console, &member, id, fields).await?);
    }
    if name != current {
        match member.scoped.rename_organization(id, &name).await {
            Ok(()) => {}
            Err(store::Error::NameTaken { .. }) => {
                fields.fail(
                    "name",
                    format!("There is an organization called {name} already: choose another name."),
                );
                return page::refuse(&editor(&console, &member, id, fields).await?);
            }
            Err(error) => return Err(error.into()),
        }
    }
    page::go_saying(
        &console,
        &member.url("github"),
        &format!("{name} is saved."),
    )
}

async fn confirm(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, OrganizationId)>,
) -> Result<Response, Error> {
    let fields = Fields::new().with("delete_tokens", "on");
    page::show(&question(&console, &member, id, fields).await?)
}

async fn question(
    console: &Console,
    member: &Member,
    id: OrganizationId,
    fields: Fields,
) -> Result<Board, Error> {
    let panel = Panel::Remove {
        organization: find(member, id).await?,
        effects: member.scoped.removal_effects(id).await?,
        fields,
    };
    Board::over(console, member, "Remove organization", panel).await
}

async fn delete(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, OrganizationId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let Some(organization) = member.scoped.organization(id).await? else {
        return page::go_saying(
            &console,
            &member.url("github"),
            "This organization was removed already.",
        );
    };
    if fields.text("confirm") != organization.name.as_str() {
        fields.fail("confirm", format!("Type {} to confirm.", organization.name));
        return page::refuse(&question(&console, &member, id, fields).await?);
    }
    let tokens = leftover(&fields);
    let removal = member.scoped.remove_organization(id, tokens).await?;
    page::go_saying(
        &console,
        &member.url("github"),
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
