//! The trial of a token, while it goes on and when it has ended. The page asks again by itself until then.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::check::{Field, RoleIn};
use domain::{
    CheckId, CheckState, Errand, Findings, ForgeKind, MemberRole, Purpose, Refusal, Resource, Slot,
    Step, missing_rights,
};
use store::{Check, NewCheck};

use crate::console::Console;
use crate::error::Error;
use crate::extract::{Member, Path};
use crate::fields::Fields;
use crate::router::{Access, Route};
use crate::views::github::{self, Board, Panel};
use crate::views::passwords;
use crate::{page, text, token};

/// Characters of a mark that are kept: ours are shorter.
const MARK: usize = 64;

pub(crate) fn routes() -> Vec<Route> {
    vec![Route::get(
        "/t/{tenant}/checks/{check}",
        Access::Member(MemberRole::Auditor),
        show,
    )]
}

/// A check as its panel shows it.
pub(crate) struct Progress {
    pub(crate) check: Check,
    pub(crate) address: String,
    pub(crate) steps: Vec<StepView>,
    pub(crate) facts: Vec<Fact>,
}

pub(crate) struct StepView {
    pub(crate) tone: &'static str,
    pub(crate) label: String,
}

/// Something that the host said of a token, as state.
pub(crate) struct Fact {
    pub(crate) tone: &'static str,
    pub(crate) text: String,
}

/// The part of the page that is asked for again.
#[derive(Template)]
#[template(path = "checks/_steps.html")]
struct Steps<'a> {
    progress: &'a Progress,
}

/// Marks a form, unless it has its mark already.
pub(crate) fn marked(fields: Fields) -> Result<Fields, Error> {
    Ok(fields.with("once", token::mark()?))
}

/// The mark of a form that was sent.
pub(crate) fn mark_of(fields: &Fields) -> Option<String> {
    let mark: String = fields.text("once").chars().take(MARK).collect();
    (!mark.is_empty()).then_some(mark)
}

/// Asks for a check and answers its address; nothing if what it is about is gone, which is noted at the token.
pub(crate) async fn ask(
    console: &Console,
    member: &Member,
    new: NewCheck,
    fields: &mut Fields,
) -> Result<Option<String>, Error> {
    match member.scoped.request_check(&console.sealer, new).await {
        Ok(id) => Ok(Some(member.url(format!("checks/{id}")))),
        Err(store::Error::Missing { .. }) => {
            fields.fail(
                "password_id",
                "This token was deleted meanwhile: choose another one.",
            );
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, id)): Path<(String, CheckId)>,
) -> Result<Response, Error> {
    let check = member.scoped.check(id).await?.ok_or(Error::NotFound)?;
    let hx = member.hx();
    if hx.request && !hx.panel {
        return again(&member, check);
    }
    if let Some(refusal) = check.refusal.clone() {
        return refused(&console, &member, check, &refusal).await;
    }
    let title = github::check_title(&check);
    if matches!(check.errand, Errand::Replace { .. }) {
        let progress = Progress::of(&member, check, console.clock.now());
        return page::show(&passwords::over_check(&console, &member, title, progress).await?);
    }
    let progress = Progress::of(&member, check, console.clock.now());
    let forge = forge(&progress.check);
    page::show(&Board::over(&console, &member, forge, title, Panel::Check(progress)).await?)
}

/// The steps alone, or, when there is an outcome, the whole page anew.
fn again(member: &Member, check: Check) -> Result<Response, Error> {
    if check.state.is_final() {
        let refresh = [("hx-refresh", HeaderValue::from_static("true"))];
        return Ok(refresh.into_response());
    }
    let progress = Progress::of(member, check, DateTime::<Utc>::MIN_UTC);
    page::show(&Steps {
        progress: &progress,
    })
}

