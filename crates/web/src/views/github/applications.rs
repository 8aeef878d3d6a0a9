//! Additional GitHub Apps #1 to #10 of an organization, and the accounts that carry its main one.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::{
    CredentialKind, Errand, ForgeKind, Host, InstallationRequestId, MemberRole, OrganizationId,
    Purpose, Role, Slot,
};
use store::{Application, ApplicationState, Credential, NewCheck, Organization, Source};

use super::{Board, Panel, find};
use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path, Vendor};
use crate::fields::Fields;
use crate::page;
use crate::router::{Access, Route};
use crate::views::checks;
use crate::way;

pub(super) fn routes() -> Vec<Route> {
    const ADMIN: Access = Access::Member(MemberRole::Admin);
    vec![
        Route::get(
            "/t/{tenant}/github/{organization}/credentials/new/github-app",
            ADMIN,
            new,
        ),
        Route::post(
            "/t/{tenant}/github/{organization}/credentials/new/github-app",
            ADMIN,
            create,
        ),
        Route::post(
            "/t/{tenant}/github/{organization}/credentials/requests/{request}",
            ADMIN,
            take,
        ),
        Route::post(
            "/t/{tenant}/github/{organization}/credentials/requests/{request}/dismiss",
            ADMIN,
            dismiss,
        ),
        Route::get(
            "/t/{tenant}/github/{organization}/accounts/new",
            ADMIN,
            new_account,
        ),
        Route::post(
            "/t/{tenant}/github/{organization}/accounts/new",
            ADMIN,
            create_account,
        ),
    ]
}

/// One of #1 to #10.
pub(crate) struct SlotChoice {
    pub(crate) number: u8,
    /// Whether the service operator has registered it for the host.
    pub(crate) is_ready: bool,
    /// The accounts that it is on already.
    pub(crate) accounts: Vec<String>,
}

/// Whether an organization was registered with the main application.
pub(super) fn is_by_app(credentials: &[Credential]) -> bool {
    credentials
        .iter()
        .any(|one| one.role == Role::Main && one.kind == CredentialKind::AppInstallation)
}

/// The hosts that have applications.
pub(super) async fn hosts(console: &Console) -> Result<Vec<Host>, Error> {
    let all = console.db.fleet().applications().await?;
    let ready = all
        .into_iter()
        .filter(|one| one.state == ApplicationState::Ready);
    Ok(ready.map(|one| one.host).collect())
}

fn choices(applications: &[Application], credentials: &[Credential]) -> Vec<SlotChoice> {
    (1..=Slot::MOST)
        .map(|number| SlotChoice {
            number,
            is_ready: applications
                .iter()
                .any(|one| one.slot == Slot::Additional(number)),
            accounts: credentials
                .iter()
                .filter(|one| match &one.source {
                    Source::Installation { slot, .. } => *slot == Slot::Additional(number),
                    Source::Entry { .. } => false,
                })
                .map(|one| one.login.clone())
                .collect(),
        })
        .collect()
}

async fn new(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, OrganizationId)>,
) -> Result<Response, Error> {
    form(&console, &member, id, Fields::new()).await
}

/// The form, empty or with what is wrong in it.
pub(crate) async fn form(
    console: &Console,
    member: &Member,
    id: OrganizationId,
    mut fields: Fields,
) -> Result<Response, Error> {
    let organization = find(member, Vendor(ForgeKind::GitHub), id).await?;
    let host = organization.host.clone();
    let applications = console.db.fleet().applications_of(&host).await?;
    let credentials = member.scoped.credentials(id).await?;
    let slots = choices(&applications, &credentials);
    if fields.text("slot").is_empty()
        && let Some(first) = slots
            .iter()
            .find(|one| one.is_ready && one.accounts.is_empty())
    {
        fields = fields.with("slot", first.number);
    }
    let is_wrong = !fields.is_ok();
    let panel = Panel::AddApp {
        organization,
        fields,
        slots,
        is_by_app: is_by_app(&credentials),
    };
    let board = Board::over(console, member, ForgeKind::GitHub, "Add GitHub App", panel).await?;
    let shown = if is_wrong {
        page::refuse(&board)?
    } else {
        page::show(&board)?
    };
    Ok(way::leading_to(shown, [&host]))
}

/// The application of a slot, or notes that there is none.
async fn application(
    console: &Console,
    organization: &Organization,
    slot: Slot,
) -> Result<Option<Application>, Error> {
    let mut all = console
        .db
        .fleet()
        .applications_of(&organization.host)
        .await?;
    all.retain(|one| one.slot == slot);
    Ok(all.pop())
}

