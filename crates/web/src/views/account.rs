//! A person's own account: name, password, second factor, sessions, appearance.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{PersonName, Secret, SessionId};
use store::{People, Session};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Path, SignedIn};
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};
use crate::token::Token;
use crate::{password, session};

mod enrolment;
mod second_factor;

pub(crate) fn routes() -> Vec<Route> {
    const OWN: Access = Access::SignedIn;
    let mut routes = vec![
        Route::get("/account", OWN, show),
        Route::get("/account/name", OWN, edit_name),
        Route::post("/account/name", OWN, update_name),
        Route::get("/account/password", OWN, edit_password),
        Route::post("/account/password", OWN, update_password),
        Route::post("/account/sessions/{id}/close", OWN, close),
        Route::post("/account/sessions/close-others", OWN, close_others),
    ];
    routes.extend(second_factor::routes());
    routes
}

#[derive(Template)]
#[template(path = "account/show.html")]
struct AccountPage {
    page: Page,
    now: DateTime<Utc>,
    name: String,
    email: String,
    current: SessionId,
    sessions: Vec<Session>,
    totp: bool,
    recovery_codes: u64,
    panel: Panel,
}

/// What lies over the page.
enum Panel {
    None,
    Name(Fields),
    Password(Fields),
    BeginSecondFactor(Fields),
    RemoveSecondFactor(Fields),
    RecoveryCodes(Fields),
}

const PAGE: &str = "/account";

impl AccountPage {
    async fn over(
        console: &Console,
        signed_in: &SignedIn,
        title: &str,
        panel: Panel,
    ) -> Result<Self, Error> {
        let viewer = signed_in.viewer();
        let people = console.db.people();
        let totp = people.totp(&console.sealer, viewer.person).await?;
        Ok(Self {
            page: Page::new(signed_in, Tab::Account, title),
            now: console.clock.now(),
            name: viewer.name.clone(),
            email: viewer.email.to_string(),
            current: viewer.session,
            sessions: people.sessions(viewer.person).await?,
            totp: totp.is_some_and(|totp| totp.confirmed),
            recovery_codes: people.recovery_codes_left(viewer.person).await?,
            panel,
        })
    }
}

fn people(console: &Console, signed_in: &SignedIn) -> People {
    console.db.people().acting(signed_in.actor())
}

async fn show(State(console): State<Console>, signed_in: SignedIn) -> Result<Response, Error> {
    page::show(&AccountPage::over(&console, &signed_in, "Your account", Panel::None).await?)
}

async fn edit_name(State(console): State<Console>, signed_in: SignedIn) -> Result<Response, Error> {
    let panel = Panel::Name(Fields::new().with("name", &signed_in.viewer().name));
    page::show(&AccountPage::over(&console, &signed_in, "Change name", panel).await?)
}

async fn update_name(
    State(console): State<Console>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<Response, Error> {
    if let (Some(name), true) = (fields.parse::<PersonName>("name"), fields.is_ok()) {
        people(&console, &signed_in)
            .rename(signed_in.viewer().person, &name)
            .await?;
        return page::go_saying(&console, PAGE, "Your name is changed.");
    }
    let panel = Panel::Name(fields);
    page::refuse(&AccountPage::over(&console, &signed_in, "Change name", panel).await?)
}

async fn edit_password(
    State(console): State<Console>,
    signed_in: SignedIn,
) -> Result<Response, Error> {
    let panel = Panel::Password(Fields::new());
    page::show(&AccountPage::over(&console, &signed_in, "Change password", panel).await?)
}

async fn update_password(
    State(console): State<Console>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<Response, Error> {
    if let Some(fault) = password::fault(fields.raw("new_password")) {
        fields.fail("new_password", fault);
    }
    if fields.is_ok() {
        check_password(&console, &signed_in, &mut fields).await?;
    }
    if !fields.is_ok() {
        let panel = Panel::Password(fields);
        return page::refuse(
            &AccountPage::over(&console, &signed_in, "Change password", panel).await?,
        );
    }
    let hash = password::hash(Secret::new(fields.raw("new_password"))).await?;
    let token = Token::new()?;
    let viewer = signed_in.viewer();
    people(&console, &signed_in)
        .change_password(viewer.person, &hash, viewer.session, &token.hash())
        .await?;
    let mut response = page::go_saying(
        &console,
        PAGE,
        "Your password is changed, and you are signed out everywhere else.",
    )?;
    response
        .headers_mut()
        .append(header::SET_COOKIE, session::cookie(&console, &token)?);
    Ok(response)
}

async fn close(
    State(console): State<Console>,
    signed_in: SignedIn,
    Path(id): Path<SessionId>,
) -> Result<Response, Error> {
    let viewer = signed_in.viewer();
    people(&console, &signed_in)
        .close_session(id, viewer.person)
        .await?;
    page::go_saying(&console, PAGE, "That browser is signed out.")
}

async fn close_others(
    State(console): State<Console>,
    signed_in: SignedIn,
) -> Result<Response, Error> {
    let viewer = signed_in.viewer();
    people(&console, &signed_in)
        .close_other_sessions(viewer.person, viewer.session)
        .await?;
    page::go_saying(&console, PAGE, "You are signed out everywhere else.")
}

/// What changes how a person signs in asks for the password again: a browser may have been left open. Tries count like
/// those of signing in.
async fn check_password(
    console: &Console,
    signed_in: &SignedIn,
    fields: &mut Fields,
) -> Result<(), Error> {
    let people = console.db.people();
    let email = &signed_in.viewer().email;
    let attempts = people
        .begin_attempt(email.as_str(), signed_in.address)
        .await?;
    if !attempts.may_try {
        fields.fail("current_password", super::login::locked(&attempts, console));
        return Ok(());
    }
    let known = people.sign_in(email).await?;
    let given = Secret::new(fields.raw("current_password"));
    if password::matches(given, known.map(|known| known.password_hash)).await? {
        people
            .note_attempt(email.as_str(), signed_in.address, true)
            .await?;
    } else {
        fields.fail("current_password", "This is not your present password.");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