/// The form that was sent, with what is wrong beside its field. The token has to be entered again: it was not kept.
async fn refused(
    console: &Console,
    member: &Member,
    check: Check,
    refusal: &Refusal,
) -> Result<Response, Error> {
    let is_stored = check.secret.is_some();
    let source = if is_stored { "stored" } else { "new" };
    let mut fields = Fields::new().with("source", source);
    if let Some(secret) = check.secret {
        fields = fields.with("password_id", secret);
    }
    match &check.errand {
        Errand::Register {
            name,
            host,
            forge,
            user,
            accounts,
        } => {
            let accounts: Vec<&str> = accounts.iter().map(domain::Login::as_str).collect();
            let mut fields = fields
                .with("host", host)
                .with("name", name)
                .with("username", user)
                .with("accounts", accounts.join(", "));
            fail(&mut fields, refusal, is_stored);
            page::show(&github::register_form(console, member, *forge, fields).await?)
        }
        Errand::Add {
            organization,
            user,
            reserve_percent,
        } => {
            let mut fields = fields
                .with("username", user)
                .with("reserve", reserve_percent);
            fail(&mut fields, refusal, is_stored);
            let organization = member
                .scoped
                .organization(*organization)
                .await?
                .ok_or(Error::NotFound)?;
            page::show(&github::add_form(console, member, organization, fields).await?)
        }
        Errand::Return { slot, purpose, .. } => {
            returned(console, member, &check, refusal, *slot, purpose).await
        }
        Errand::Take { organization, .. } => {
            let mut fields = Fields::new();
            fields.fail_form(refusal.sentence.clone());
            install_form(console, member, *organization, fields).await
        }
        Errand::Recheck { .. } | Errand::Rotate { .. } => {
            let title = github::check_title(&check);
            let progress = Progress::of(member, check, console.clock.now());
            let forge = forge(&progress.check);
            page::show(&Board::over(console, member, forge, title, Panel::Check(progress)).await?)
        }
        Errand::Replace { secret } => {
            let mut fields = Fields::new();
            fields.fail("secret", refusal.sentence.clone());
            page::show(&passwords::replace_form(console, member, *secret, fields).await?)
        }
    }
}

/// What somebody who came back has to read, on the form from which she went.
async fn returned(
    console: &Console,
    member: &Member,
    check: &Check,
    refusal: &Refusal,
    slot: Slot,
    purpose: &Purpose,
) -> Result<Response, Error> {
    let sentence = refusal.sentence.clone();
    match purpose {
        Purpose::RegisterByApp { name } | Purpose::RegisterByOauth { name, .. } => {
            let way = if slot == Slot::OAuth { "oauth" } else { "app" };
            let host = check.host.as_ref().map(ToString::to_string);
            let mut fields = Fields::new()
                .with("source", "new")
                .with("way", way)
                .with("host", host.unwrap_or_default())
                .with("name", name);
            if let Purpose::RegisterByOauth { accounts, .. } = purpose {
                let accounts: Vec<&str> = accounts.iter().map(domain::Login::as_str).collect();
                fields = fields.with("accounts", accounts.join(", "));
            }
            match refusal.field {
                Field::Name => fields.fail("name", sentence),
                Field::Accounts => fields.fail("accounts", sentence),
                Field::Host | Field::User | Field::Token | Field::Application => {
                    fields.fail("way", sentence);
                }
            }
            page::show(&github::register_form(console, member, forge(check), fields).await?)
        }
        Purpose::Account { organization } => {
            let mut fields = Fields::new();
            fields.fail_form(sentence);
            github::account_form(console, member, *organization, fields).await
        }
        Purpose::Add { organization } => {
            let mut fields = Fields::new().with("slot", slot);
            fields.fail("slot", sentence);
            install_form(console, member, *organization, fields).await
        }
    }
}

async fn install_form(
    console: &Console,
    member: &Member,
    organization: domain::OrganizationId,
    fields: Fields,
) -> Result<Response, Error> {
    github::install_form(console, member, organization, fields).await
}

fn fail(fields: &mut Fields, refusal: &Refusal, is_stored: bool) {
    let name = match refusal.field {
        Field::Host => "host",
        Field::Name => "name",
        Field::User => "username",
        Field::Token if is_stored => "password_id",
        Field::Token => "token",
        Field::Accounts => "accounts",
        Field::Application => "way",
    };
    fields.fail(name, refusal.sentence.clone());
}

impl Progress {
    pub(crate) fn of(member: &Member, check: Check, now: DateTime<Utc>) -> Self {
        Self {
            address: member.url(format!("checks/{}", check.id)),
            steps: steps(&check),
            facts: facts(&check, now),
            check,
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        self.check.state.is_final()
    }

    pub(crate) fn host(&self) -> String {
        host(&self.check)
    }

    pub(crate) fn vendor(&self) -> &'static str {
        forge(&self.check).label()
    }

