//! Runs: asking for one, stopping one, and how one ends.

use chrono::{DateTime, Utc};
use domain::{Name, PlanId, RunId, RunState, run::Tally};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::bell::announce;
use crate::error::meant;
use crate::{Act, Error, FetchView, RunCredential, Scoped, decode};

pub(crate) mod end;
mod list;
pub(crate) mod log;
mod picture;
mod request;
pub(crate) mod totals;
mod view;

pub use list::{RunFilter, RunGroup, RunPage, RunPlace, RunRow};
pub use log::{LogLine, Tone};
pub use picture::{RunPicture, Wait};

use log::Happening;

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
    /// The name of the person who asked for it, as it was then.
    pub requested_by: Option<String>,
    /// The run whose repositories that failed or lack something it is limited to.
    pub retry_of: Option<RunId>,
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
            SELECT
                r.state,
                r.listed_at,
                r.ended_at,
                r.cancel_requested_at,
                p.name AS plan
            FROM runs r
            JOIN plans p ON p.tenant_id = r.tenant_id AND p.id = r.plan_id
            WHERE r.tenant_id = $1 AND r.id = $2
            FOR NO KEY UPDATE OF r
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
        if row.cancel_requested_at.is_none() {
            let by = &self.actor.name;
            log::add(tx, self.tenant, run, now, Happening::Cancelling { by }).await?;
            let act = Act {
                action: "task.cancel",
                subject: ("task", run.0, &row.plan),
                before: None,
                after: None,
            };
            self.note(tx, act).await?;
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
        let ended = if unlisted {
            end::close(tx, self.tenant, run, RunState::Cancelled, now).await?;
            Some(RunState::Cancelled)
        } else {
            end::end_if_settled(tx, self.tenant, run, now).await?
        };
        announce(tx).await?;
        Ok(ended.unwrap_or(RunState::Running))
    }
}

#[cfg(test)]
mod tests;
