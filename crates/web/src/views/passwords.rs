//! The Password Manager: what is kept, who uses it, and never the value again.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Errand, Invalid, Label, MemberRole, Remark, Secret, SecretId, github_token, gitlab_token,
};
use serde::Deserialize;
use store::{Entry, EntryUser, NewCheck, NewEntry, SecretKind, TokenSource};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::fields::Fields;
use crate::form::Query;
use crate::page::{self, Page, Tab};
use crate::router::{Access, Route};
use crate::views::checks::{self, Progress};
use crate::views::github;

/// Entries on one page.
const ON_A_PAGE: usize = 50;

/// Longest access key.
const LONGEST: usize = 1_000;

/// What expires sooner is said above the list.
const SOON: TimeDelta = TimeDelta::days(14);

pub(crate) fn routes() -> Vec<Route> {
    const READ: Access = Access::Member(MemberRole::Auditor);
    const ADMIN: Access = Access::Member(MemberRole::Admin);
    vec![
        Route::get("/t/{tenant}/passwords", READ, list),
        Route::get("/t/{tenant}/passwords/new", ADMIN, new),
        Route::post("/t/{tenant}/passwords/new", ADMIN, create),
        Route::get("/t/{tenant}/passwords/{secret}/edit", ADMIN, edit),
        Route::post("/t/{tenant}/passwords/{secret}/edit", ADMIN, update),
        Route::get("/t/{tenant}/passwords/{secret}/replace", ADMIN, ask_value),
        Route::post("/t/{tenant}/passwords/{secret}/replace", ADMIN, replace),
        Route::get("/t/{tenant}/passwords/{secret}/remove", ADMIN, confirm),
        Route::post("/t/{tenant}/passwords/{secret}/remove", ADMIN, delete),
    ]
}

/// The entries, with a panel over them or none.
#[derive(Template)]
#[template(path = "passwords/list.html")]
pub(crate) struct Vault {
    page: Page,
    now: DateTime<Utc>,
    entries: Vec<Entry>,
    /// The way to the entries after these.
    more: Option<String>,
    panel: Panel,
}

/// What lies over the entries.
enum Panel {
    None,
    New { fields: Fields },
    Edit { entry: Entry, fields: Fields },
    Replace { entry: Entry, fields: Fields },
    Remove { entry: Entry, fields: Fields },
    Check(Box<Progress>),
}

#[derive(Debug, Deserialize)]
struct Wish {
    after: Option<String>,
}

async fn list(
    State(console): State<Console>,
    member: Member,
    Query(wish): Query<Wish>,
) -> Result<Response, Error> {
    let after = wish.after.as_deref().and_then(|after| after.parse().ok());
    let page = Page::new(&member, Tab::Passwords, "Password Manager");
    page::show(&Vault::load(&console, &member, page, after.as_ref()).await?)
}

impl Vault {
    async fn load(
        console: &Console,
        member: &Member,
        page: Page,
        after: Option<&Label>,
    ) -> Result<Self, Error> {
        let limit = i64::try_from(ON_A_PAGE + 1).unwrap_or(i64::MAX);
        let mut entries = member.scoped.entries(after, limit).await?;
        let is_cut = entries.len() > ON_A_PAGE;
        entries.truncate(ON_A_PAGE);
        let more = entries.last().filter(|_| is_cut).map(|last| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            let query = query.append_pair("after", last.name.as_str()).finish();
            page.url(format!("passwords?{query}"))
        });
        Ok(Self {
            page,
            now: console.clock.now(),
            entries,
            more,
            panel: Panel::None,
        })
    }

    async fn over(
        console: &Console,
        member: &Member,
        title: &str,
        panel: Panel,
    ) -> Result<Self, Error> {
        let page = Page::new(member, Tab::Passwords, title);
        let vault = if page.whole {
            Self::load(console, member, page, None).await?
        } else {
            Self {
                page,
                now: console.clock.now(),
                entries: Vec::new(),
                more: None,
                panel: Panel::None,
            }
        };
        Ok(Self { panel, ..vault })
    }

    fn close(&self) -> String {
        self.page.url("passwords")
    }

    fn of(&self, entry: &Entry, rest: &str) -> String {
        self.page.url(format!("passwords/{}/{rest}", entry.id))
    }

    /// Those that end soon and are in use, with the words for when.
    fn ending(&self) -> Vec<(&Entry, String)> {
        self.entries
            .iter()
            .filter(|entry| !entry.users.is_empty())
            .filter_map(|entry| entry.expires_at.map(|at| (entry, at)))
            .filter(|(_, at)| *at - self.now < SOON)
            .map(|(entry, at)| (entry, github::expiry(at, self.now)))
            .collect()
    }

    fn standing(&self, entry: &Entry) -> (&'static str, String) {
        let is_dead = entry
            .users
            .iter()
            .any(|user| matches!(user, EntryUser::Credential { is_dead: true, .. }));
        if is_dead {
            return ("bad", "Rejected by its host".to_owned());
        }
        match entry.expires_at {
            Some(at) if at <= self.now => return ("bad", "Expired".to_owned()),
            Some(at) if at - self.now < SOON => {
                let mut text = github::expiry(at, self.now);
                if let Some(first) = text.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                return ("warn", text);
            }
            Some(_) | None => {}
        }
        if entry.users.is_empty() {
            ("idle", "Not used".to_owned())
        } else {
            ("ok", "In use".to_owned())
        }
    }
}

