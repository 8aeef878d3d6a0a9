//! Plans: what to back up, when, where to, how long to keep it, with which credentials.

use chrono::{DateTime, Utc};
use domain::{
    Content, CredentialId, Name, OrganizationId, PlanId, PoolPart, Retention, Schedule, Selection,
    StorageId, Weight,
};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::OnConstraint;
use crate::{Act, Error, Scoped, decode};

mod change;
mod overview;
mod read;

pub use change::PlanChange;
pub use overview::{LastRun, PlanOverview, PlanPlace, PoolSize};

/// A plan to add.
#[derive(Debug, Clone)]
pub struct NewPlan {
    /// Its name, unique in the tenant.
    pub name: Name,
    /// The organization whose repositories it backs up.
    pub organization: OrganizationId,
    /// Which of them.
    pub selection: Selection,
    /// What of each of them.
    pub content: Content,
    /// Where the snapshots go.
    pub storage: StorageId,
    /// When it runs by itself.
    pub schedule: Option<Schedule>,
    /// Whether it does not run by itself for the time being.
    pub paused: bool,
    /// How long snapshots are kept.
    pub retention: Retention,
    /// Whether additional credentials are used at all.
    pub additional_credentials: bool,
    /// The additional credentials that are switched on.
    pub use_credentials: Vec<CredentialId>,
    /// How much of each quota bucket it may take.
    pub pool_part: PoolPart,
    /// How much it gets beside the tenant's other plans.
    pub weight: Weight,
}

/// What to back up, when, where to, how long to keep it, with which credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// Its name, unique in the tenant.
    pub name: Name,
    /// The organization whose repositories it backs up.
    pub organization: OrganizationId,
    /// That organization's name.
    pub organization_name: Name,
    /// Which of them.
    pub selection: Selection,
    /// What of each of them.
    pub content: Content,
    /// Where the snapshots go.
    pub storage: StorageId,
    /// That storage's name.
    pub storage_name: Name,
    /// When it runs by itself.
    pub schedule: Option<Schedule>,
    /// When it runs by itself next.
    pub next_due_at: Option<DateTime<Utc>>,
    /// Since when it does not run by itself.
    pub paused_at: Option<DateTime<Utc>>,
    /// How long snapshots are kept.
    pub retention: Retention,
    /// Whether additional credentials are used at all.
    pub additional_credentials: bool,
    /// The additional credentials that are switched on, whether used or not.
    pub use_credentials: Vec<CredentialId>,
    /// How much of each quota bucket it may take.
    pub pool_part: PoolPart,
    /// How much it gets beside the tenant's other plans.
    pub weight: Weight,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// Rises with every change.
    pub version: i32,
    /// Who changed it last, and when.
    pub edited: Option<(String, DateTime<Utc>)>,
}

impl Scoped {
    /// Adds a plan.
    #[instrument(name = "store.plans.add", skip_all)]
    pub async fn add_plan(&self, new: NewPlan) -> Result<PlanId, Error> {
        let id = PlanId::new();
        let mut tx = self.begin().await?;
        self.add_plan_in(&mut tx, id, &new).await?;
        tx.commit().await?;
        Ok(id)
    }

    pub(crate) async fn add_plan_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: PlanId,
        new: &NewPlan,
    ) -> Result<(), Error> {
        let now = self.db.clock.now();
        self.hold_storage(tx, new.storage).await?;
        sqlx::query!(
            r#"
            INSERT INTO plans (
                tenant_id, id, organization_id, storage_id, name, selection, content,
                schedule, next_due_at, paused_at, retention, additional_credentials, created_at, pool_percent,
                weight
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            "#,
            self.tenant.0,
            id.0,
            new.organization.0,
            new.storage.0,
            new.name.as_str(),
            decode::to_json("a selection", &new.selection)?,
            decode::to_json("a plan's content", &new.content)?,
            schedule_json(new.schedule.as_ref())?,
            due(new.schedule.as_ref(), new.paused, now),
            new.paused.then_some(now),
            decode::to_json("a retention rule", &new.retention)?,
            new.additional_credentials,
            now,
            i32::from(new.pool_part.percent()),
            decode::to_weight(new.weight),
        )
        .execute(&mut **tx)
        .await
        .on_constraint("plans_name_key", || name_taken(&new.name))
        .on_constraint("plans_organization_fkey", || Error::Missing {
            what: "organization",
        })?;
        self.switch_on(tx, id, &new.use_credentials).await?;
        let added = self.plan_in(tx, id).await?;
        let after = self.described(tx, &added).await?;
        self.note(
            tx,
            Act {
                action: "plan.add",
                subject: ("plan", id.0, added.name.as_str()),
                before: None,
                after: Some(after),
            },
        )
        .await
    }

    async fn switch_on(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        plan: PlanId,
        credentials: &[CredentialId],
    ) -> Result<(), Error> {
        let wanted: std::collections::BTreeSet<_> = credentials.iter().map(|id| id.0).collect();
        let wanted: Vec<_> = wanted.into_iter().collect();
        let result = sqlx::query!(
            r#"
            INSERT INTO plan_credentials (tenant_id, plan_id, credential_id, organization_id)
            SELECT p.tenant_id, p.id, c.id, p.organization_id
            FROM plans p
            JOIN credentials c
                ON c.tenant_id = p.tenant_id
                AND c.organization_id = p.organization_id
                AND c.role = 'additional'
                AND c.removed_at IS NULL
            WHERE p.tenant_id = $1 AND p.id = $2 AND c.id = ANY($3)
            "#,
            self.tenant.0,
            plan.0,
            &wanted,
        )
        .execute(&mut **tx)
        .await?;
        if usize::try_from(result.rows_affected()) == Ok(wanted.len()) {
            Ok(())
        } else {
            Err(Error::Missing {
                what: "additional credential in the plan's organization",
            })
        }
    }
}

fn name_taken(name: &Name) -> Error {
    Error::NameTaken {
        what: "a plan",
        name: name.to_string(),
    }
}

/// When a plan is due next.
fn due(schedule: Option<&Schedule>, paused: bool, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    schedule.filter(|_| !paused)?.next_after(now)
}

fn schedule_json(schedule: Option<&Schedule>) -> Result<Option<serde_json::Value>, Error> {
    schedule
        .map(|schedule| decode::to_json("a schedule", schedule))
        .transpose()
}

#[cfg(test)]
mod tests;
