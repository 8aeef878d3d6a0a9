//! The credentials of a tenant's pool, and which plans may use them.

use domain::{CredentialId, OrganizationId, PlanId, Slot};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::PoolCredential;
use crate::credentials::{health, installed_title};
use crate::{Error, Scoped, decode};

impl Scoped {
    pub(super) async fn pool_credentials(
        &self,
        organization: Option<OrganizationId>,
    ) -> Result<Vec<PoolCredential>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT
                c.id,
                c.name,
                c.login,
                c.role,
                c.kind,
                c.organization_id,
                o.name AS organization_name,
                o.host_kind,
                o.host_url,
                c.bucket,
                c.reserve_percent,
                c.health,
                c.health_reason,
                c.secret_id IS NULL AS "is_installed!",
                a.slot AS "slot?",
                c.role = 'main' OR EXISTS (
                    SELECT
                    FROM plan_credentials u
                    JOIN plans p ON p.tenant_id = u.tenant_id AND p.id = u.plan_id
                    WHERE u.tenant_id = c.tenant_id
                        AND u.credential_id = c.id
                        AND p.additional_credentials
                        AND p.removed_at IS NULL
                ) AS "is_used!"
            FROM credentials c
            JOIN organizations o ON o.tenant_id = c.tenant_id AND o.id = c.organization_id
            LEFT JOIN applications a ON a.id = c.application_id
            WHERE c.tenant_id = $1
                AND ($2::uuid IS NULL OR c.organization_id = $2)
                AND c.removed_at IS NULL
            ORDER BY c.role <> 'main', c.name, c.id
            "#,
            self.tenant.0,
            organization.map(|id| id.0),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                let slot = row.slot.filter(|_| row.is_installed);
                let title = match slot {
                    Some(slot) => {
                        let slot: Slot = decode::text("an application's slot", &slot)?;
                        installed_title(slot, &row.login)
                    }
                    None => row.name,
                };
                Ok(PoolCredential {
                    id: CredentialId(row.id),
                    title,
                    login: row.login,
                    role: decode::word("a role", &row.role)?,
                    kind: decode::word("a kind of credential", &row.kind)?,
                    organization: OrganizationId(row.organization_id),
                    organization_name: decode::text(
                        "an organization's name",
                        &row.organization_name,
                    )?,
                    host: decode::host(&row.host_kind, &row.host_url)?,
                    key: decode::text("a bucket", &row.bucket)?,
                    reserve_percent: u8::try_from(row.reserve_percent).unwrap_or(100),
                    health: health(&row.health, row.health_reason)?,
                    is_used: row.is_used,
                })
            })
            .collect()
    }

    /// Which credentials some plans may use.
    pub(super) async fn pools_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        plans: &[Uuid],
    ) -> Result<Vec<(PlanId, CredentialId)>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT p.id AS plan_id, c.id AS credential_id
            FROM plans p
            JOIN credentials c
                ON c.tenant_id = p.tenant_id
                AND c.organization_id = p.organization_id
                AND c.removed_at IS NULL
            LEFT JOIN plan_credentials u
                ON u.tenant_id = p.tenant_id AND u.plan_id = p.id AND u.credential_id = c.id
            WHERE p.tenant_id = $1
                AND p.id = ANY($2)
                AND (c.role = 'main' OR (p.additional_credentials AND u.plan_id IS NOT NULL))
            ORDER BY p.id, c.role <> 'main', c.name
            "#,
            self.tenant.0,
            plans,
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (PlanId(row.plan_id), CredentialId(row.credential_id)))
            .collect())
    }
}
