//! Lists of runs: a page at a time, the newest first. What an ended run came to is kept with it, so that a page counts the
//! fetches of open runs alone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::run::Tally;
use domain::{Name, OrganizationId, PlanId, RunId, RunState};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder, Transaction};
use tracing::instrument;
use uuid::Uuid;

use super::totals::{self, Totals};
use super::{Trigger, view};
use crate::{Error, Scoped, decode};

/// Runs that are shown together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunGroup {
    /// Asked for and not ended.
    Open,
    /// Open, and waiting for quota or for a window.
    Throttled,
    /// All that was asked for is stored.
    Complete,
    /// What could be had is stored.
    Omissions,
    /// Something that should have been stored is not.
    Failed,
    /// Stopped by a person.
    Cancelled,
}

impl RunGroup {
    /// Every group.
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::Throttled,
        Self::Complete,
        Self::Omissions,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Which runs belong to it, as a condition on the table `r`.
    fn condition(self) -> &'static str {
        match self {
            Self::Open => "r.ended_at IS NULL",
            Self::Throttled => {
                "r.ended_at IS NULL AND (
                    (r.listed_at IS NULL AND r.state = 'throttled')
                    OR (
                        r.listed_at IS NOT NULL
                        AND NOT EXISTS (
                            SELECT 1 FROM fetches f
                            WHERE f.tenant_id = r.tenant_id AND f.run_id = r.id
                                AND f.ended_at IS NULL AND f.state <> 'throttled'
                        )
                    )
                )"
            }
            Self::Complete => "r.state = 'complete'",
            Self::Omissions => "r.state = 'complete_with_omissions'",
            Self::Failed => "r.state = 'failed'",
            Self::Cancelled => "r.state = 'cancelled'",
        }
    }
}

/// Which runs are wanted; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this group.
    pub group: Option<RunGroup>,
    /// Of this plan.
    pub plan: Option<PlanId>,
}

/// A place in the list of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunPlace {
    /// When the run was asked for.
    pub at: DateTime<Utc>,
    /// The run.
    pub run: RunId,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// The plan.
    pub plan: PlanId,
    /// The plan's name.
    pub plan_name: Name,
    /// The organization.
    pub organization: OrganizationId,
    /// The organization's name.
    pub organization_name: Name,
    /// Who asked for it.
    pub trigger: Trigger,
    /// The name of the person who asked for it, as it was then.
    pub requested_by: Option<String>,
    /// Whether it is limited to what another run has not got.
    pub is_again: bool,
    /// Where it stands.
    pub state: RunState,
    /// Why it failed or waits.
    pub cause: Option<String>,
    /// How many fetches are in which state; all zero until the organization is listed.
    pub tally: Tally,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When work on it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it goes on, if it is throttled and that is known.
    pub throttled_until: Option<DateTime<Utc>>,
    /// Seconds in which at least one of its fetches waited for quota.
    pub throttled_s: f64,
    /// Requests that it has sent.
    pub requests: u64,
    /// Bytes that it added to the storage.
    pub bytes_added: u64,
}

impl RunRow {
    /// Its place in the list: what a list of older runs begins after.
    pub fn place(&self) -> RunPlace {
        RunPlace {
            at: self.requested_at,
            run: self.id,
        }
    }
}

/// A page of the list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunPage {
    /// The newest first.
    pub runs: Vec<RunRow>,
    /// Where the next page begins, if there is one.
    pub next: Option<RunPlace>,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    plan_id: Uuid,
    plan_name: String,
    organization_id: Uuid,
    organization_name: String,
    due_at: Option<DateTime<Utc>>,
    requested_by: Option<String>,
    retry_of: Option<Uuid>,
    state: String,
    cause: Option<String>,
    requested_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    listed_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    not_before: Option<DateTime<Utc>>,
    next_due_at: Option<DateTime<Utc>>,
    summary: Option<Value>,
}

impl Scoped {
    /// A page of the runs that a filter lets through, the newest first.
    #[instrument(name = "store.runs.page", level = "debug", skip_all)]
    pub async fn run_page(
        &self,
        filter: &RunFilter,
        older_than: Option<RunPlace>,
        limit: u32,
    ) -> Result<RunPage, Error> {
        let mut tx = self.begin().await?;
        let mut rows = self.run_rows(&mut tx, filter, older_than, limit).await?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let uncounted: Vec<Uuid> = rows
            .iter()
            .filter(|row| row.summary.is_none())
            .map(|row| row.id)
            .collect();
        let mut counted =
            totals::count(&mut tx, self.tenant, &uncounted, self.db.clock.now()).await?;
        let mut waiting = if uncounted.is_empty() {
            BTreeMap::new()
        } else {
            view::waiting(&mut tx, self.tenant, &uncounted).await?
        };
        tx.commit().await?;
        let runs: Vec<RunRow> = rows
            .into_iter()
            .map(|row| {
                let totals = counted.remove(&row.id);
                let waiting = waiting.remove(&row.id).unwrap_or_default();
                row.read(totals, waiting)
            })
            .collect::<Result<_, _>>()?;
        let next = runs.last().filter(|_| more).map(RunRow::place);
        Ok(RunPage { runs, next })
    }

