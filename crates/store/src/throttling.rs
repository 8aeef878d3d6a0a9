//! How a tenant's part of the pool stands at this moment: what its credentials' buckets have left, who spends it, what waits, and
//! what happened lately.
//!
//! Buckets belong to no tenant. They are asked for by the keys of credentials that this tenant has, and of what is spent there
//! only this tenant's own part is told apart.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    BucketKey, CredentialId, CredentialKind, Health, Host, Name, OrganizationId, PlanId, Resource,
    Role, RunId,
};
use tracing::instrument;

use crate::{Error, Forecast, LogLine, RunFilter, RunGroup, RunRow, Scoped};

mod budgets;
mod choices;
mod credentials;
mod events;

pub use choices::{ChoiceView, RunnerUp};

/// Runs under way that are shown.
const RUNS: u32 = 50;

/// Choices that are shown.
const CHOICES: u32 = 6;

/// What is spent "now" was spent in this minute and the one before.
const LATELY: TimeDelta = TimeDelta::minutes(1);

/// How a tenant's part of the pool stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Throttling {
    /// The credentials, the main ones first, then by name.
    pub credentials: Vec<PoolCredential>,
    /// What is known of their buckets' budgets, by key and resource.
    pub budgets: Vec<Budget>,
    /// Who of this tenant spends what.
    pub spenders: Vec<Spender>,
    /// Since when spending counts as present.
    pub lately_from: Option<DateTime<Utc>>,
    /// The runs under way, the newest first.
    pub runs: Vec<RunRow>,
    /// What is expected of these.
    pub forecasts: Vec<Forecast>,
    /// Which credentials the plans of these may use.
    pub pools: Vec<(PlanId, CredentialId)>,
    /// Why work went on with which credential, the newest first.
    pub choices: Vec<ChoiceView>,
    /// What happened lately, the newest first.
    pub events: Vec<ThrottleEvent>,
    /// Events of the last hour, counted up to a thousand.
    pub events_of_hour: u64,
}

/// A credential with what the page says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolCredential {
    /// Its id.
    pub id: CredentialId,
    /// What a person knows it by.
    pub title: String,
    /// The user or the account behind it.
    pub login: String,
    /// How it comes to the organization.
    pub role: Role,
    /// What kind of thing it is.
    pub kind: CredentialKind,
    /// Whose organization.
    pub organization: OrganizationId,
    /// What that is called.
    pub organization_name: Name,
    /// Its host.
    pub host: Host,
    /// Whom the host charges for it.
    pub key: BucketKey,
    /// Share of its budget that is never spent, in percent.
    pub reserve_percent: u8,
    /// Whether it may be used.
    pub health: Health,
    /// Whether a plan may use it.
    pub is_used: bool,
}

/// One budget of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Whose budget.
    pub key: BucketKey,
    /// Which budget.
    pub resource: Resource,
    /// What is left of which limit, in requests or points; a window that has ended leaves a full one.
    pub left: Option<(u32, u32)>,
    /// When the window that is running ends, if that is known.
    pub reset_at: Option<DateTime<Utc>>,
    /// Until when the bucket backs off, and why.
    pub backoff: Option<(DateTime<Utc>, String)>,
    /// What somebody else than this installation spent in this window, at least, and their rate an hour.
    pub others: Option<(u64, u64)>,
    /// Requests of the whole installation lately.
    pub requests: u64,
    /// Of these, requests that the host refused.
    pub refused: u64,
    /// Requests that began to wait lately.
    pub waits: u64,
}

/// What one run of this tenant spent of one budget lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spender {
    /// The run.
    pub run: RunId,
    /// What its plan is called.
    pub plan_name: Name,
    /// Whose budget.
    pub key: BucketKey,
    /// Which budget.
    pub resource: Resource,
    /// How many requests.
    pub requests: u64,
}

/// Something that happened to the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThrottleEvent {
    /// To a bucket.
    Bucket(crate::BucketEvent),
    /// To a run, as its log tells it.
    Run {
        /// Which run.
        run: RunId,
        /// What its plan is called.
        plan_name: Name,
        /// What its log says.
        line: LogLine,
    },
}

impl ThrottleEvent {
    /// When it happened.
    pub fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Bucket(event) => event.at,
            Self::Run { line, .. } => line.at,
        }
    }
}

impl Scoped {
    /// How this tenant's part of the pool stands, or that of one organization: with so many events.
    #[instrument(name = "store.throttling.read", level = "debug", skip_all)]
    pub async fn throttling(
        &self,
        organization: Option<OrganizationId>,
        events: u32,
    ) -> Result<Throttling, Error> {
        let now = self.db.clock.now();
        let lately_from = crate::history::minute(now) - LATELY;
        let credentials = self.pool_credentials(organization).await?;
        let mut keys: Vec<String> = credentials.iter().map(|one| one.key.to_string()).collect();
        keys.sort_unstable();
        keys.dedup();
        let budgets = self.budgets(&keys, lately_from).await?;
        let filter = RunFilter {
            group: Some(RunGroup::Open),
            plan: None,
        };
        let mut runs = self.run_page(&filter, None, RUNS).await?.runs;
        runs.retain(|run| organization.is_none_or(|wanted| run.organization == wanted));
        let plans: Vec<uuid::Uuid> = runs.iter().map(|run| run.plan.0).collect();
        let mut tx = self.begin().await?;
        let spenders = self.spenders_in(&mut tx, &keys, lately_from).await?;
        let pools = self.pools_in(&mut tx, &plans).await?;
        let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        let forecasts = self.forecasts_in(&mut tx, &ids).await?;
        let choices = self
            .choices_in(&mut tx, None, organization, CHOICES)
            .await?;
        let told = self
            .run_waits_in(&mut tx, organization, now, events)
            .await?;
        tx.commit().await?;
        let befallen = self.bucket_events(&keys, now, events).await?;
        let events_of_hour = told.of_hour + befallen.of_hour;
        let mut merged = told.newest;
        merged.extend(befallen.newest);
        merged.sort_by_key(|event| std::cmp::Reverse(event.at()));
        merged.truncate(usize::try_from(events).unwrap_or(usize::MAX));
        Ok(Throttling {
            credentials,
            budgets,
            spenders,
            lately_from: Some(lately_from),
            runs,
            forecasts,
            pools,
            choices,
            events: merged,
            events_of_hour,
        })
    }
}

#[cfg(test)]
mod tests;
