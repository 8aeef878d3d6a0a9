//! Changing, pausing and removing plans.

use chrono::{DateTime, Utc};
use domain::{
    Content, CredentialId, Name, PlanId, PoolPart, Retention, RunId, Schedule, Selection,
    StorageId, Weight,
};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use super::{Plan, due, name_taken, schedule_json};
use crate::error::{OnConstraint, meant};
use crate::{Act, Error, Scoped, bell, decode};

/// What to change in a plan; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct PlanChange {
    /// Another name.
    pub name: Option<Name>,
    /// Other repositories.
    pub selection: Option<Selection>,
    /// Other parts of them.
    pub content: Option<Content>,
    /// Another storage.
    pub storage: Option<StorageId>,
    /// Another schedule, or none from now on.
    pub schedule: Option<Option<Schedule>>,
    /// Whether it does not run by itself from now on.
    pub paused: Option<bool>,
    /// Another rule for keeping snapshots.
    pub retention: Option<Retention>,
    /// Whether additional credentials are used at all.
    pub additional_credentials: Option<bool>,
    /// The additional credentials that are switched on, in place of the present ones.
    pub use_credentials: Option<Vec<CredentialId>>,
    /// How much of each quota bucket it may take.
    pub pool_part: Option<PoolPart>,
    /// How much it gets beside the tenant's other plans.
    pub weight: Option<Weight>,
    /// The version that the change was made from; [`Error::Changed`] if it is not the newest any more.
    pub version: Option<i32>,
}

impl PlanChange {
    fn apply(&self, plan: &Plan, now: DateTime<Utc>) -> Plan {
        let mut plan = plan.clone();
        plan.name = self.name.clone().unwrap_or(plan.name);
        plan.selection = self.selection.clone().unwrap_or(plan.selection);
        plan.content = self.content.clone().unwrap_or(plan.content);
        plan.storage = self.storage.unwrap_or(plan.storage);
        plan.retention = self.retention.unwrap_or(plan.retention);
        plan.additional_credentials = self
            .additional_credentials
            .unwrap_or(plan.additional_credentials);
        plan.pool_part = self.pool_part.unwrap_or(plan.pool_part);
        plan.weight = self.weight.unwrap_or(plan.weight);
        if let Some(paused) = self.paused {
            plan.paused_at = paused.then(|| plan.paused_at.unwrap_or(now));
        }
        if let Some(schedule) = &self.schedule {
            plan.schedule.clone_from(schedule);
        }
        plan
    }
}