/// What a kind is called.
pub(super) fn kind(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Token => "Access token (classic)",
        SecretKind::Grant => "Granted by OAuth",
        SecretKind::StoragePassword => "Repository password",
        SecretKind::StorageKey => "Repository key",
        SecretKind::AccessKey => "Access key",
        SecretKind::Channel => "Alert channel",
    }
}

/// Whether the value may be replaced here: what opens snapshots that exist may not, and some are replaced elsewhere.
pub(super) fn is_replaceable(entry: &Entry) -> bool {
    matches!(entry.kind, SecretKind::Token | SecretKind::AccessKey)
}

/// Why it may not be.
pub(super) fn is_fixed_because(entry: &Entry) -> &'static str {
    match entry.kind {
        SecretKind::Grant => {
            "A person has granted it on the host, and it is renewed by itself. It cannot be entered."
        }
        SecretKind::Channel => {
            "It belongs to an alert channel. Edit the channel to give it another value."
        }
        SecretKind::StoragePassword
        | SecretKind::StorageKey
        | SecretKind::Token
        | SecretKind::AccessKey => {
            "Holdfast made this value. It opens snapshots that are stored already, so it cannot be replaced."
        }
    }
}

async fn find(member: &Member, id: SecretId) -> Result<Entry, Error> {
    member.scoped.entry(id).await?.ok_or(Error::NotFound)
}

async fn new(State(console): State<Console>, member: Member) -> Result<Response, Error> {
    let fields = Fields::new().with("kind", "token");
    page::show(&new_form(&console, &member, fields).await?)
}

async fn new_form(console: &Console, member: &Member, fields: Fields) -> Result<Vault, Error> {
    let panel = Panel::New {
        fields: checks::marked(fields)?,
    };
    Vault::over(console, member, "Add password", panel).await
}

/// A token of either vendor: an entry does not say whose it is before something uses it.
fn token(given: &str) -> Result<Secret, Invalid> {
    let is_gitlab = given.trim().starts_with("gl") || given.contains("glpat-");
    if is_gitlab {
        gitlab_token(given)
    } else {
        github_token(given)
    }
}

/// Understands a value of a kind, or notes what is wrong with it.
fn value(fields: &mut Fields, kind: SecretKind) -> Option<Secret> {
    let given = fields.raw("secret");
    let fault = match kind {
        SecretKind::Token => match token(given) {
            Ok(token) => return Some(token),
            Err(invalid) => invalid.to_string(),
        },
        _ if given.trim().is_empty() => "Enter the key.".to_owned(),
        _ if given.contains(['\n', '\r']) => {
            "The key has a line break in it: paste it again, on one line.".to_owned()
        }
        _ if given.chars().count() > LONGEST => {
            format!("This is too long for a key: use at most {LONGEST} characters.")
        }
        _ => return Some(Secret::new(given.trim())),
    };
    fields.fail("secret", fault);
    None
}

async fn create(
    State(console): State<Console>,
    member: Member,
    mut fields: Fields,
) -> Result<Response, Error> {
    let kind = match fields.text("kind") {
        "token" => Some(SecretKind::Token),
        "access_key" => Some(SecretKind::AccessKey),
        _ => {
            fields.fail("kind", "Choose what kind of secret it is.");
            None
        }
    };
    let name: Option<Label> = fields.parse("name");
    let description: Option<Remark> = fields.parse("description");
    let secret = kind.and_then(|kind| value(&mut fields, kind));
    if let (Some(kind), Some(name), Some(description), Some(secret), true) =
        (kind, name, description, secret, fields.is_ok())
    {
        let said = format!("{name} is kept. Its value is not shown again.");
        let new = NewEntry {
            name: name.clone(),
            description,
            kind,
            secret,
        };
        match member.scoped.add_entry(&console.sealer, new).await {
            Ok(_) => return page::go_saying(&console, &member.url("passwords"), &said),
            Err(store::Error::NameTaken { .. }) => fields.fail("name", taken(&name)),
            Err(error) => return Err(error.into()),
        }
    }
    page::refuse(&new_form(&console, &member, fields).await?)
}

