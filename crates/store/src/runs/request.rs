//! Asking for a run: the whole plan, or what another run has not got.

use chrono::{DateTime, Utc};
use domain::{PlanId, RunId, Schedule, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use super::Trigger;
use super::log::{self, Happening};
use crate::bell::announce;
use crate::error::meant;
use crate::{Act, Error, Scoped, decode};

/// A whole run that was asked for while a limited one was under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Follow {
    by: Option<String>,
    due_at: Option<DateTime<Utc>>,
    window_ends_at: Option<DateTime<Utc>>,
}

/// The plan's open run.
struct Open {
    run: RunId,
    is_limited: bool,
    is_listed: bool,
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
        let (name, schedule) = self.lock_plan(tx, plan).await?;
        let follow = match trigger {
            Trigger::Person => Follow {
                by: Some(self.actor.name.clone()),
                due_at: None,
                window_ends_at: None,
            },
            Trigger::Schedule(due_at) => Follow {
                by: None,
                due_at: Some(due_at),
                window_ends_at: schedule.and_then(|schedule| schedule.window_end(due_at)),
            },
        };
        let run = match self.open_run(tx, plan).await? {
            None => begin(tx, self.tenant, self.db.clock.now(), plan, &follow, None).await?,
            Some(open) => {
                self.join(tx, &open, &follow).await?;
                open.run
            }
        };
        self.note_request(tx, run, name.as_str(), &trigger).await?;
        announce(tx).await?;
        Ok(run)
    }

    /// Asks for a run of those repositories that failed or lack something in another one, which has ended.
    #[instrument(name = "store.runs.request_again", skip_all, fields(run = %of))]
    pub async fn request_failed_again(&self, of: RunId) -> Result<RunId, Error> {
        let mut tx = self.begin().await?;
        let other = sqlx::query!(
            r#"
            SELECT plan_id, requested_at, ended_at
            FROM runs
            WHERE tenant_id = $1 AND id = $2
            "#,
            self.tenant.0,
            of.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing { what: "task" })?;
        let plan = PlanId(other.plan_id);
        let (name, _) = self.lock_plan(&mut tx, plan).await?;
        let repositories = sqlx::query_scalar!(
            r#"
            SELECT count(*) AS "count!"
            FROM fetches
            WHERE tenant_id = $1 AND run_id = $2 AND state IN ('failed', 'complete_with_omissions')
            "#,
            self.tenant.0,
            of.0,
        )
        .fetch_one(&mut *tx)
        .await?;
        if other.ended_at.is_none() || repositories == 0 {
            return Err(Error::NothingFailed);
        }
        if self.open_run(&mut tx, plan).await?.is_some() {
            return Err(Error::RunOpen);
        }
        let now = self.db.clock.now();
        let follow = Follow {
            by: Some(self.actor.name.clone()),
            due_at: None,
            window_ends_at: None,
        };
        let run = begin(&mut tx, self.tenant, now, plan, &follow, Some(of)).await?;
        let asked = Happening::AskedAgain {
            by: &self.actor.name,
            repositories: decode::count(repositories),
            of: other.requested_at,
        };
        log::add(&mut tx, self.tenant, run, now, asked).await?;
        let act = Act {
            action: "task.request",
            subject: ("task", run.0, name.as_str()),
            before: None,
            after: Some(json!({ "again": of, "repositories": repositories })),
        };
        self.note(&mut tx, act).await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(run)
    }

    /// The lock on the plan makes requests for it follow one another.
    async fn lock_plan(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        plan: PlanId,
    ) -> Result<(String, Option<Schedule>), Error> {
        let row = sqlx::query!(
            r#"
            SELECT
                p.name,
                p.schedule,
                o.name AS organization_name,
                o.removed_at IS NOT NULL AS "removed!"
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
        let schedule = row
            .schedule
            .map(|schedule| decode::json("a schedule", schedule))
            .transpose()?;
        Ok((row.name, schedule))
    }

    async fn open_run(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        plan: PlanId,
    ) -> Result<Option<Open>, Error> {
        let open = sqlx::query!(
            r#"
            SELECT
                id,
                retry_of IS NOT NULL AS "is_limited!",
                listed_at IS NOT NULL AS "is_listed!"
            FROM runs
            WHERE tenant_id = $1 AND plan_id = $2 AND ended_at IS NULL
            FOR NO KEY UPDATE
            "#,
            self.tenant.0,
            plan.0,
        )
        .fetch_optional(&mut **tx)
        .await?;
        Ok(open.map(|row| Open {
            run: RunId(row.id),
            is_limited: row.is_limited,
            is_listed: row.is_listed,
        }))
    }

    /// Lets a request for the whole plan be served by the run that is open already, or right after it.
    async fn join(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        open: &Open,
        asked: &Follow,
    ) -> Result<(), Error> {
        let by = asked.by.as_deref().unwrap_or("The plan's schedule");
        let now = self.db.clock.now();
        if open.is_limited && open.is_listed {
            sqlx::query!(
                "UPDATE runs SET follow = $3 WHERE tenant_id = $1 AND id = $2",
                self.tenant.0,
                open.run.0,
                decode::to_json("a request for a run", asked)?,
            )
            .execute(&mut **tx)
            .await?;
            return log::add(tx, self.tenant, open.run, now, Happening::Follows { by }).await;
        }
        if open.is_limited {
            // Whoever is listing for the limited run loses its claim.
            sqlx::query!(
                r#"
                UPDATE runs
                SET
                    retry_of = NULL,
                    state = CASE WHEN worker_id IS NULL THEN state ELSE 'queued' END,
                    worker_id = NULL,
                    fence = fence + 1
                WHERE tenant_id = $1 AND id = $2
                "#,
                self.tenant.0,
                open.run.0,
            )
            .execute(&mut **tx)
            .await?;
            log::add(tx, self.tenant, open.run, now, Happening::Widened { by }).await?;
        }
        if self.resume_in(tx, open.run, asked.window_ends_at).await? {
            log::add(tx, self.tenant, open.run, now, Happening::Resumed { by }).await?;
        }
        Ok(())
    }

    /// Moves the end of an open run's window, and lets what was parked go on; answers whether anything was. A run that a
    /// person asked for has no window and gets none.
    async fn resume_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        run: RunId,
        window_ends_at: Option<DateTime<Utc>>,
    ) -> Result<bool, Error> {
        let parked = sqlx::query_scalar!(
            r#"
            SELECT state = 'throttled' AND not_before IS NULL AS "parked!"
            FROM runs
            WHERE tenant_id = $1 AND id = $2
            "#,
            self.tenant.0,
            run.0,
        )
        .fetch_one(&mut **tx)
        .await?;
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
        let fetches = sqlx::query!(
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
        Ok(parked || fetches.rows_affected() > 0)
    }

    async fn note_request(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        run: RunId,
        plan: &str,
        trigger: &Trigger,
    ) -> Result<(), Error> {
        if *trigger != Trigger::Person {
            return Ok(());
        }
        let act = Act {
            action: "task.request",
            subject: ("task", run.0, plan),
            before: None,
            after: None,
        };
        self.note(tx, act).await
    }
}

