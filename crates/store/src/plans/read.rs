//! Reading plans and their pools.

use domain::{CredentialId, OrganizationId, PlanId, StorageId};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use super::Plan;
use crate::{Error, Scoped, decode};

impl Scoped {
    /// All plans, by name.
    #[instrument(name = "store.plans.list", skip_all)]
    pub async fn plans(&self) -> Result<Vec<Plan>, Error> {
        let mut tx = self.begin().await?;
        let plans = self.plans_in(&mut tx, None).await?;
        tx.commit().await?;
        Ok(plans)
    }

    /// The ids and names of the plans that there are, by name.
    #[instrument(name = "store.plans.names", level = "debug", skip_all)]
    pub async fn plan_names(&self) -> Result<Vec<(PlanId, domain::Name)>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            "SELECT id, name FROM plans WHERE tenant_id = $1 AND removed_at IS NULL ORDER BY name",
            self.tenant.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| Ok((PlanId(row.id), decode::text("a plan's name", &row.name)?)))
            .collect()
    }

    /// One plan.
    #[instrument(name = "store.plans.find", skip_all, fields(plan = %id))]
    pub async fn plan(&self, id: PlanId) -> Result<Option<Plan>, Error> {
        let mut tx = self.begin().await?;
        let plans = self.plans_in(&mut tx, Some(id)).await?;
        tx.commit().await?;
        Ok(plans.into_iter().next())
    }

    /// The plan of that name.
    pub async fn plan_by_name(&self, name: &str) -> Result<Option<Plan>, Error> {
        let plans = self.plans().await?;
        Ok(plans.into_iter().find(|plan| plan.name.as_str() == name))
    }

    /// The credentials that a plan may use: the organization's main one, and those switched on if the plan's switch is on.
    #[instrument(name = "store.plans.pool", skip_all, fields(plan = %plan))]
    pub async fn pool_of(&self, plan: PlanId) -> Result<Vec<CredentialId>, Error> {
        let mut tx = self.begin().await?;
        let ids = sqlx::query_scalar!(
            r#"
            SELECT c.id
            FROM plans p
            JOIN credentials c
                ON c.tenant_id = p.tenant_id
                AND c.organization_id = p.organization_id
                AND c.removed_at IS NULL
            LEFT JOIN plan_credentials u
                ON u.tenant_id = p.tenant_id AND u.plan_id = p.id AND u.credential_id = c.id
            WHERE p.tenant_id = $1
                AND p.id = $2
                AND (c.role = 'main' OR (p.additional_credentials AND u.plan_id IS NOT NULL))
            ORDER BY c.role <> 'main', c.name
            "#,
            self.tenant.0,
            plan.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(ids.into_iter().map(CredentialId).collect())
    }

    pub(crate) async fn plan_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: PlanId,
    ) -> Result<Plan, Error> {
        let plans = self.plans_in(tx, Some(id)).await?;
        let found = plans.into_iter().next();
        found.ok_or(Error::Missing { what: "plan" })
    }

    /// A plan as the audit log keeps it.
    pub(super) async fn described(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        plan: &Plan,
    ) -> Result<Value, Error> {
        let ids: Vec<_> = plan.use_credentials.iter().map(|id| id.0).collect();
        let uses = sqlx::query_scalar!(
            "SELECT name FROM credentials WHERE tenant_id = $1 AND id = ANY($2) ORDER BY name",
            self.tenant.0,
            &ids,
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(json!({
            "name": plan.name,
            "organization": plan.organization_name,
            "selection": plan.selection,
            "content": plan.content,
            "storage": plan.storage_name,
            "schedule": plan.schedule,
            "paused": plan.paused_at.is_some(),
            "retention": plan.retention.to_string(),
            "additional_credentials": plan.additional_credentials,
            "use_credentials": uses,
            "pool_percent": plan.pool_part,
            "weight": plan.weight,
        }))
    }

    pub(crate) async fn plans_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        only: Option<PlanId>,
    ) -> Result<Vec<Plan>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                p.id,
                p.name,
                p.organization_id,
                o.name AS organization_name,
                p.storage_id,
                s.name AS storage_name,
                p.selection,
                p.content,
                p.schedule,
                p.next_due_at,
                p.paused_at,
                p.retention,
                p.additional_credentials,
                p.created_at,
                p.version,
                p.edited_by,
                p.edited_at,
                p.pool_percent,
                p.weight,
                ARRAY(
                    SELECT u.credential_id
                    FROM plan_credentials u
                    WHERE u.tenant_id = p.tenant_id AND u.plan_id = p.id
                    ORDER BY u.credential_id
                ) AS "use_credentials!: Vec<uuid::Uuid>"
            FROM plans p
            JOIN organizations o ON o.tenant_id = p.tenant_id AND o.id = p.organization_id
            JOIN storages s ON s.tenant_id = p.tenant_id AND s.id = p.storage_id
            WHERE p.tenant_id = $1 AND p.removed_at IS NULL AND ($2::uuid IS NULL OR p.id = $2)
            ORDER BY p.name
            "#,
            self.tenant.0,
            only.map(|id| id.0),
        )
        .fetch_all(&mut **tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Plan {
                    id: PlanId(row.id),
                    name: decode::text("a plan's name", &row.name)?,
                    organization: OrganizationId(row.organization_id),
                    organization_name: decode::text(
                        "an organization's name",
                        &row.organization_name,
                    )?,
                    selection: decode::json("a selection", row.selection)?,
                    content: decode::json("a plan's content", row.content)?,
                    storage: StorageId(row.storage_id),
                    storage_name: decode::text("a storage's name", &row.storage_name)?,
                    schedule: row
                        .schedule
                        .map(|schedule| decode::json("a schedule", schedule))
                        .transpose()?,
                    next_due_at: row.next_due_at,
                    paused_at: row.paused_at,
                    retention: decode::json("a retention rule", row.retention)?,
                    additional_credentials: row.additional_credentials,
                    use_credentials: row.use_credentials.into_iter().map(CredentialId).collect(),
                    pool_part: decode::pool_part(row.pool_percent)?,
                    weight: decode::weight(row.weight)?,
                    created_at: row.created_at,
                    version: row.version,
                    edited: row.edited_by.zip(row.edited_at),
                })
            })
            .collect()
    }
}
