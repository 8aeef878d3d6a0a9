//! Runs: asking for one, stopping one, and how one ends.

use chrono::{DateTime, Utc};
use domain::{Name, PlanId, RunId, RunState, Schedule, run::Tally};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::bell::announce;
use crate::error::meant;
use crate::{Error, FetchView, RunCredential, Scoped, decode};

pub(crate) mod end;
mod view;

/// Who asked for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Somebody, now.
    Person,
    /// The plan's schedule, for this time.
    Schedule(DateTime<Utc>),
}

/// One execution of a plan, as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// Its id.
    pub id: RunId,
    /// The plan.
    pub plan: PlanId,
    /// The plan's name.
    pub plan_name: Name,
    /// The organization's name.
    pub organization_name: Name,
    /// Who asked for it.
    pub trigger: Trigger,
    /// Where it stands.
    pub state: RunState,
    /// Why it failed or waits.
    pub cause: Option<String>,
    /// Whether somebody asked for its end.
    pub cancelling: bool,
    /// How many fetches are in which state; all zero until the organization is listed.
    pub tally: Tally,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When work on it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the organization was listed.
    pub listed_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it goes on, if it is throttled and that is known.
    pub throttled_until: Option<DateTime<Utc>>,
    /// Seconds in which at least one of its fetches waited for quota.
    pub throttled_s: f64,
    /// Bytes that it added to the storage.
    pub bytes_added: u64,
    /// What it has spent, by the credential's name.
    pub credentials: Vec<RunCredential>,
    /// The fetches that workers hold at this moment.
    pub active: Vec<FetchView>,
}

impl Scoped {
    /// Asks for a run of a plan. If one is open, that one is answered, and goes on if it was parked.
    #[instrument(name = "store.runs.request", skip_all, fields(plan = %plan))]
    pub async fn request_run(&self, plan: PlanId, trigger: Trigger) -> Result<RunId, Error> {
        let mut tx = self.begin().await?;
        let run = self.request_run_in(&mut tx, plan, trigger).await?;
        tx.commit().await?;
        Ok(run)
    }

    pub(crate) async fn request_run_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        plan: PlanId,
        trigger: Trigger,
    ) -> Result<RunId, Error> {
        // The lock on the plan makes requests for it follow one another.
        let row = sqlx::query!(
            r#"
            SELECT p.schedule, o.removed_at IS NOT NULL AS "removed!", o.name AS organization_name
            FROM plans p
            JOIN organizations o ON o.tenant_id = p.tenant_id AND o.id = p.organization_id
            WHERE p.tenant_id = $1 AND p.id = $2 AND p.removed_at IS NULL
            FOR NO KEY UPDATE OF p
            "#,
            self.tenant.0,
            plan.0,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(Error::Missing { what: "plan" })?;
        if row.removed {
            return Err(Error::OrganizationRemoved {
                name: row.organization_name,
            });
        }
        let schedule = row.schedule;
        let (word, due_at, window_ends_at) = match trigger {
            Trigger::Person => ("person", None, None),
            Trigger::Schedule(due_at) => {
                let schedule: Option<Schedule> = schedule
                    .map(|schedule| decode::json("a schedule", schedule))
                    .transpose()?;
                let end = schedule.and_then(|schedule| schedule.window_end(due_at));
                ("schedule", Some(due_at), end)
            }
        };
        let open = sqlx::query_scalar!(
            r#"
            SELECT id
            FROM runs
            WHERE tenant_id = $1 AND plan_id = $2 AND ended_at IS NULL
            FOR NO KEY UPDATE
            "#,
            self.tenant.0,
            plan.0,
        )
        .fetch_optional(&mut **tx)
        .await?;
        let run = if let Some(open) = open {
            self.resume_in(tx, RunId(open), window_ends_at).await?;
            RunId(open)
        } else {
            let run = RunId::new();
            sqlx::query!(
                r#"
                INSERT INTO runs (
                    tenant_id, id, plan_id, trigger, due_at, state, requested_at, window_ends_at
                )
                VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7)
                "#,
                self.tenant.0,
                run.0,
                plan.0,
                word,
                due_at,
                self.db.clock.now(),
                window_ends_at,
            )
            .execute(&mut **tx)
            .await?;
            run
        };
        announce(tx).await?;
        Ok(run)
    }

    /// Moves the end of an open run's window, and lets what was parked go on. A run that a person asked for has no window
    /// and gets none.
    async fn resume_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        run: RunId,
        window_ends_at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let result = sqlx::query!(
            r#"
            UPDATE runs
            SET
                window_ends_at = CASE WHEN window_ends_at IS NOT NULL THEN $3::timestamptz END,
                cause = CASE WHEN state = 'throttled' AND not_before IS NULL THEN NULL ELSE cause END,
                state = CASE WHEN state = 'throttled' AND not_before IS NULL THEN 'queued' ELSE state END
            WHERE tenant_id = $1 AND id = $2
            "#,
            self.tenant.0,
            run.0,
            window_ends_at,
        )
        .execute(&mut **tx)
        .await?;
        meant("store.runs.resume", 1, &result)?;
        sqlx::query!(
            r#"
            UPDATE fetches
            SET state = 'queued', cause = NULL
            WHERE tenant_id = $1 AND run_id = $2 AND state = 'throttled' AND not_before IS NULL
            "#,
            self.tenant.0,
            run.0,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Stops a run: what waits is cancelled at once, what a worker holds when the worker comes to it. Answers the run's
    /// state; a run that has ended stays as it ended.
    #[instrument(name = "store.runs.cancel", skip_all, fields(run = %run))]
    pub async fn cancel_run(&self, run: RunId) -> Result<RunState, Error> {
        let mut tx = self.begin().await?;
        let state = self.cancel_run_in(&mut tx, run).await?;
        tx.commit().await?;
        Ok(state)
    }

    pub(crate) async fn cancel_run_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        run: RunId,
    ) -> Result<RunState, Error> {
        let now = self.db.clock.now();
        let row = sqlx::query!(
            r#"
            SELECT state, listed_at, ended_at
            FROM runs
            WHERE tenant_id = $1 AND id = $2
            FOR NO KEY UPDATE
            "#,
            self.tenant.0,
            run.0,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(Error::Missing { what: "run" })?;
        if row.ended_at.is_some() {
            return decode::run_state(&row.state);
        }
        let unlisted = row.listed_at.is_none();
        // Whoever is listing the organization loses its claim.
        let result = sqlx::query!(
            r#"
            UPDATE runs
            SET
                cancel_requested_at = coalesce(cancel_requested_at, $3),
                state = CASE WHEN $4 THEN 'cancelled' ELSE state END,
                ended_at = CASE WHEN $4 THEN $3 END,
                worker_id = NULL,
                fence = fence + 1
            WHERE tenant_id = $1 AND id = $2
            "#,
            self.tenant.0,
            run.0,
            now,
            unlisted,
        )
        .execute(&mut **tx)
        .await?;
        meant("store.runs.cancel", 1, &result)?;
        sqlx::query!(
            r#"
            UPDATE fetches
            SET state = 'cancelled', ended_at = $3, not_before = NULL, cause = NULL
            WHERE tenant_id = $1 AND run_id = $2 AND state IN ('queued', 'throttled')
            "#,
            self.tenant.0,
            run.0,
            now,
        )
        .execute(&mut **tx)
        .await?;
        let ended = end::end_if_settled(tx, self.tenant, run, now).await?;
        announce(tx).await?;
        Ok(match ended {
            Some(state) => state,
            None if unlisted => RunState::Cancelled,
            None => RunState::Running,
        })
    }
}

#[cfg(test)]
mod tests;