    /// Below which tab its organization is.
    pub(crate) fn tab(&self) -> &'static str {
        forge(&self.check).as_str()
    }

    /// What the list of additional credentials is called there.
    pub(crate) fn manage(&self) -> &'static str {
        match forge(&self.check) {
            ForgeKind::GitHub => "Manage credentials",
            ForgeKind::GitLab => "Additional credentials",
        }
    }

    /// "adds access, not quota: same GitHub user as …".
    pub(crate) fn same_user_as(&self) -> Option<&domain::Name> {
        self.check
            .findings
            .as_ref()
            .and_then(|findings| findings.same_user_as.as_ref())
    }

    pub(crate) fn is_add(&self) -> bool {
        match &self.check.errand {
            Errand::Add { .. } | Errand::Take { .. } => true,
            Errand::Return { purpose, .. } => matches!(purpose, Purpose::Add { .. }),
            Errand::Register { .. }
            | Errand::Recheck { .. }
            | Errand::Replace { .. }
            | Errand::Rotate { .. } => false,
        }
    }

    pub(crate) fn is_register(&self) -> bool {
        match &self.check.errand {
            Errand::Register { .. } => true,
            Errand::Return { purpose, .. } => matches!(
                purpose,
                Purpose::RegisterByApp { .. } | Purpose::RegisterByOauth { .. }
            ),
            Errand::Add { .. }
            | Errand::Take { .. }
            | Errand::Recheck { .. }
            | Errand::Replace { .. }
            | Errand::Rotate { .. } => false,
        }
    }

    /// What is going on, while it goes on.
    pub(crate) fn doing(&self) -> String {
        let host = self.host();
        match &self.check.errand {
            Errand::Return { .. } | Errand::Take { .. } => {
                format!("Holdfast is asking {host} about the installation.")
            }
            Errand::Register { .. }
            | Errand::Add { .. }
            | Errand::Recheck { .. }
            | Errand::Replace { .. } => format!("Holdfast is trying the token at {host}."),
            Errand::Rotate { .. } => format!("Holdfast is asking {host} for another value."),
        }
    }

    fn is_installed(&self) -> bool {
        let findings = self.check.findings.as_ref();
        findings.is_some_and(|findings| findings.installed.is_some())
    }

    /// One sentence about how it ended.
    pub(crate) fn outcome(&self) -> String {
        let user = self
            .check
            .findings
            .as_ref()
            .map_or("", |findings| findings.user.as_str());
        match (&self.check.errand, &self.check.refusal) {
            (_, Some(refusal)) => refusal.sentence.clone(),
            (Errand::Add { .. }, None) => {
                let name = self
                    .check
                    .credential
                    .as_ref()
                    .map_or(user, |(_, name)| name.as_str());
                format!("{name} is added.")
            }
            (
                Errand::Register { name, .. }
                | Errand::Return {
                    purpose: Purpose::RegisterByApp { name } | Purpose::RegisterByOauth { name, .. },
                    ..
                },
                None,
            ) => format!("{name} is registered."),
            (Errand::Return { slot, .. } | Errand::Take { slot, .. }, None) => {
                format!("{} on {user} is added.", slot.label())
            }
            (Errand::Recheck { .. }, None) if self.is_installed() => {
                format!("The application is installed on {user}.")
            }
            (Errand::Recheck { .. }, None) => format!("The token of {user} is good."),
            (Errand::Replace { .. }, None) => {
                format!("The token of {user} is replaced, everywhere it is used.")
            }
            (Errand::Rotate { .. }, None) => format!(
                "The token of {user} has another value, which is in the Password Manager: the old one works no more."
            ),
        }
    }
}

fn host(check: &Check) -> String {
    check
        .host
        .as_ref()
        .map_or_else(|| forge(check).label().to_owned(), domain::Host::authority)
}

/// Whose hosts it is about.
fn forge(check: &Check) -> ForgeKind {
    match (&check.errand, &check.host) {
        (Errand::Register { forge, .. } | Errand::Return { forge, .. }, _) => *forge,
        (_, Some(host)) => host.kind(),
        // Only a GitLab gives tokens other values.
        (Errand::Rotate { .. }, None) => ForgeKind::GitLab,
        (_, None) => ForgeKind::GitHub,
    }
}

/// Those that were begun, and before that the waiting for somebody to begin.
fn steps(check: &Check) -> Vec<StepView> {
    let host = host(check);
    let mut shown: Vec<StepView> = check
        .steps
        .iter()
        .map(|step: &Step| StepView {
            tone: "ok",
            label: step.label(&host),
        })
        .collect();
    match (check.state, shown.last_mut()) {
        (CheckState::Running, Some(last)) => last.tone = "run",
        (CheckState::Refused, Some(last)) => last.tone = "bad",
        (CheckState::Queued, _) => shown.push(StepView {
            tone: "idle",
            label: "Waiting for a worker".to_owned(),
        }),
        _ => {}
    }
    shown
}

