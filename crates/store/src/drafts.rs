//! Drafts: what a person has changed about a plan and not saved yet.
//!
//! A person has one draft of each plan, and one of a plan to come. The plan to come takes over the draft's id, so that a
//! form that is sent twice adds one plan.

use chrono::{DateTime, Utc};
use domain::{
    Content, CredentialId, DraftId, OrganizationId, PersonId, PlanId, PoolPart, Retention,
    Schedule, Selection, StorageId, Weight,
};
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::OnConstraint;
use crate::{Error, NewPlan, Plan, PlanChange, Scoped, decode};

/// What a person wants a plan to be. Each part is valid by itself; the name is what was typed so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSettings {
    /// Its name, as typed.
    pub name: String,
    /// The organization, once it is chosen.
    pub organization: Option<OrganizationId>,
    /// Which of its repositories.
    pub selection: Selection,
    /// What of each of them.
    pub content: Content,
    /// Where the snapshots go, once it is chosen.
    pub storage: Option<StorageId>,
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
    #[serde(default)]
    pub pool_part: PoolPart,
    /// How much it gets beside the tenant's other plans.
    #[serde(default)]
    pub weight: Weight,
}

/// Unsaved changes of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its id, and that of the plan that it becomes if it is about a new one.
    pub id: DraftId,
    /// The plan and the version of it that the person began with; nothing for a new plan.
    pub plan: Option<(PlanId, i32)>,
    /// What is wanted.
    pub settings: PlanSettings,
    /// When it was last changed.
    pub changed_at: DateTime<Utc>,
}

impl PlanSettings {
    /// What a plan is now.
    pub fn of(plan: &Plan) -> Self {
        Self {
            name: plan.name.to_string(),
            organization: Some(plan.organization),
            selection: plan.selection.clone(),
            content: plan.content.clone(),
            storage: Some(plan.storage),
            schedule: plan.schedule.clone(),
            paused: plan.paused_at.is_some(),
            retention: plan.retention,
            additional_credentials: plan.additional_credentials,
            use_credentials: plan.use_credentials.clone(),
            pool_part: plan.pool_part,
            weight: plan.weight,
        }
    }
}

impl Scoped {
    /// A person's draft of a plan, or of a new one.
    #[instrument(name = "store.drafts.find", skip_all)]
    pub async fn draft(
        &self,
        person: PersonId,
        plan: Option<PlanId>,
    ) -> Result<Option<Draft>, Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT id, plan_id, plan_version, settings, changed_at
            FROM drafts
            WHERE tenant_id = $1 AND person_id = $2 AND plan_id IS NOT DISTINCT FROM $3
            "#,
            self.tenant.0,
            person.0,
            plan.map(|plan| plan.0),
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        row.map(|row| {
            Ok(Draft {
                id: DraftId(row.id),
                plan: row.plan_id.map(PlanId).zip(row.plan_version),
                settings: decode::json("a draft", row.settings)?,
                changed_at: row.changed_at,
            })
        })
        .transpose()
    }

    /// A person's drafts, the newest first.
    #[instrument(name = "store.drafts.list", skip_all)]
    pub async fn drafts(&self, person: PersonId) -> Result<Vec<Draft>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT id, plan_id, plan_version, settings, changed_at
            FROM drafts
            WHERE tenant_id = $1 AND person_id = $2
            ORDER BY changed_at DESC
            "#,
            self.tenant.0,
            person.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(Draft {
                    id: DraftId(row.id),
                    plan: row.plan_id.map(PlanId).zip(row.plan_version),
                    settings: decode::json("a draft", row.settings)?,
                    changed_at: row.changed_at,
                })
            })
            .collect()
    }

    /// Keeps a person's changes under an id that was given out before. A draft that is there keeps its own.
    #[instrument(name = "store.drafts.put", skip_all)]
    pub async fn put_draft(
        &self,
        person: PersonId,
        id: DraftId,
        plan: Option<(PlanId, i32)>,
        settings: &PlanSettings,
    ) -> Result<DraftId, Error> {
        let mut tx = self.begin().await?;
        let id = sqlx::query_scalar!(
            r#"
            INSERT INTO drafts (tenant_id, id, person_id, plan_id, plan_version, settings, changed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT ON CONSTRAINT drafts_once_key DO UPDATE
            SET
                plan_version = EXCLUDED.plan_version,
                settings = EXCLUDED.settings,
                changed_at = EXCLUDED.changed_at
            RETURNING id
            "#,
            self.tenant.0,
            id.0,
            person.0,
            plan.map(|(plan, _)| plan.0),
            plan.map(|(_, version)| version),
            decode::to_json("a draft", settings)?,
            self.db.clock.now(),
        )
        .fetch_one(&mut *tx)
        .await
        .on_constraint("drafts_pkey", || Error::Missing { what: "draft" })?;
        tx.commit().await?;
        Ok(DraftId(id))
    }

    /// Throws a person's changes away, if there are any.
    #[instrument(name = "store.drafts.drop", skip_all)]
    pub async fn drop_draft(&self, person: PersonId, plan: Option<PlanId>) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        self.drop_draft_in(&mut tx, person, plan).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Adds the plan that a draft has become; nothing if it was added before.
    #[instrument(name = "store.drafts.add_plan", skip_all, fields(draft = %draft))]
    pub async fn add_drafted_plan(
        &self,
        person: PersonId,
        draft: DraftId,
        new: NewPlan,
    ) -> Result<PlanId, Error> {
        let id = PlanId(draft.0);
        let mut tx = self.begin().await?;
        // Of two requests with one draft, the second waits here until the plan of the first is there.
        sqlx::query_scalar!(
            "SELECT id FROM drafts WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            self.tenant.0,
            draft.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let added = sqlx::query_scalar!(
            "SELECT id FROM plans WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if added.is_none() {
            self.add_plan_in(&mut tx, id, &new).await?;
        }
        self.drop_draft_in(&mut tx, person, None).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Changes a plan as its draft says.
    #[instrument(name = "store.drafts.edit_plan", skip_all, fields(plan = %id))]
    pub async fn edit_drafted_plan(
        &self,
        person: PersonId,
        id: PlanId,
        change: PlanChange,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        self.edit_plan_in(&mut tx, id, &change).await?;
        self.drop_draft_in(&mut tx, person, Some(id)).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn drop_draft_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        person: PersonId,
        plan: Option<PlanId>,
    ) -> Result<(), Error> {
        sqlx::query!(
            "DELETE FROM drafts WHERE tenant_id = $1 AND person_id = $2 AND plan_id IS NOT DISTINCT FROM $3",
            self.tenant.0,
            person.0,
            plan.map(|plan| plan.0),
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