/// Enters a run.
async fn begin(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    now: DateTime<Utc>,
    plan: PlanId,
    asked: &Follow,
    retry_of: Option<RunId>,
) -> Result<RunId, Error> {
    let run = RunId::new();
    sqlx::query!(
        r#"
        INSERT INTO runs (
            tenant_id, id, plan_id, trigger, due_at, state, requested_at, window_ends_at, requested_by, retry_of
        )
        VALUES (
            $1, $2, $3, CASE WHEN $4::timestamptz IS NULL THEN 'person' ELSE 'schedule' END,
            $4, 'queued', $5, $6, $7, $8
        )
        "#,
        tenant.0,
        run.0,
        plan.0,
        asked.due_at,
        now,
        asked.window_ends_at,
        asked.by,
        retry_of.map(|run| run.0),
    )
    .execute(&mut **tx)
    .await?;
    let happening = match (retry_of, asked.due_at) {
        // The request itself says more.
        (Some(_), _) => return Ok(run),
        (None, Some(at)) => Happening::Due { at },
        (None, None) => Happening::Asked {
            by: asked.by.as_deref().unwrap_or("somebody"),
        },
    };
    log::add(tx, tenant, run, now, happening).await?;
    Ok(run)
}

/// Begins the whole run that was asked for while a limited one, which has just ended, was under way.
pub(super) async fn begin_follower(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    now: DateTime<Utc>,
    plan: PlanId,
    follow: serde_json::Value,
) -> Result<(), Error> {
    let follow: Follow = decode::json("a request for a run", follow)?;
    let stands = sqlx::query_scalar!(
        r#"
        SELECT removed_at IS NULL AS "stands!"
        FROM plans
        WHERE tenant_id = $1 AND id = $2
        "#,
        tenant.0,
        plan.0,
    )
    .fetch_one(&mut **tx)
    .await?;
    if !stands {
        return Ok(());
    }
    let run = begin(tx, tenant, now, plan, &follow, None).await?;
    log::add(tx, tenant, run, now, Happening::BeganAfter).await?;
    announce(tx).await
}