/// What the host said of the token, the good and the worrying.
fn facts(check: &Check, now: DateTime<Utc>) -> Vec<Fact> {
    let Some(findings) = &check.findings else {
        return Vec::new();
    };
    let mut facts = Vec::new();
    let mut say = |tone, text: String| facts.push(Fact { tone, text });
    if let Some(installed) = &findings.installed {
        let covers = if installed.covers_all {
            "all repositories"
        } else {
            "selected repositories"
        };
        let slot = installed.slot.label();
        say(
            "ok",
            format!("{slot} is installed on {}, on {covers}", installed.account),
        );
        say(
            "ok",
            format!("It may read {}", reads(&installed.permissions)),
        );
        quota(findings, say);
        return facts;
    }
    say("ok", format!("The token belongs to {}", findings.user));
    match &findings.scopes {
        Some(scopes) if scopes.is_empty() => say("warn", "The token has no scopes".to_owned()),
        Some(scopes) => {
            let token = match forge(check) {
                ForgeKind::GitHub => "Token (classic)",
                ForgeKind::GitLab => "Access token",
            };
            say("ok", format!("{token} with {}", scopes.join(", ")));
        }
        None => say(
            "idle",
            "The host does not say which scopes it has".to_owned(),
        ),
    }
    for missing in findings
        .scopes
        .as_deref()
        .map(|scopes| missing_rights(forge(check), scopes))
        .unwrap_or_default()
    {
        let tone = if missing.is_essential { "bad" } else { "warn" };
        say(
            tone,
            format!(
                "It lacks the scope {}, so {}",
                missing.scope, missing.without_it
            ),
        );
    }
    match findings.expires_at {
        Some(at) => {
            let is_soon = (at - now).num_days() < 14;
            let day = at.format("%-d %b %Y");
            say(
                if is_soon { "warn" } else { "ok" },
                format!("It {}, on {day}", github::expiry(at, now)),
            );
        }
        None => say("ok", "It does not expire".to_owned()),
    }
    match (&findings.member_of, findings.sso_missing) {
        (_, Some(true)) => say(
            "warn",
            "Some organizations hide from it: authorize the token for single sign-on in the token settings of its user"
                .to_owned(),
        ),
        (Some(member_of), _) if member_of.is_empty() => say(
            "warn",
            format!(
                "{} is a member of no {} that it may name, and sees public repositories",
                findings.user,
                match forge(check) {
                    ForgeKind::GitHub => "organization",
                    ForgeKind::GitLab => "group",
                }
            ),
        ),
        (Some(member_of), _) => say("ok", format!("Member of {}", member_of.join(", "))),
        (None, _) => say("idle", "The host does not say which organizations it reaches".to_owned()),
    }
    roles(findings, &mut say);
    if let Some(repositories) = findings.repositories {
        let sees = text::count(repositories, "project", "projects");
        say(
            if repositories > 0 { "ok" } else { "warn" },
            format!("It sees {sees} as a member"),
        );
    }
    quota(findings, say);
    facts
}

/// What each role lets it read.
fn roles(findings: &Findings, mut say: impl FnMut(&'static str, String)) {
    for role in &findings.roles {
        let (tone, without) = if role.level < RoleIn::READS_CODE {
            ("bad", ": it reads no code")
        } else if role.level < RoleIn::READS_SETTINGS {
            (
                "warn",
                ": hooks, variables, protections, deploy keys and uploads are left out, which a Maintainer reads",
            )
        } else {
            ("ok", "")
        };
        say(tone, format!("{}{without}", role.label()));
    }
}

/// What is read with permissions such as `contents:read`.
fn reads(permissions: &[String]) -> String {
    let names: Vec<String> = permissions
        .iter()
        .filter_map(|one| one.split_once(':'))
        .map(|(name, _)| name.replace('_', " "))
        .collect();
    names.join(", ")
}

/// What the bucket has left.
fn quota(findings: &Findings, mut say: impl FnMut(&'static str, String)) {
    let core = findings
        .quota
        .iter()
        .find(|(resource, _)| *resource == Resource::core());
    match core {
        _ if findings.unlimited => say("ok", "This server reports no request limit".to_owned()),
        Some((_, reading)) => say(
            if reading.remaining > 0 { "ok" } else { "warn" },
            format!(
                "{} of {} requests left, reset {} UTC",
                text::number(reading.remaining),
                text::number(reading.limit),
                reading.reset_at.format("%H:%M")
            ),
        ),
        None => {}
    }
}
