//! Plans: what to back up, when, where to, how long to keep it, with which credentials.

use chrono::{DateTime, Utc};
use domain::{
    CredentialId, Name, OrganizationId, PlanId, Retention, Schedule, Selection, StorageId,
};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::{OnConstraint, found};
use crate::{Error, Scoped, decode};

mod read;

/// A plan to add.
#[derive(Debug, Clone)]
pub struct NewPlan {
    /// Its name, unique in the tenant.
    pub name: Name,
    /// The organization whose repositories it backs up.
    pub organization: OrganizationId,
    /// Which of them.
    pub selection: Selection,
    /// Where the snapshots go.
    pub storage: StorageId,
    /// When it runs by itself.
    pub schedule: Option<Schedule>,
    /// How long snapshots are kept.
    pub retention: Retention,
    /// Whether additional credentials are used at all.
    pub additional_credentials: bool,
    /// The additional credentials that are switched on.
    pub use_credentials: Vec<CredentialId>,
}

/// What to change in a plan; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct PlanChange {
    /// Another name.
    pub name: Option<Name>,
    /// Other repositories.
    pub selection: Option<Selection>,
    /// Another storage.
    pub storage: Option<StorageId>,
    /// Another schedule, or none from now on.
    pub schedule: Option<Option<Schedule>>,
    /// Another rule for keeping snapshots.
    pub retention: Option<Retention>,
    /// Whether additional credentials are used at all.
    pub additional_credentials: Option<bool>,
    /// The additional credentials that are switched on, in place of the present ones.
    pub use_credentials: Option<Vec<CredentialId>>,
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
    /// Where the snapshots go.
    pub storage: StorageId,
    /// That storage's name.
    pub storage_name: Name,
    /// When it runs by itself.
    pub schedule: Option<Schedule>,
    /// When it runs by itself next.
    pub next_due_at: Option<DateTime<Utc>>,
    /// How long snapshots are kept.
    pub retention: Retention,
    /// Whether additional credentials are used at all.
    pub additional_credentials: bool,
    /// The additional credentials that are switched on, whether used or not.
    pub use_credentials: Vec<CredentialId>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

impl Scoped {
    /// Adds a plan.
    #[instrument(name = "store.plans.add", skip_all)]
    pub async fn add_plan(&self, new: NewPlan) -> Result<PlanId, Error> {
        let id = PlanId::new();
        let now = self.db.clock.now();
        let mut tx = self.begin().await?;
        sqlx::query!(
            r#"
            INSERT INTO plans (
                tenant_id, id, organization_id, storage_id, name, selection,
                schedule, next_due_at, retention, additional_credentials, created_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            "#,
            self.tenant.0,
            id.0,
            new.organization.0,
            new.storage.0,
            new.name.as_str(),
            decode::to_json("a selection", &new.selection)?,
            schedule_json(new.schedule.as_ref())?,
            new.schedule
                .as_ref()
                .and_then(|schedule| schedule.next_after(now)),
            decode::to_json("a retention rule", &new.retention)?,
            new.additional_credentials,
            now,
        )
        .execute(&mut *tx)
        .await
        .on_constraint("plans_name_key", || name_taken(&new.name))
        .on_constraint("plans_storage_fkey", || Error::Missing { what: "storage" })
        .on_constraint("plans_organization_fkey", || Error::Missing {
            what: "organization",
        })?;
        self.switch_on(&mut tx, id, &new.use_credentials).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Changes a plan. A run that is under way keeps the repositories that it began with.
    #[instrument(name = "store.plans.edit", skip_all, fields(plan = %id))]
    pub async fn edit_plan(&self, id: PlanId, change: PlanChange) -> Result<(), Error> {
        let now = self.db.clock.now();
        let mut tx = self.begin().await?;
        let next_due_at = change
            .schedule
            .as_ref()
            .and_then(|schedule| schedule.as_ref()?.next_after(now));
        let schedule = match &change.schedule {
            Some(schedule) => schedule_json(schedule.as_ref())?,
            None => None,
        };
        let selection = change
            .selection
            .as_ref()
            .map(|selection| decode::to_json("a selection", selection))
            .transpose()?;
        let retention = change
            .retention
            .as_ref()
            .map(|retention| decode::to_json("a retention rule", retention))
            .transpose()?;
        let result = sqlx::query!(
            r#"
            UPDATE plans
            SET
                name = coalesce($3, name),
                selection = coalesce($4, selection),
                storage_id = coalesce($5, storage_id),
                schedule = CASE WHEN $6 THEN $7 ELSE schedule END,
                next_due_at = CASE WHEN $6 THEN $8 ELSE next_due_at END,
                retention = coalesce($9, retention),
                additional_credentials = coalesce($10, additional_credentials)
            WHERE tenant_id = $1 AND id = $2
            "#,
            self.tenant.0,
            id.0,
            change.name.as_ref().map(Name::as_str),
            selection,
            change.storage.map(|storage| storage.0),
            change.schedule.is_some(),
            schedule,
            next_due_at,
            retention,
            change.additional_credentials,
        )
        .execute(&mut *tx)
        .await
        .on_constraint("plans_storage_fkey", || Error::Missing { what: "storage" })
        .on_constraint("plans_name_key", || Error::NameTaken {
            what: "a plan",
            name: change
                .name
                .as_ref()
                .map(Name::to_string)
                .unwrap_or_default(),
        })?;
        found("plan", "store.plans.edit", &result)?;
        if let Some(credentials) = &change.use_credentials {
            sqlx::query!(
                "DELETE FROM plan_credentials WHERE tenant_id = $1 AND plan_id = $2",
                self.tenant.0,
                id.0,
            )
            .execute(&mut *tx)
            .await?;
            self.switch_on(&mut tx, id, credentials).await?;
        }
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
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

fn schedule_json(schedule: Option<&Schedule>) -> Result<Option<serde_json::Value>, Error> {
    schedule
        .map(|schedule| decode::to_json("a schedule", schedule))
        .transpose()
}

#[cfg(test)]
mod tests;
