//! The part of a form that gives a token: a new one, or one that the Password Manager has.

use domain::{ForgeKind, Login, token_for};
use store::{Entry, Scoped, TokenSource};

use crate::error::Error;
use crate::fields::Fields;

/// Entries that a form offers; whoever has more finds them by name in the Password Manager.
const OFFERED: i64 = 200;

/// What a form can pick from.
pub(crate) async fn offered(scoped: &Scoped) -> Result<Vec<Entry>, Error> {
    Ok(scoped.token_entries(OFFERED).await?)
}

/// A form with nothing in it yet.
pub(crate) fn blank() -> Fields {
    Fields::new().with("source", "new")
}

/// Understands which token is meant, or notes what is wrong. The host is not asked about what cannot be a token.
pub(crate) fn read(forge: ForgeKind, fields: &mut Fields) -> Option<TokenSource> {
    if fields.has("source", "stored") {
        let chosen = fields.text("password_id").parse().map(TokenSource::Entry);
        if chosen.is_err() {
            fields.fail("password_id", "Choose a token of the Password Manager.");
        }
        return chosen.ok();
    }
    match token_for(forge, fields.raw("token")) {
        Ok(token) => Some(TokenSource::New(token)),
        Err(invalid) => {
            fields.fail("token", invalid.to_string());
            None
        }
    }
}

/// Understands a user name.
pub(crate) fn user(forge: ForgeKind, fields: &mut Fields) -> Option<Login> {
    if fields.text("username").is_empty() {
        fields.fail(
            "username",
            "Enter the user name of the account that the token belongs to.",
        );
        return None;
    }
    match Login::of(forge, fields.text("username")) {
        Ok(login) => Some(login),
        Err(invalid) => {
            fields.fail("username", invalid.to_string());
            None
        }
    }
}

/// Understands accounts, separated by commas, spaces or lines.
pub(crate) fn accounts(forge: ForgeKind, fields: &mut Fields) -> Option<Vec<Login>> {
    let given = fields.text("accounts").to_owned();
    let read: Result<Vec<Login>, _> = given
        .split([',', ';', ' ', '\n', '\r', '\t'])
        .filter(|one| !one.is_empty())
        .map(|one| Login::of(forge, one))
        .collect();
    match read {
        Ok(accounts) if accounts.len() <= 100 => Some(accounts),
        Ok(_) => {
            fields.fail("accounts", "These are too many accounts: name at most 100.");
            None
        }
        Err(invalid) => {
            fields.fail("accounts", invalid.to_string());
            None
        }
    }
}
