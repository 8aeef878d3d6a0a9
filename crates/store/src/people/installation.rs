//! What the service operator sees of the tenants: that they exist, and whether somebody can let people in.

use chrono::{DateTime, Utc};
use domain::{Email, Name, TenantId};
use tracing::instrument;

use super::People;
use crate::{Error, decode};

/// A tenant, without anything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantOverview {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub name: Name,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// How many members it has.
    pub members: u64,
    /// Whether one of them is an owner.
    pub has_owner: bool,
    /// Who is invited to become its first owner.
    pub invited: Option<Email>,
}

impl People {
    /// All tenants, by name.
    #[instrument(name = "store.tenants.overview", skip_all)]
    pub async fn tenants(&self) -> Result<Vec<TenantOverview>, Error> {
        sqlx::query!(
            r#"
            SELECT
                t.id,
                t.name,
                t.created_at,
                m.members AS "members!",
                m.has_owner AS "has_owner!",
                (
                    SELECT i.email FROM invitations i
                    WHERE i.tenant_id = t.id AND i.role = 'owner' AND i.accepted_at IS NULL
                        AND i.revoked_at IS NULL AND i.expires_at > $1 AND NOT m.has_owner
                    ORDER BY i.created_at DESC
                    LIMIT 1
                ) AS invited
            FROM tenants t
            CROSS JOIN LATERAL (
                SELECT count(*) AS members, coalesce(bool_or(role = 'owner'), false) AS has_owner
                FROM memberships
                WHERE tenant_id = t.id
            ) AS m
            ORDER BY t.name
            "#,
            self.db.clock.now(),
        )
        .fetch_all(&self.db.pool)
        .await?
        .into_iter()
        .map(|row| {
            Ok(TenantOverview {
                id: TenantId(row.id),
                name: decode::text("a tenant's name", &row.name)?,
                created_at: row.created_at,
                members: decode::count(row.members),
                has_owner: row.has_owner,
                invited: row
                    .invited
                    .map(|email| decode::text("an e-mail address", &email))
                    .transpose()?,
            })
        })
        .collect()
    }
}
