//! Signing in and out.

use std::net::IpAddr;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use domain::{Email, PersonId, Secret};
use serde::Deserialize;
use store::{Attempts, NewSession};
use url::form_urlencoded::byte_serialize;

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Address, SignedIn, Visitor};
use crate::fields::Fields;
use crate::form::Query;
use crate::page::{self, Page};
use crate::router::{Access, Route};
use crate::token::{self, Token};
use crate::{password, second_factor, session, text, views};

/// Characters that are kept of what a browser calls itself.
const AGENT: usize = 256;

/// The cookie of who has given the right password and not yet a code, and how long that counts.
const HALFWAY: &str = "halfway";
const HALFWAY_S: u32 = 5 * 60;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/login", Access::Anyone, show),
        Route::post("/login", Access::Anyone, create),
        Route::get("/login/code", Access::Anyone, ask_code),
        Route::post("/login/code", Access::Anyone, check_code),
        Route::post("/logout", Access::SignedIn, delete),
    ]
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    page: Page,
    fields: Fields,
}

fn form(fields: Fields) -> LoginPage {
    LoginPage {
        page: Page::bare("Sign in"),
        fields,
    }
}

#[derive(Debug, Deserialize)]
struct Wish {
    next: Option<String>,
}

async fn show(
    State(console): State<Console>,
    Visitor(frame): Visitor,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    let next = wish.next.unwrap_or_default();
    if frame.is_some() {
        return page::go(views::own(&next));
    }
    if !console.db.people().is_set_up().await? {
        return page::go("/setup");
    }
    page::show(&form(Fields::new().with("next", next)))
}

async fn create(
    State(console): State<Console>,
    Address(address): Address,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, Error> {
    let people = console.db.people();
    // What nobody can have as an address is counted as it was typed.
    let typed: String = fields
        .text("email")
        .to_lowercase()
        .chars()
        .take(Email::MAX)
        .collect();
    let attempts = people.begin_attempt(&typed, address).await?;
    if !attempts.may_try {
        fields.fail_form(locked(&attempts, &console));
        return page::refuse(&form(fields));
    }
    let known = match typed.parse::<Email>() {
        Ok(email) => people.sign_in(&email).await?,
        Err(_) => None,
    };
    let hash = known.as_ref().map(|known| known.password_hash.clone());
    let is_right = password::matches(Secret::new(fields.raw("password")), hash).await?;
    let Some(known) = known.filter(|_| is_right) else {
        let left = attempts.left.saturating_sub(1);
        fields.fail_form(wrong(left));
        return page::refuse(&form(fields));
    };
    let next = views::own(fields.text("next"));
    if known.totp {
        return halfway(&console, known.person, next).await;
    }
    people.note_attempt(&typed, address, true).await?;
    open(&console, known.person, address, &headers, next).await
}

/// Asks somebody whose password was right for a code. Failures are forgotten only when both were right.
async fn halfway(console: &Console, person: PersonId, next: &str) -> Result<Response, Error> {
    let token = Token::new()?;
    console
        .db
        .people()
        .begin_sign_in(person, &token.hash())
        .await?;
    let next: String = byte_serialize(next.as_bytes()).collect();
    let mut response = page::go(&format!("/login/code?next={next}"))?;
    response.headers_mut().append(
        header::SET_COOKIE,
        session::set(console, HALFWAY, token.text(), HALFWAY_S)?,
    );
    Ok(response)
}

/// What the database knows somebody by who has come halfway.
fn halfway_hash(headers: &HeaderMap) -> [u8; 32] {
    token::hash(&session::read(headers, HALFWAY).unwrap_or_default())
}

#[derive(Template)]
#[template(path = "login_code.html")]
struct CodePage {
    page: Page,
    fields: Fields,
}

fn code_form(fields: Fields) -> CodePage {
    CodePage {
        page: Page::bare("Enter your code"),
        fields,
    }
}

async fn ask_code(
    State(console): State<Console>,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    let hash = halfway_hash(&headers);
    if console.db.people().signing_in(&hash).await?.is_none() {
        return page::go("/login");
    }
    let next = wish.next.unwrap_or_default();
    page::show(&code_form(Fields::new().with("next", next)))
}

async fn check_code(
    State(console): State<Console>,
    Address(address): Address,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<Response, Error> {
    let people = console.db.people();
    let hash = halfway_hash(&headers);
    let Some((person, email)) = people.signing_in(&hash).await? else {
        return page::go("/login");
    };
    let attempts = people.begin_attempt(email.as_str(), address).await?;
    if !attempts.may_try {
        fields.fail_form(locked(&attempts, &console));
        return page::refuse(&code_form(fields));
    }
    let accepted = second_factor::accept(&console, person, fields.text("code")).await?;
    if !accepted {
        fields.fail(
            "code",
            "This code is not valid, or was used before. Wait for the next one, and check the clock of your device.",
        );
        return page::refuse(&code_form(fields));
    }
    people.note_attempt(email.as_str(), address, true).await?;
    people.end_sign_in(&hash).await?;
    let next = views::own(fields.text("next"));
    let mut response = open(&console, person, address, &headers, next).await?;
    response
        .headers_mut()
        .append(header::SET_COOKIE, session::set(&console, HALFWAY, "", 0)?);
    Ok(response)
}

/// The same for an address that nobody has.
fn wrong(left: u32) -> String {
    if left == 0 {
        return "E-mail or password is wrong. The account is locked for 15 minutes.".to_owned();
    }
    format!(
        "E-mail or password is wrong. After {} the account is locked for 15 minutes.",
        text::count(left, "more try", "more tries")
    )
}

/// Why nothing typed now is looked at.
pub(crate) fn locked(attempts: &Attempts, console: &Console) -> String {
    let minutes = attempts
        .locked_until
        .map_or(15, |until| (until - console.clock.now()).num_minutes() + 1);
    format!(
        "Too many tries. Wait {} and try again.",
        text::count(minutes, "minute", "minutes")
    )
}

/// Begins a session: with a token that nobody has seen before, whatever the browser sent.
pub(crate) async fn open(
    console: &Console,
    person: PersonId,
    address: IpAddr,
    headers: &HeaderMap,
    next: &str,
) -> Result<Response, Error> {
    let token = Token::new()?;
    let agent = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    console
        .db
        .people()
        .open_session(NewSession {
            person,
            token_hash: token.hash(),
            address,
            agent: agent.chars().take(AGENT).collect(),
        })
        .await?;
    let mut response = page::go(next)?;
    response
        .headers_mut()
        .append(header::SET_COOKIE, session::cookie(console, &token)?);
    Ok(response)
}

async fn delete(State(console): State<Console>, signed_in: SignedIn) -> Result<Response, Error> {
    let viewer = signed_in.viewer();
    console
        .db
        .people()
        .acting(signed_in.actor())
        .close_session(viewer.session, viewer.person)
        .await?;
    let mut response = page::go("/login")?;
    response
        .headers_mut()
        .append(header::SET_COOKIE, session::no_cookie(&console)?);
    Ok(response)
}

#[cfg(test)]
mod tests;
