//! The pages, one file each with its forms and what can go wrong in them.

use axum::extract::State;
use axum::response::Response;
use domain::{MemberRole, Theme};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, SignedIn};
use crate::fields::Fields;
use crate::router::{Access, Route};
use crate::{assets, page};

pub(crate) mod account;
pub(crate) mod alerts;
pub(crate) mod applications;
pub(crate) mod audit;
pub(crate) mod checks;
pub(crate) mod github;
pub(crate) mod invitation;
pub(crate) mod login;
pub(crate) mod members;
pub(crate) mod passwords;
pub(crate) mod plans;
pub(crate) mod returns;
pub(crate) mod search;
pub(crate) mod set_up;
pub(crate) mod snapshots;
pub(crate) mod storages;
pub(crate) mod tasks;
pub(crate) mod tenants;
pub(crate) mod throttling;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/static/{name}", Access::Anyone, assets::show),
        Route::get("/", Access::SignedIn, home),
        Route::get("/t/{tenant}", Access::Member(MemberRole::Auditor), front),
        Route::post("/theme", Access::SignedIn, theme),
    ]
}

/// To the tenant that the person was in last, which is the first: she can be in any.
async fn home(signed_in: SignedIn) -> Result<Response, Error> {
    let viewer = signed_in.viewer();
    match viewer.memberships.first() {
        Some(first) => page::go(&format!("/t/{}/github", first.tenant_name)),
        None if viewer.operator => page::go("/tenants"),
        None => page::go("/account"),
    }
}

async fn front(member: Member) -> Result<Response, Error> {
    page::go(&member.url("github"))
}

/// Keeps how the console looks to a person, and goes back to the page.
async fn theme(
    State(console): State<Console>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<Response, Error> {
    let theme: Theme = fields
        .parse("theme")
        .ok_or_else(|| Error::Invalid("There is no such theme.".to_owned()))?;
    console
        .db
        .people()
        .set_theme(signed_in.viewer().person, theme)
        .await?;
    page::go(own(fields.text("back")))
}

/// An address of this console, or the first page: nobody is led elsewhere.
pub(crate) fn own(address: &str) -> &str {
    let is_own = address.starts_with('/')
        && !address.starts_with("//")
        && !address.contains(['\\', '\n', '\r', '\t']);
    if is_own { address } else { "/" }
}
