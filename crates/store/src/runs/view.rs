//! Reading runs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::run::{Tally, outcome};
use domain::{PlanId, RunId, RunState, TenantId};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use super::totals::{self, Totals};
use super::{RunView, Trigger};
use crate::{Error, FetchView, Scoped, decode};

impl Scoped {
    /// One run.
    #[instrument(name = "store.runs.find", level = "debug", skip_all, fields(run = %id))]
    pub async fn run(&self, id: RunId) -> Result<Option<RunView>, Error> {
        let mut tx = self.begin().await?;
        let run = self.run_in(&mut tx, id).await?;
        tx.commit().await?;
        Ok(run)
    }

    pub(super) async fn run_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: RunId,
    ) -> Result<Option<RunView>, Error> {
        let runs = self.runs_in(tx, Some(id), 1).await?;
        Ok(runs.into_iter().next())
    }

    /// The newest runs, the newest first.
    #[instrument(name = "store.runs.list", skip_all)]
    pub async fn runs(&self, limit: u32) -> Result<Vec<RunView>, Error> {
        let mut tx = self.begin().await?;
        let runs = self.runs_in(&mut tx, None, limit).await?;
        tx.commit().await?;
        Ok(runs)
    }

    async fn runs_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        only: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunView>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                r.id,
                r.plan_id,
                p.name AS plan_name,
                o.name AS organization_name,
                r.due_at,
                r.state,
                r.cause,
                r.cancel_requested_at,
                r.requested_at,
                r.started_at,
                r.listed_at,
                r.ended_at,
                r.not_before,
                r.requested_by,
                r.retry_of,
                r.summary,
                p.next_due_at
            FROM runs r
            JOIN plans p ON p.tenant_id = r.tenant_id AND p.id = r.plan_id
            JOIN organizations o ON o.tenant_id = p.tenant_id AND o.id = p.organization_id
            WHERE r.tenant_id = $1 AND ($2::uuid IS NULL OR r.id = $2)
            ORDER BY r.requested_at DESC, r.id DESC
            LIMIT $3
            "#,
            self.tenant.0,
            only.map(|id| id.0),
            i64::from(limit),
        )
        .fetch_all(&mut **tx)
        .await?;
        let uncounted: Vec<Uuid> = rows
            .iter()
            .filter(|row| row.summary.is_none())
            .map(|row| row.id)
            .collect();
        let mut counted = totals::count(tx, self.tenant, &uncounted, self.db.clock.now()).await?;
        let open: Vec<RunId> = rows
            .iter()
            .filter(|row| row.ended_at.is_none())
            .map(|row| RunId(row.id))
            .collect();
        let mut waiting = waiting(tx, self.tenant, &uncounted).await?;
        let mut active: BTreeMap<Uuid, Vec<FetchView>> = BTreeMap::new();
        if !open.is_empty() {
            for (run, fetch) in self.fetches_in(tx, &open, true).await? {
                active.entry(run.0).or_default().push(fetch);
            }
        }
        rows.into_iter()
            .map(|row| {
                let totals = match row.summary {
                    Some(summary) => decode::json("what a run came to", summary)?,
                    None => counted.remove(&row.id).unwrap_or_default(),
                };
                let Totals {
                    tally,
                    bytes_added,
                    throttled_s,
                    credentials,
                } = totals;
                let waiting = waiting.remove(&row.id).unwrap_or_default();
                let state = state(&row.state, row.listed_at, row.ended_at, &tally)?;
                Ok(RunView {
                    id: RunId(row.id),
                    plan: PlanId(row.plan_id),
                    plan_name: decode::text("a plan's name", &row.plan_name)?,
                    organization_name: decode::text(
                        "an organization's name",
                        &row.organization_name,
                    )?,
                    trigger: row.due_at.map_or(Trigger::Person, Trigger::Schedule),
                    requested_by: row.requested_by,
                    retry_of: row.retry_of.map(RunId),
                    state,
                    cause: row
                        .cause
                        .or(waiting.cause.filter(|_| state == RunState::Throttled)),
                    cancelling: row.cancel_requested_at.is_some() && row.ended_at.is_none(),
                    tally,
                    requested_at: row.requested_at,
                    started_at: row.started_at,
                    listed_at: row.listed_at,
                    ended_at: row.ended_at,
                    throttled_until: (state == RunState::Throttled)
                        .then(|| row.not_before.or(waiting.not_before).or(row.next_due_at))
                        .flatten(),
                    throttled_s,
                    bytes_added,
                    credentials,
                    active: active.remove(&row.id).unwrap_or_default(),
                })
            })
            .collect()
    }
}

/// Until when the throttled fetches of some runs wait, and why.
pub(super) async fn waiting(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    runs: &[Uuid],
) -> Result<BTreeMap<Uuid, Waiting>, Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            run_id,
            min(not_before) AS not_before,
            min(cause) AS cause
        FROM fetches
        WHERE tenant_id = $1 AND run_id = ANY($2) AND state = 'throttled'
        GROUP BY run_id
        "#,
        tenant.0,
        runs,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let waiting = Waiting {
                not_before: row.not_before,
                cause: row.cause,
            };
            (row.run_id, waiting)
        })
        .collect())
}

/// Until when throttled fetches wait, and why.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) not_before: Option<DateTime<Utc>>,
    pub(super) cause: Option<String>,
}

/// The state of an open run that was listed follows from its fetches.
pub(super) fn state(
    stored: &str,
    listed_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    tally: &Tally,
) -> Result<RunState, Error> {
    if listed_at.is_some() && ended_at.is_none() && tally.open() > 0 {
        Ok(outcome(tally))
    } else {
        decode::run_state(stored)
    }
}