fn taken(name: &Label) -> String {
    format!("There is an entry called \"{name}\" already: choose another name.")
}

async fn edit(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, SecretId)>,
) -> Result<Response, Error> {
    let entry = find(&member, id).await?;
    let fields = Fields::new()
        .with("name", &entry.name)
        .with("description", &entry.description);
    let panel = Panel::Edit { entry, fields };
    page::show(&Vault::over(&console, &member, "Edit password", panel).await?)
}

async fn update(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, SecretId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let entry = find(&member, id).await?;
    let name: Option<Label> = fields.parse("name");
    let description: Option<Remark> = fields.parse("description");
    if let (Some(name), Some(description), true) = (name, description, fields.is_ok()) {
        match member.scoped.describe_entry(id, &name, &description).await {
            Ok(()) => {
                let said = format!("{name} is saved.");
                return page::go_saying(&console, &member.url("passwords"), &said);
            }
            Err(store::Error::NameTaken { .. }) => fields.fail("name", taken(&name)),
            Err(error) => return Err(error.into()),
        }
    }
    let panel = Panel::Edit { entry, fields };
    page::refuse(&Vault::over(&console, &member, "Edit password", panel).await?)
}

async fn ask_value(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, SecretId)>,
) -> Result<Response, Error> {
    page::show(&replace_form(&console, &member, id, Fields::new()).await?)
}

/// The form for another value, empty or with what is wrong in it.
pub(crate) async fn replace_form(
    console: &Console,
    member: &Member,
    id: SecretId,
    fields: Fields,
) -> Result<Vault, Error> {
    let entry = find(member, id).await?;
    let panel = Panel::Replace {
        entry,
        fields: checks::marked(fields)?,
    };
    Vault::over(console, member, "Replace value", panel).await
}

/// The page of a check that began here.
pub(crate) async fn over_check(
    console: &Console,
    member: &Member,
    title: &str,
    progress: Progress,
) -> Result<Vault, Error> {
    Vault::over(console, member, title, Panel::Check(Box::new(progress))).await
}

async fn replace(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, SecretId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let entry = find(&member, id).await?;
    let Some(secret) = value(&mut fields, entry.kind).filter(|_| fields.is_ok()) else {
        return page::refuse(&replace_form(&console, &member, id, fields).await?);
    };
    // What credentials use is tried at their hosts before it takes the old one's place.
    if entry.kind == SecretKind::Token && !entry.users.is_empty() {
        let new = NewCheck {
            errand: Errand::Replace { secret: id },
            token: Some(TokenSource::New(secret)),
            once: checks::mark_of(&fields),
        };
        let check = checks::ask(&console, &member, new, &mut fields).await?;
        return page::go(&check.unwrap_or_else(|| member.url("passwords")));
    }
    match member
        .scoped
        .replace_entry(&console.sealer, id, &secret)
        .await
    {
        Ok(()) => {
            let said = format!("{} has another value, everywhere it is used.", entry.name);
            page::go_saying(&console, &member.url("passwords"), &said)
        }
        Err(
            error @ (store::Error::KeyOfStorage { .. }
            | store::Error::Granted { .. }
            | store::Error::OfChannel { .. }
            | store::Error::Stale),
        ) => {
            fields.fail("secret", error.to_string());
            page::refuse(&replace_form(&console, &member, id, fields).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn confirm(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, SecretId)>,
) -> Result<Response, Error> {
    let entry = find(&member, id).await?;
    let panel = Panel::Remove {
        entry,
        fields: Fields::new(),
    };
    page::show(&Vault::over(&console, &member, "Remove password", panel).await?)
}

async fn delete(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, SecretId)>,
    mut fields: Fields,
) -> Result<Response, Error> {
    let Some(entry) = member.scoped.entry(id).await? else {
        return page::go_saying(
            &console,
            &member.url("passwords"),
            "This password was removed already.",
        );
    };
    match member.scoped.delete_entry(id).await {
        Ok(()) => {
            let said = format!("{} is removed.", entry.name);
            page::go_saying(&console, &member.url("passwords"), &said)
        }
        Err(error @ store::Error::InUse { .. }) => {
            fields.fail_form(error.to_string());
            let panel = Panel::Remove { entry, fields };
            page::refuse(&Vault::over(&console, &member, "Remove password", panel).await?)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
