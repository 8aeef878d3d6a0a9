//! The queue: runs to be listed and repositories to be fetched, claimed briefly, worked on outside any transaction, and
//! settled against a fence.
//!
//! Fairness: whoever has the fewest fetches under way is served first, among tenants, then among their plans; a person's
//! run goes before a scheduled one.

use chrono::{DateTime, Utc};
use domain::{
    Content, FetchId, Host, Name, OrganizationId, PlanId, PoolPart, RepositoryId, RepositoryName,
    RunId, Schedule, StorageId, TenantId,
};
use serde_json::Value;

use crate::{Organization, Plan, PlanState, Trigger};

mod fetch;
mod lost;
mod run;
mod settle;
mod stored;

pub use settle::Settlement;
pub use stored::Stored;

/// The right to list a run's organization.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedRun {
    /// The tenant.
    pub tenant: TenantId,
    /// The tenant's name.
    pub tenant_name: Name,
    /// The run.
    pub run: RunId,
    /// Number of the claim: the newest one counts.
    pub fence: i64,
    /// How often the listing has failed for a passing reason.
    pub failed_count: u32,
    /// Who asked for the run.
    pub trigger: Trigger,
    /// When its window ends.
    pub window_ends_at: Option<DateTime<Utc>>,
    /// The repositories that it is limited to, if it is.
    pub only: Option<Vec<RepositoryId>>,
    /// The plan.
    pub plan: Plan,
    /// The organization.
    pub organization: Organization,
    /// How much the tenant gets beside others.
    pub tenant_weight: domain::Weight,
}

/// The right to fetch one repository for a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedFetch {
    /// The tenant.
    pub tenant: TenantId,
    /// The tenant's name.
    pub tenant_name: Name,
    /// The run.
    pub run: RunId,
    /// The fetch.
    pub fetch: FetchId,
    /// Number of the claim: the newest one counts.
    pub fence: i64,
    /// How often the fetch has failed for a passing reason.
    pub failed_count: u32,
    /// When the run's window ends.
    pub window_ends_at: Option<DateTime<Utc>>,
    /// The plan.
    pub plan: PlanId,
    /// The plan's name.
    pub plan_name: Name,
    /// Who asked for the run.
    pub trigger: Trigger,
    /// How much the tenant gets beside others.
    pub tenant_weight: domain::Weight,
    /// How much the plan gets beside the tenant's other plans.
    pub plan_weight: domain::Weight,
    /// How much of each quota bucket the plan may take.
    pub pool_part: PoolPart,
    /// When the plan runs by itself.
    pub schedule: Option<Schedule>,
    /// What of each repository the plan takes.
    pub content: Content,
    /// The organization.
    pub organization: OrganizationId,
    /// The organization's name.
    pub organization_name: Name,
    /// The host.
    pub host: Host,
    /// Where the snapshot goes.
    pub storage: StorageId,
    /// The repository.
    pub repository: RepositoryId,
    /// Its number on the host.
    pub forge_id: i64,
    /// Its full name today.
    pub repository_name: RepositoryName,
    /// What the list says of it.
    pub listing: Value,
    /// Whether everything is to be read again.
    pub sweep: bool,
    /// What the plan's last successful fetch left behind.
    pub previous: Option<PlanState>,
}

/// A fetch that a worker holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldFetch {
    /// The fetch.
    pub fetch: FetchId,
    /// Number of the claim.
    pub fence: i64,
    /// Whether somebody asked for the run's end.
    pub cancelling: bool,
}

#[cfg(test)]
mod tests;