impl Scoped {
    /// Changes a plan. A run that is under way keeps the repositories that it began with.
    #[instrument(name = "store.plans.edit", skip_all, fields(plan = %id))]
    pub async fn edit_plan(&self, id: PlanId, change: PlanChange) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        self.edit_plan_in(&mut tx, id, &change).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn edit_plan_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: PlanId,
        change: &PlanChange,
    ) -> Result<(), Error> {
        let now = self.db.clock.now();
        let before = self.locked(tx, id, change.version).await?;
        let described = self.described(tx, &before).await?;
        let mut plan = change.apply(&before, now);
        let rescheduled = plan.schedule != before.schedule
            || plan.paused_at.is_some() != before.paused_at.is_some();
        if rescheduled {
            plan.next_due_at = due(plan.schedule.as_ref(), plan.paused_at.is_some(), now);
        }
        self.write(tx, &plan).await?;
        if let Some(credentials) = &change.use_credentials {
            self.switch_off_all(tx, id).await?;
            self.switch_on(tx, id, credentials).await?;
        }
        let after = self.plan_in(tx, id).await?;
        let after = self.described(tx, &after).await?;
        if after == described {
            return Ok(());
        }
        self.sign(tx, id, now).await?;
        self.note(
            tx,
            Act {
                action: "plan.edit",
                subject: ("plan", id.0, plan.name.as_str()),
                before: Some(described),
                after: Some(after),
            },
        )
        .await?;
        bell::announce(tx).await
    }

    /// Removes a plan: it runs no more, an open run is stopped, and its snapshots stay, whatever its rule for keeping them.
    #[instrument(name = "store.plans.remove", skip_all, fields(plan = %id))]
    pub async fn remove_plan(&self, id: PlanId) -> Result<(), Error> {
        let now = self.db.clock.now();
        let mut tx = self.begin().await?;
        let plan = self.locked(&mut tx, id, None).await?;
        let before = self.described(&mut tx, &plan).await?;
        let open = sqlx::query_scalar!(
            "SELECT id FROM runs WHERE tenant_id = $1 AND plan_id = $2 AND ended_at IS NULL",
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(run) = open {
            self.cancel_run_in(&mut tx, RunId(run)).await?;
        }
        self.switch_off_all(&mut tx, id).await?;
        sqlx::query!(
            "DELETE FROM drafts WHERE tenant_id = $1 AND plan_id = $2",
            self.tenant.0,
            id.0,
        )
        .execute(&mut *tx)
        .await?;
        let result = sqlx::query!(
            "UPDATE plans SET removed_at = $3, next_due_at = NULL WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
            now,
        )
        .execute(&mut *tx)
        .await?;
        meant("store.plans.remove", 1, &result)?;
        self.sign(&mut tx, id, now).await?;
        self.note(
            &mut tx,
            Act {
                action: "plan.remove",
                subject: ("plan", id.0, plan.name.as_str()),
                before: Some(before),
                after: None,
            },
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps everybody else from changing a plan, and answers how it is; refuses if it is not the version that was meant.
    async fn locked(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: PlanId,
        version: Option<i32>,
    ) -> Result<Plan, Error> {
        sqlx::query_scalar!(
            "SELECT id FROM plans WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL FOR NO KEY UPDATE",
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(Error::Missing { what: "plan" })?;
        let plan = self.plan_in(tx, id).await?;
        match (version, &plan.edited) {
            (Some(version), Some((by, at))) if version != plan.version => Err(Error::Changed {
                what: "plan",
                by: by.clone(),
                at: *at,
            }),
            _ => Ok(plan),
        }
    }

    async fn write(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        plan: &Plan,
    ) -> Result<(), Error> {
        self.hold_storage(tx, plan.storage).await?;
        let result = sqlx::query!(
            r#"
            UPDATE plans
            SET
                name = $3,
                selection = $4,
                content = $5,
                storage_id = $6,
                schedule = $7,
                next_due_at = $8,
                paused_at = $9,
                retention = $10,
                additional_credentials = $11,
                pool_percent = $12,
                weight = $13
            WHERE tenant_id = $1 AND id = $2
            "#,
            self.tenant.0,
            plan.id.0,
            plan.name.as_str(),
            decode::to_json("a selection", &plan.selection)?,
            decode::to_json("a plan's content", &plan.content)?,
            plan.storage.0,
            schedule_json(plan.schedule.as_ref())?,
            plan.next_due_at,
            plan.paused_at,
            decode::to_json("a retention rule", &plan.retention)?,
            plan.additional_credentials,
            i32::from(plan.pool_part.percent()),
            decode::to_weight(plan.weight),
        )
        .execute(&mut **tx)
        .await
        .on_constraint("plans_name_key", || name_taken(&plan.name))?;
        meant("store.plans.edit", 1, &result)
    }

    /// Says who changed a plan.
    async fn sign(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: PlanId,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let result = sqlx::query!(
            r#"
            UPDATE plans
            SET version = version + 1, edited_at = $3, edited_by = $4
            WHERE tenant_id = $1 AND id = $2
            "#,
            self.tenant.0,
            id.0,
            now,
            self.actor.name,
        )
        .execute(&mut **tx)
        .await?;
        meant("store.plans.sign", 1, &result)
    }

    async fn switch_off_all(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: PlanId,
    ) -> Result<(), Error> {
        sqlx::query!(
            "DELETE FROM plan_credentials WHERE tenant_id = $1 AND plan_id = $2",
            self.tenant.0,
            id.0,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}