fn not_registered(slot: Slot, organization: &Organization) -> String {
    format!(
        "{} is not registered for {}: ask who runs this service to add it.",
        slot.label(),
        organization.host.authority()
    )
}

async fn create(
    State(console): State<Console>,
    member: Member,
    headers: HeaderMap,
    Path((_, id)): Path<(String, OrganizationId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let organization = find(&member, Vendor(ForgeKind::GitHub), id).await?;
    let slot: Option<Slot> = fields.parse("slot");
    if let Some(slot @ Slot::Additional(_)) = slot {
        if let Some(application) = application(&console, &organization, slot).await? {
            let purpose = Purpose::Add { organization: id };
            return page::go(
                &way::begin(&console, &member, &headers, &application, purpose).await?,
            );
        }
        fields.fail("slot", not_registered(slot, &organization));
    } else {
        fields.fail("slot", "Choose one of the applications #1 to #10.");
    }
    form(&console, &member, id, fields).await
}

/// Takes what an owner has installed for somebody who had asked for it.
async fn take(
    State(console): State<Console>,
    member: Member,
    Path((_, organization, request)): Path<(String, OrganizationId, InstallationRequestId)>,
) -> Result<Response, Error> {
    find(&member, Vendor(ForgeKind::GitHub), organization).await?;
    let requests = member.scoped.installation_requests(organization).await?;
    let Some(found) = requests.iter().find(|one| one.id == request) else {
        return page::go(&super::credentials::address(
            &member,
            Vendor(ForgeKind::GitHub),
            organization,
        ));
    };
    let new = NewCheck {
        errand: Errand::Take {
            request,
            organization,
            slot: found.slot,
        },
        token: None,
        once: None,
    };
    match checks::ask(&console, &member, new, &mut Fields::new()).await? {
        Some(check) => page::go(&check),
        None => page::go(&super::credentials::address(
            &member,
            Vendor(ForgeKind::GitHub),
            organization,
        )),
    }
}

/// Forgets what was asked for; what an owner has installed stays installed on the host.
async fn dismiss(
    State(console): State<Console>,
    member: Member,
    Path((_, organization, request)): Path<(String, OrganizationId, InstallationRequestId)>,
) -> Result<Response, Error> {
    find(&member, Vendor(ForgeKind::GitHub), organization).await?;
    let back = super::credentials::address(&member, Vendor(ForgeKind::GitHub), organization);
    let requests = member.scoped.installation_requests(organization).await?;
    let Some(found) = requests.iter().find(|one| one.id == request) else {
        return page::go(&back);
    };
    match member.scoped.dismiss_installation_request(request).await {
        Ok(()) => {
            let label = found.slot.label();
            let sentence = if found.installation.is_some() {
                format!(
                    "{label} on {} is not added. It stays installed there.",
                    found.account
                )
            } else {
                format!(
                    "{label} is not awaited on {} any more. An owner may still install it there.",
                    found.account
                )
            };
            page::go_saying(&console, &back, &sentence)
        }
        Err(store::Error::Missing { .. }) => page::go(&back),
        Err(error) => Err(error.into()),
    }
}

async fn new_account(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, OrganizationId)>,
) -> Result<Response, Error> {
    account_form(&console, &member, id, Fields::new()).await
}

/// The form, empty or with what is wrong in it.
pub(crate) async fn account_form(
    console: &Console,
    member: &Member,
    id: OrganizationId,
    fields: Fields,
) -> Result<Response, Error> {
    let organization = find(member, Vendor(ForgeKind::GitHub), id).await?;
    let host = organization.host.clone();
    let is_wrong = !fields.is_ok();
    let panel = Panel::AddAccount {
        organization,
        fields,
    };
    let board = Board::over(console, member, ForgeKind::GitHub, "Add account", panel).await?;
    let shown = if is_wrong {
        page::refuse(&board)?
    } else {
        page::show(&board)?
    };
    Ok(way::leading_to(shown, [&host]))
}

async fn create_account(
    State(console): State<Console>,
    member: Member,
    headers: HeaderMap,
    Path((_, id)): Path<(String, OrganizationId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let organization = find(&member, Vendor(ForgeKind::GitHub), id).await?;
    let credentials = member.scoped.credentials(id).await?;
    if !is_by_app(&credentials) {
        fields.fail_form(
            "This organization was not registered with a GitHub App: its accounts are those that were named.",
        );
    } else if let Some(application) = application(&console, &organization, Slot::Main).await? {
        let purpose = Purpose::Account { organization: id };
        return page::go(&way::begin(&console, &member, &headers, &application, purpose).await?);
    } else {
        fields.fail_form(not_registered(Slot::Main, &organization));
    }
    account_form(&console, &member, id, fields).await
}
