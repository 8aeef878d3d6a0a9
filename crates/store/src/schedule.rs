//! Schedules: plans whose time has come.

use chrono::{DateTime, Utc};
use domain::{PlanId, RunId, Schedule, TenantId};
use tracing::instrument;

use crate::error::meant;
use crate::{Error, Fleet, Trigger, decode};

/// How many missed firings are counted off to find the latest one; beyond that the first one stands for all.
const MISSED: usize = 10_000;

impl Fleet {
    /// Asks for a run of every plan that is due at `now`, once: the next due time moves on in the same transaction, so
    /// that neither a second scheduler nor a restart fires it again. Firings missed while nobody looked count as one.
    #[instrument(name = "store.plans.fire_due", level = "debug", skip_all)]
    pub async fn fire_due_schedules(&self, now: DateTime<Utc>) -> Result<Vec<RunId>, Error> {
        let due = sqlx::query!(
            r#"
            SELECT tenant_id, id
            FROM plans p
            WHERE next_due_at IS NOT NULL
                AND next_due_at <= $1
                AND EXISTS (
                    SELECT 1
                    FROM organizations o
                    WHERE o.tenant_id = p.tenant_id AND o.id = p.organization_id AND o.removed_at IS NULL
                )
            ORDER BY next_due_at
            "#,
            now,
        )
        .fetch_all(&self.db.pool)
        .await?;
        let mut runs = Vec::new();
        for plan in due {
            runs.extend(
                self.fire(TenantId(plan.tenant_id), PlanId(plan.id), now)
                    .await?,
            );
        }
        Ok(runs)
    }

    async fn fire(
        &self,
        tenant: TenantId,
        plan: PlanId,
        now: DateTime<Utc>,
    ) -> Result<Option<RunId>, Error> {
        let scoped = self.db.tenant(tenant);
        let mut tx = scoped.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT schedule AS "schedule!", next_due_at AS "next_due_at!"
            FROM plans
            WHERE tenant_id = $1 AND id = $2 AND next_due_at IS NOT NULL AND next_due_at <= $3
            FOR NO KEY UPDATE SKIP LOCKED
            "#,
            tenant.0,
            plan.0,
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let schedule: Schedule = decode::json("a schedule", row.schedule)?;
        let latest = std::iter::successors(Some(row.next_due_at), |due| {
            schedule.next_after(*due).filter(|next| *next <= now)
        })
        .take(MISSED)
        .last()
        .unwrap_or(row.next_due_at);
        let result = sqlx::query!(
            "UPDATE plans SET next_due_at = $3 WHERE tenant_id = $1 AND id = $2",
            tenant.0,
            plan.0,
            schedule.next_after(now),
        )
        .execute(&mut *tx)
        .await?;
        meant("store.plans.fire_due", 1, &result)?;
        let run = scoped
            .request_run_in(&mut tx, plan, Trigger::Schedule(latest))
            .await?;
        tx.commit().await?;
        Ok(Some(run))
    }
}

#[cfg(test)]
mod tests;
