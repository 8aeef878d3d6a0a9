//! Following an invitation: by somebody new, who becomes a person here, or by somebody who is signed in.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::{PersonName, Secret};
use store::{Actor, Invited, People};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Address, Frame, Path, Visitor};
use crate::fields::Fields;
use crate::page::{self, Page};
use crate::password;
use crate::router::{Access, Route};
use crate::token::{self, Token};
use crate::views::login;
use crate::way;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/invitation/{token}", Access::Anyone, show),
        Route::post("/invitation/{token}", Access::Anyone, accept),
    ]
}

/// The address that an invited person follows: the only place where the token is written.
pub(crate) fn link(console: &Console, headers: &HeaderMap, token: &Token) -> String {
    let base = way::base(console, headers);
    format!("{base}/invitation/{}", token.text())
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage {
    page: Page,
    fields: Fields,
    token: String,
    guest: Guest,
}

/// Who follows a link.
enum Guest {
    /// The link is worth nothing any more.
    Late,
    /// Nobody has the e-mail address yet.
    New(Invited),
    /// Somebody has it, who is not signed in here.
    Known(Invited),
    /// She is signed in.
    Expected(Invited),
    /// Somebody else is signed in.
    Another { invited: Invited, email: String },
}

async fn guest(people: &People, frame: Option<&Frame>, token: &str) -> Result<Guest, Error> {
    let Some(invited) = people.invited(&token::hash(token)).await? else {
        return Ok(Guest::Late);
    };
    Ok(match frame {
        Some(frame) if frame.viewer.email == invited.email => Guest::Expected(invited),
        Some(frame) => Guest::Another {
            invited,
            email: frame.viewer.email.to_string(),
        },
        None if invited.known => Guest::Known(invited),
        None => Guest::New(invited),
    })
}

fn form(token: String, guest: Guest, fields: Fields) -> InvitationPage {
    let title = match &guest {
        Guest::Late => "Invitation".to_owned(),
        Guest::New(invited)
        | Guest::Known(invited)
        | Guest::Expected(invited)
        | Guest::Another { invited, .. } => format!("Join {}", invited.tenant_name),
    };
    InvitationPage {
        page: Page::bare(title),
        fields,
        token,
        guest,
    }
}

async fn show(
    State(console): State<Console>,
    Visitor(frame): Visitor,
    Path(token): Path<String>,
) -> Result<Response, Error> {
    let guest = guest(&console.db.people(), frame.as_ref(), &token).await?;
    page::show(&form(token, guest, Fields::new()))
}

async fn accept(
    State(console): State<Console>,
    Visitor(frame): Visitor,
    Address(address): Address,
    headers: HeaderMap,
    Path(token): Path<String>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let people = console.db.people().acting(Actor {
        person: None,
        name: String::new(),
        address: Some(address),
    });
    let guest = guest(&people, frame.as_ref(), &token).await?;
    let hash = token::hash(&token);
    match (&guest, &frame) {
        (Guest::Expected(invited), Some(frame)) => {
            match people.accept(&hash, frame.viewer.person).await {
                Ok(_) => page::go(&format!("/t/{}/github", invited.tenant_name)),
                Err(error) => refused(error, token, guest, fields),
            }
        }
        (Guest::New(invited), _) => {
            let name: Option<PersonName> = fields.parse("name");
            if let Some(fault) = password::fault(fields.raw("new_password")) {
                fields.fail("new_password", fault);
            }
            let (Some(name), true) = (name, fields.is_ok()) else {
                return page::refuse(&form(token, guest, fields));
            };
            let password = password::hash(Secret::new(fields.raw("new_password"))).await?;
            match people.accept_new(&hash, name, password).await {
                Ok((person, _)) => {
                    let next = format!("/t/{}/github", invited.tenant_name);
                    login::open(&console, person, address, &headers, &next).await
                }
                Err(error) => refused(error, token, guest, fields),
            }
        }
        (Guest::Late | Guest::Known(_) | Guest::Another { .. } | Guest::Expected(_), _) => {
            page::refuse(&form(token, guest, fields))
        }
    }
}

/// Between showing the page and sending the form something has changed.
fn refused(
    error: store::Error,
    token: String,
    guest: Guest,
    mut fields: Fields,
) -> Result<Response, Error> {
    match error {
        store::Error::InvitationOver => page::refuse(&form(token, Guest::Late, fields)),
        store::Error::AlreadyMember { .. } | store::Error::EmailTaken { .. } => {
            fields.fail_form(error.to_string());
            page::refuse(&form(token, guest, fields))
        }
        other => Err(other.into()),
    }
}

#[cfg(test)]
mod tests;