    async fn run_rows(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        filter: &RunFilter,
        older_than: Option<RunPlace>,
        limit: u32,
    ) -> Result<Vec<Row>, Error> {
        let mut query = QueryBuilder::<Postgres>::new(
            "SELECT r.id, r.plan_id, p.name AS plan_name, p.organization_id, o.name AS organization_name, r.due_at, \
             r.requested_by, r.retry_of, r.state, r.cause, r.requested_at, r.started_at, r.listed_at, r.ended_at, \
             r.not_before, p.next_due_at, r.summary \
             FROM runs r \
             JOIN plans p ON p.tenant_id = r.tenant_id AND p.id = r.plan_id \
             JOIN organizations o ON o.tenant_id = p.tenant_id AND o.id = p.organization_id \
             WHERE r.tenant_id = ",
        );
        query.push_bind(self.tenant.0);
        if let Some(group) = filter.group {
            query.push(" AND ").push(group.condition());
        }
        if let Some(plan) = filter.plan {
            query.push(" AND r.plan_id = ").push_bind(plan.0);
        }
        if let Some(place) = older_than {
            query
                .push(" AND (r.requested_at, r.id) < (")
                .push_bind(place.at)
                .push(", ")
                .push_bind(place.run.0)
                .push(")");
        }
        query
            .push(" ORDER BY r.requested_at DESC, r.id DESC LIMIT ")
            .push_bind(i64::from(limit) + 1);
        Ok(query.build_query_as().fetch_all(&mut **tx).await?)
    }

    /// How many runs of each of some groups there are, counted up to a limit.
    #[instrument(name = "store.runs.count", level = "debug", skip_all)]
    pub async fn count_runs(
        &self,
        groups: &[RunGroup],
        up_to: u32,
    ) -> Result<BTreeMap<RunGroup, u64>, Error> {
        if groups.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut query = QueryBuilder::<Postgres>::new("SELECT ARRAY[");
        for (number, group) in groups.iter().enumerate() {
            query
                .push(if number == 0 { "" } else { ", " })
                .push("(SELECT count(*) FROM (SELECT 1 FROM runs r WHERE r.tenant_id = ")
                .push_bind(self.tenant.0)
                .push(" AND ")
                .push(group.condition())
                .push(" LIMIT ")
                .push_bind(i64::from(up_to))
                .push(") n)");
        }
        query.push("]");
        let mut tx = self.begin().await?;
        let counts: Vec<i64> = query.build_query_scalar().fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(groups
            .iter()
            .copied()
            .zip(counts.into_iter().map(decode::count))
            .collect())
    }
}

impl Row {
    fn read(self, counted: Option<Totals>, waiting: view::Waiting) -> Result<RunRow, Error> {
        let totals = match self.summary {
            Some(summary) => decode::json("what a run came to", summary)?,
            None => counted.unwrap_or_default(),
        };
        let state = view::state(&self.state, self.listed_at, self.ended_at, &totals.tally)?;
        let is_throttled = state == RunState::Throttled;
        Ok(RunRow {
            id: RunId(self.id),
            plan: PlanId(self.plan_id),
            plan_name: decode::text("a plan's name", &self.plan_name)?,
            organization: OrganizationId(self.organization_id),
            organization_name: decode::text("an organization's name", &self.organization_name)?,
            trigger: self.due_at.map_or(Trigger::Person, Trigger::Schedule),
            requested_by: self.requested_by,
            is_again: self.retry_of.is_some(),
            state,
            cause: self.cause.or(waiting.cause.filter(|_| is_throttled)),
            tally: totals.tally,
            requested_at: self.requested_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            throttled_until: self
                .not_before
                .or(waiting.not_before)
                .or(self.next_due_at)
                .filter(|_| is_throttled),
            throttled_s: totals.throttled_s,
            requests: totals.credentials.iter().map(|one| one.requests).sum(),
            bytes_added: totals.bytes_added,
        })
    }
}
