//! The first visit: whoever knows the code that the server has printed becomes the service operator.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::{Email, Name, PersonName, Secret};
use store::{Actor, NewPerson};

use crate::console::Console;
use crate::error::Error;
use crate::extract::Address;
use crate::fields::Fields;
use crate::page::{self, Page};
use crate::router::{Access, Route};
use crate::views::login;
use crate::{password, second_factor};

/// The account under which tries of the code are counted.
const ACCOUNT: &str = "set-up";

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/setup", Access::Anyone, show),
        Route::post("/setup", Access::Anyone, create),
    ]
}

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUpPage {
    page: Page,
    fields: Fields,
}

fn form(fields: Fields) -> SetUpPage {
    SetUpPage {
        page: Page::bare("Set up Holdfast"),
        fields,
    }
}

async fn show(State(console): State<Console>) -> Result<Response, Error> {
    if console.db.people().is_set_up().await? {
        return Err(Error::NotFound);
    }
    page::show(&form(Fields::new()))
}

async fn create(
    State(console): State<Console>,
    Address(address): Address,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, Error> {
    let people = console.db.people();
    if people.is_set_up().await? {
        return Err(Error::NotFound);
    }
    let attempts = people.attempts(ACCOUNT, address).await?;
    let is_right = attempts.may_try && knows_the_code(&console, &fields);
    if attempts.may_try {
        people.note_attempt(ACCOUNT, address, is_right).await?;
    }
    if !attempts.may_try {
        fields.fail("setup_code", login::locked(&attempts, &console));
    } else if !is_right {
        fields.fail(
            "setup_code",
            "This is not the code. The server prints it to its log when it starts, and another one at each start.",
        );
    }
    let name: Option<PersonName> = fields.parse("name");
    let email: Option<Email> = fields.parse("email");
    let tenant: Option<Name> = fields.parse("tenant");
    if let Some(fault) = password::fault(fields.raw("new_password")) {
        fields.fail("new_password", fault);
    }
    let (Some(name), Some(email), Some(tenant), true) = (name, email, tenant, fields.is_ok())
    else {
        return page::refuse(&form(fields));
    };
    let new = NewPerson {
        password_hash: password::hash(Secret::new(fields.raw("new_password"))).await?,
        email,
        name,
    };
    let actor = Actor {
        person: None,
        name: new.name.to_string(),
        address: Some(address),
    };
    let person = console
        .db
        .people()
        .acting(actor)
        .set_up(&console.sealer, new, &tenant)
        .await?;
    login::open(
        &console,
        person,
        address,
        &headers,
        &format!("/t/{tenant}/github"),
    )
    .await
}

/// Compared as hashes, so that the time it takes says nothing of how much is right.
fn knows_the_code(console: &Console, fields: &Fields) -> bool {
    console.settings.set_up_code.as_ref().is_some_and(|code| {
        second_factor::recovery_hash(code.expose())
            == second_factor::recovery_hash(fields.text("setup_code"))
    })
}

#[cfg(test)]
mod tests;
