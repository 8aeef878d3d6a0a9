//! The tenants of the installation, for the service operator: that they exist and who is to answer for them, and nothing
//! of what they hold.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{Email, Name, TenantId};
use store::TenantOverview;

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Path, ServiceOperator};
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};
use crate::token::Token;
use crate::views::invitation;

pub(crate) fn routes() -> Vec<Route> {
    const OPERATOR: Access = Access::ServiceOperator;
    vec![
        Route::get("/tenants", OPERATOR, list),
        Route::get("/tenants/new", OPERATOR, new),
        Route::post("/tenants/new", OPERATOR, create),
        Route::get("/tenants/{id}/owner", OPERATOR, ask_owner),
        Route::post("/tenants/{id}/owner", OPERATOR, invite_owner),
    ]
}

#[derive(Template)]
#[template(path = "tenants/list.html")]
struct TenantsPage {
    page: Page,
    now: DateTime<Utc>,
    tenants: Vec<TenantOverview>,
    panel: Panel,
}

/// What lies over the list.
enum Panel {
    None,
    New(Fields),
    Owner {
        tenant: TenantOverview,
        fields: Fields,
    },
    Invited {
        tenant: Name,
        email: Email,
        link: String,
    },
}

impl TenantsPage {
    async fn over(
        console: &Console,
        operator: &ServiceOperator,
        title: &str,
        panel: Panel,
    ) -> Result<Self, Error> {
        Ok(Self {
            page: Page::new(operator, Tab::Installation, title),
            now: console.clock.now(),
            tenants: console.db.people().tenants().await?,
            panel,
        })
    }
}

async fn list(
    State(console): State<Console>,
    operator: ServiceOperator,
) -> Result<Response, Error> {
    page::show(&TenantsPage::over(&console, &operator, "Tenants", Panel::None).await?)
}

async fn new(State(console): State<Console>, operator: ServiceOperator) -> Result<Response, Error> {
    let panel = Panel::New(Fields::new());
    page::show(&TenantsPage::over(&console, &operator, "Add a tenant", panel).await?)
}

async fn create(
    State(console): State<Console>,
    operator: ServiceOperator,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, Error> {
    let name: Option<Name> = fields.parse("name");
    let email: Option<Email> = fields.parse("email");
    if let (Some(name), Some(email), true) = (name, email, fields.is_ok()) {
        let fleet = console.db.fleet().acting(operator.0.actor());
        match fleet.add_tenant(&name, &console.sealer).await {
            Ok(tenant) => {
                return invited(&console, &operator, &headers, (tenant.id, name), email).await;
            }
            Err(error @ store::Error::NameTaken { .. }) => fields.fail("name", error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    let panel = Panel::New(fields);
    page::refuse(&TenantsPage::over(&console, &operator, "Add a tenant", panel).await?)
}

/// Invites the first owner. The link is in this one answer and nowhere else.
async fn invited(
    console: &Console,
    operator: &ServiceOperator,
    headers: &HeaderMap,
    (id, tenant): (TenantId, Name),
    email: Email,
) -> Result<Response, Error> {
    let token = Token::new()?;
    console
        .db
        .tenant(id)
        .acting(operator.0.actor())
        .invite_first_owner(email.clone(), token.hash())
        .await
        .map_err(|error| match error {
            store::Error::HasOwner | store::Error::AlreadyMember { .. } => {
                Error::Conflict(error.to_string())
            }
            other => other.into(),
        })?;
    let panel = Panel::Invited {
        tenant,
        email,
        link: invitation::link(console, headers, &token),
    };
    page::show(&TenantsPage::over(console, operator, "Invitation", panel).await?)
}

async fn without_owner(console: &Console, id: TenantId) -> Result<TenantOverview, Error> {
    let tenants = console.db.people().tenants().await?;
    let tenant = tenants
        .into_iter()
        .find(|tenant| tenant.id == id)
        .ok_or(Error::NotFound)?;
    if tenant.has_owner {
        return Err(Error::Conflict(store::Error::HasOwner.to_string()));
    }
    Ok(tenant)
}

async fn ask_owner(
    State(console): State<Console>,
    operator: ServiceOperator,
    Path(id): Path<TenantId>,
) -> Result<Response, Error> {
    let panel = Panel::Owner {
        tenant: without_owner(&console, id).await?,
        fields: Fields::new(),
    };
    page::show(&TenantsPage::over(&console, &operator, "Invite an owner", panel).await?)
}

async fn invite_owner(
    State(console): State<Console>,
    operator: ServiceOperator,
    Path(id): Path<TenantId>,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, Error> {
    let tenant = without_owner(&console, id).await?;
    if let (Some(email), true) = (fields.parse::<Email>("email"), fields.is_ok()) {
        return invited(&console, &operator, &headers, (id, tenant.name), email).await;
    }
    let panel = Panel::Owner { tenant, fields };
    page::refuse(&TenantsPage::over(&console, &operator, "Invite an owner", panel).await?)
}

#[cfg(test)]
mod tests;
