//! Advanced settings: which additional accounts a plan may use, and how much of each.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{CredentialId, ForgeKind, Health, PoolPart, Role, Weight};
use store::PoolMember;

use super::desk::{Desk, Section, Target};
use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::text;

/// The master switch's field.
const SWITCH: &str = "additional_git_credentials";
/// The field of the part of the pool.
const PART: &str = "pool_part";
/// The field of the weight beside other plans.
const WEIGHT: &str = "weight";

#[derive(Template)]
#[template(path = "plans/advanced.html")]
struct AdvancedPage {
    page: Page,
    list: List,
    fields: Fields,
    desk: Desk,
    accounts: Vec<Account>,
    /// Requests an hour of the main credentials, and of these with the ticked accounts, as far as hosts have told.
    budget: Option<(String, String)>,
    organization: String,
}

impl AdvancedPage {
    /// Where further accounts are added.
    fn credentials_url(&self) -> String {
        let tab = self.forge().as_str();
        match self.desk.settings.organization {
            Some(id) => self.page.url(format_args!("{tab}/{id}/credentials")),
            None => self.page.url(tab),
        }
    }

    /// What the list of them is called there.
    fn credentials_label(&self) -> &'static str {
        match self.forge() {
            ForgeKind::GitHub => "Manage credentials",
            ForgeKind::GitLab => "Additional credentials",
        }
    }

    /// How long a limit is for.
    fn per(&self) -> &'static str {
        text::per(self.forge())
    }

    fn forge(&self) -> ForgeKind {
        let organization = self.desk.organization();
        organization.map_or(ForgeKind::GitHub, |one| one.host.kind())
    }
}

/// A row of the list.
struct Account {
    member: PoolMember,
    now: DateTime<Utc>,
}

impl Account {
    fn id(&self) -> CredentialId {
        self.member.credential.id
    }

    fn name(&self) -> String {
        self.member.credential.title()
    }

    fn login(&self) -> &str {
        &self.member.credential.login
    }

    fn kind(&self) -> &'static str {
        self.member.credential.kind.label()
    }

    fn is_unused(&self) -> bool {
        self.member.credential.used_by.is_empty()
    }

    fn quota(&self) -> String {
        match &self.member.quota {
            Some(quota) => format!(
                "{} of {} requests left",
                text::number(quota.left),
                text::number(quota.limit)
            ),
            None => "Quota is known after the first request".to_owned(),
        }
    }

    fn state(&self) -> (&'static str, String) {
        let credential = &self.member.credential;
        match (&credential.health, &self.member.quota) {
            (Health::Dead { .. }, _) => ("bad", "Token rejected".to_owned()),
            (Health::Paused, _) => ("hold", "Paused".to_owned()),
            (Health::Healthy, _) if credential.expires_at.is_some_and(|at| at <= self.now) => {
                ("bad", "Token expired".to_owned())
            }
            (Health::Healthy, Some(quota)) => {
                let reserve = u64::from(quota.limit) * u64::from(credential.reserve_percent) / 100;
                match (quota.backoff_until, quota.reset_at) {
                    (Some(until), _) => (
                        "warn",
                        format!("Backing off until {}", until.format("%H:%M")),
                    ),
                    (None, Some(reset)) if u64::from(quota.left) <= reserve => (
                        "hold",
                        format!("At reserve until {}", reset.format("%H:%M")),
                    ),
                    _ => ("ok", "Ready".to_owned()),
                }
            }
            (Health::Healthy, None) => ("ok", "Ready".to_owned()),
        }
    }

    /// Why the host refused it.
    fn reason(&self) -> Option<&str> {
        match &self.member.credential.health {
            Health::Dead { reason } => Some(reason),
            Health::Healthy | Health::Paused => None,
        }
    }
}

/// Requests an hour of these credentials: each bucket counts once, and dead credentials do not count.
fn hourly<'a>(members: impl Iterator<Item = &'a PoolMember>) -> u64 {
    let buckets: BTreeSet<(String, u32)> = members
        .filter(|one| one.credential.health == Health::Healthy)
        .filter_map(|one| {
            let limit = one.quota.as_ref()?.limit;
            Some((one.credential.bucket.to_string(), limit))
        })
        .collect();
    buckets.iter().map(|(_, limit)| u64::from(*limit)).sum()
}

async fn panel(
    console: &Console,
    member: &Member,
    desk: Desk,
    fields: Fields,
) -> Result<AdvancedPage, Error> {
    let members = match desk.settings.organization {
        Some(organization) => member.scoped.pool_members(organization).await?,
        None => Vec::new(),
    };
    let main = |one: &&PoolMember| one.credential.role == Role::Main;
    let ticked = |one: &&PoolMember| main(one) || fields.has("account", one.credential.id);
    let (alone, together) = (
        hourly(members.iter().filter(main)),
        hourly(members.iter().filter(ticked)),
    );
    let budget = (together > 0).then(|| (text::number(alone), text::number(together)));
    let now = console.clock.now();
    Ok(AdvancedPage {
        page: Page::new(member, Tab::Plans, Section::Advanced.title()),
        list: behind(console, member).await?,
        organization: desk
            .organization()
            .map(|one| one.name.to_string())
            .unwrap_or_default(),
        accounts: members
            .into_iter()
            .filter(|one| one.credential.role == Role::Additional)
            .map(|member| Account { member, now })
            .collect(),
        budget,
        fields,
        desk,
    })
}

pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    target: Target,
) -> Result<Response, Error> {
    let desk = Desk::open(&member, target).await?;
    let mut fields = Fields::new()
        .with_all("account", &desk.settings.use_credentials)
        .with(PART, desk.settings.pool_part.to_string())
        .with(WEIGHT, desk.settings.weight.to_string());
    if desk.settings.additional_credentials {
        fields = fields.with(SWITCH, "on");
    }
    page::show(&panel(&console, &member, desk, fields).await?)
}

pub(super) async fn save(
    State(console): State<Console>,
    member: Member,
    target: Target,
    mut fields: Fields,
) -> Result<Response, Error> {
    let mut desk = Desk::open(&member, target).await?;
    let known = desk.credentials(&member).await?;
    let ticked: Vec<CredentialId> = fields
        .all("account")
        .iter()
        .filter_map(|id| id.parse().ok())
        .filter(|id| {
            known
                .iter()
                .any(|one| one.id == *id && one.role == Role::Additional)
        })
        .collect();
    if ticked.len() < fields.all("account").len() {
        fields.fail(
            "account",
            "An account of this list was removed meanwhile: look at the list again, then save.",
        );
        return page::refuse(&panel(&console, &member, desk, fields).await?);
    }
    let part: Option<PoolPart> = fields.parse(PART);
    let weight: Option<Weight> = fields.parse(WEIGHT);
    let (Some(part), Some(weight)) = (part, weight) else {
        return page::refuse(&panel(&console, &member, desk, fields).await?);
    };
    desk.settings.pool_part = part;
    desk.settings.weight = weight;
    let on = fields.is_on(SWITCH);
    desk.settings.additional_credentials = on;
    // Switched off, the browser leaves the accounts out: their ticks stay.
    if on || !ticked.is_empty() {
        desk.settings.use_credentials = ticked;
    }
    desk.keep(&member).await?;
    page::go(&desk.url)
}
