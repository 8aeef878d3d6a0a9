//! Advanced settings: which additional accounts a plan may use, and how much of each.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use budget::planner::Supply;
use budget::{Terms, Told};
use chrono::{DateTime, Utc};
use domain::{CredentialId, ForgeKind, Health, PoolPart, Role, Weight};
use store::{Expected, PoolMember};

use super::desk::{Desk, Section, Target};
use super::{List, behind};
use crate::Console;
use crate::error::Error;
use crate::extract::Member;
use crate::fields::Fields;
use crate::page::{self, Page, Tab};
use crate::{forecast, text};

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
    foretold: Option<Foretold>,
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

/// What the next run is expected to take, with the switches as they are.
struct Foretold {
    requests: String,
    /// From what that was learnt.
    learnt: String,
    /// When it would end if it began now.
    end: String,
    /// The same with the main credentials alone.
    alone: String,
}

/// A row of the list.
struct Account {
    member: PoolMember,
    now: DateTime<Utc>,
    /// When the next run would end with this switch the other way round.
    otherwise: Option<String>,
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

/// What is known of the buckets of these credentials, each once. Dead credentials bring nothing.
fn buckets<'a>(
    members: impl Iterator<Item = &'a PoolMember>,
    terms: &Terms,
    now: DateTime<Utc>,
) -> Vec<Supply> {
    let mut seen = BTreeSet::new();
    members
        .filter(|one| one.credential.health == Health::Healthy)
        .filter(|one| seen.insert(one.credential.bucket.to_string()))
        .map(|one| Told {
            left: one.quota.as_ref().map(|quota| (quota.left, quota.limit)),
            reset_at: one.quota.as_ref().and_then(|quota| quota.reset_at),
            reserve_percent: one.credential.reserve_percent,
            others_an_hour: 0,
            backs_off_until: one.quota.as_ref().and_then(|quota| quota.backoff_until),
        })
        .map(|told| told.supply(terms, now))
        .collect()
}

/// What the next run of the plan is going to take, as far as earlier runs have taught.
async fn expected(member: &Member, desk: &Desk) -> Result<Option<Expected>, Error> {
    let Some(organization) = desk.settings.organization else {
        return Ok(None);
    };
    let known = member.scoped.known_repositories(organization).await?;
    let selected = known
        .iter()
        .filter(|one| desk.settings.selection.includes(&one.traits))
        .count();
    let plan = desk.plan.as_ref().map(|plan| plan.id);
    let selected = u64::try_from(selected).unwrap_or_default();
    Ok(member.scoped.expected(plan, organization, selected).await?)
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
    let expected = expected(member, &desk).await?;
    let is_on = |one: &PoolMember| {
        one.credential.role == Role::Main
            || (fields.is_on(SWITCH) && fields.has("account", one.credential.id))
    };
    let host = desk.organization().map(|one| &one.host);
    let terms = host.map_or(Terms::GITHUB, Terms::of);
    let end = |expected: &Expected, wanted: &dyn Fn(&PoolMember) -> bool| {
        let buckets = buckets(members.iter().filter(|one| wanted(one)), &terms, now);
        forecast::ends_at(expected.requests, &buckets, expected.a_minute, now)
    };
    let real = expected.as_ref().and_then(|expected| end(expected, &is_on));
    let otherwise = |id: CredentialId| {
        let expected = expected.as_ref()?;
        let turned = |one: &PoolMember| is_on(one) != (one.credential.id == id);
        Some(forecast::compared(end(expected, &turned)?, real?))
    };
    let foretold = expected
        .as_ref()
        .zip(real)
        .map(|(expected, real)| Foretold {
            requests: text::count(expected.requests, "request", "requests"),
            learnt: match expected.runs {
                0 => {
                    "as much as other plans took to read a repository for the first time".to_owned()
                }
                1 => "as many as its last run".to_owned(),
                runs => format!("the mean of its last {runs} runs"),
            },
            end: forecast::end(real, now),
            alone: end(expected, &|one| one.credential.role == Role::Main)
                .map_or_else(|| "never".to_owned(), |at| forecast::end(at, now)),
        });
    let otherwise: Vec<Option<String>> = members
        .iter()
        .map(|one| otherwise(one.credential.id))
        .collect();
    Ok(AdvancedPage {
        foretold,
        page: Page::new(member, Tab::Plans, Section::Advanced.title()),
        list: behind(console, member).await?,
        organization: desk
            .organization()
            .map(|one| one.name.to_string())
            .unwrap_or_default(),
        accounts: members
            .into_iter()
            .zip(otherwise)
            .filter(|(one, _)| one.credential.role == Role::Additional)
            .map(|(member, otherwise)| Account {
                member,
                now,
                otherwise,
            })
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
