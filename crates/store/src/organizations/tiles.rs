//! What the first page shows of each organization, in a fixed number of queries however many there are.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{
    BucketKey, CredentialId, CredentialKind, ForgeKind, Health, Host, Name, OrganizationId, PlanId,
    Role, RunId, RunState, Slot,
};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::credentials::health;
use crate::{Error, Scoped, decode};

/// An organization at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: Name,
    /// The host.
    pub host: Host,
    /// Repositories that the host listed last.
    pub repositories: u64,
    /// Those of them that a plan has a snapshot of.
    pub protected: u64,
    /// Its credentials, the main one first.
    pub credentials: Vec<TileCredential>,
    /// Its plans, by name.
    pub plans: Vec<TilePlan>,
}

/// A credential on a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileCredential {
    /// Its id.
    pub id: CredentialId,
    /// What a person knows it by.
    pub title: String,
    /// How it came to the organization.
    pub role: Role,
    /// What kind of thing it is.
    pub kind: CredentialKind,
    /// Whether it may be used.
    pub health: Health,
    /// Whom the host charges.
    pub bucket: BucketKey,
    /// When it expires.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether a plan uses it.
    pub is_used: bool,
}

/// A plan on a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TilePlan {
    /// Its id.
    pub id: PlanId,
    /// Its name.
    pub name: Name,
    /// When it runs next.
    pub next_due_at: Option<DateTime<Utc>>,
    /// Its newest run.
    pub last_run: Option<TileRun>,
}

/// A plan's newest run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileRun {
    /// Its id.
    pub id: RunId,
    /// Where it stands.
    pub state: RunState,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it goes on, if it waits.
    pub not_before: Option<DateTime<Utc>>,
}

impl Scoped {
    /// Organizations on a vendor's hosts by name, from behind `after` on, at most `limit`.
    #[instrument(name = "store.organizations.tiles", skip_all)]
    pub async fn tiles(
        &self,
        forge: ForgeKind,
        after: Option<&Name>,
        limit: i64,
    ) -> Result<Vec<Tile>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT
                o.id,
                o.name,
                o.host_kind,
                o.host_url,
                r.total AS "total!",
                r.protected AS "protected!"
            FROM organizations o
            CROSS JOIN LATERAL (
                SELECT
                    count(*) AS total,
                    count(*) FILTER (WHERE r.is_protected) AS protected
                FROM repositories r
                WHERE r.tenant_id = o.tenant_id
                    AND r.organization_id = o.id
                    AND r.gone_at IS NULL
            ) r
            WHERE o.tenant_id = $1
                AND o.removed_at IS NULL
                AND o.host_kind = $4
                AND ($2::text IS NULL OR o.name > $2)
            ORDER BY o.name
            LIMIT $3
            "#,
            self.tenant.0,
            after.map(Name::as_str),
            limit,
            forge.as_str(),
        )
        .fetch_all(&mut *tx)
        .await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut credentials = self.tile_credentials(&mut tx, &ids).await?;
        let mut plans = self.tile_plans(&mut tx, &ids).await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(Tile {
                    id: OrganizationId(row.id),
                    name: decode::text("an organization's name", &row.name)?,
                    host: decode::host(&row.host_kind, &row.host_url)?,
                    repositories: decode::count(row.total),
                    protected: decode::count(row.protected),
                    credentials: credentials.remove(&row.id).unwrap_or_default(),
                    plans: plans.remove(&row.id).unwrap_or_default(),
                })
            })
            .collect()
    }

    async fn tile_credentials(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        organizations: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<TileCredential>>, Error> {
        let rows = sqlx::query!(
            r#"
            WITH live AS MATERIALIZED (
                SELECT id, organization_id, additional_credentials
                FROM plans
                WHERE tenant_id = $1 AND organization_id = ANY($2) AND removed_at IS NULL
            )
            SELECT
                c.organization_id,
                c.id,
                c.name,
                c.role,
                c.kind,
                c.login,
                a.slot AS "slot?",
                c.health,
                c.health_reason,
                c.bucket,
                c.expires_at,
                CASE c.role
                    WHEN 'main' THEN c.organization_id IN (SELECT p.organization_id FROM live p)
                    ELSE c.id IN (
                        SELECT u.credential_id
                        FROM live p
                        JOIN plan_credentials u ON u.tenant_id = $1 AND u.plan_id = p.id
                        WHERE p.additional_credentials
                    )
                END AS "is_used!"
            FROM credentials c
            LEFT JOIN applications a ON a.id = c.application_id AND c.kind = 'app_installation'
            WHERE c.tenant_id = $1 AND c.organization_id = ANY($2) AND c.removed_at IS NULL
            ORDER BY c.role <> 'main', c.name
            "#,
            self.tenant.0,
            organizations,
        )
        .fetch_all(&mut **tx)
        .await?;
        let mut all: BTreeMap<Uuid, Vec<TileCredential>> = BTreeMap::new();
        for row in rows {
            all.entry(row.organization_id)
                .or_default()
                .push(TileCredential {
                    id: CredentialId(row.id),
                    title: title(row.slot.as_deref(), &row.login, row.name)?,
                    role: decode::word("a role", &row.role)?,
                    kind: decode::word("a kind of credential", &row.kind)?,
                    health: health(&row.health, row.health_reason)?,
                    bucket: decode::text("a bucket", &row.bucket)?,
                    expires_at: row.expires_at,
                    is_used: row.is_used,
                });
        }
        Ok(all)
    }

    async fn tile_plans(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        organizations: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<TilePlan>>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                p.organization_id,
                p.id,
                p.name,
                p.next_due_at,
                r.id AS "run_id?",
                r.state AS "state?",
                r.requested_at AS "requested_at?",
                r.ended_at,
                r.not_before
            FROM plans p
            LEFT JOIN LATERAL (
                SELECT r.id, r.state, r.requested_at, r.ended_at, r.not_before
                FROM runs r
                WHERE r.tenant_id = p.tenant_id AND r.plan_id = p.id
                ORDER BY r.requested_at DESC
                LIMIT 1
            ) r ON true
            WHERE p.tenant_id = $1 AND p.organization_id = ANY($2) AND p.removed_at IS NULL
            ORDER BY p.name
            "#,
            self.tenant.0,
            organizations,
        )
        .fetch_all(&mut **tx)
        .await?;
        let mut all: BTreeMap<Uuid, Vec<TilePlan>> = BTreeMap::new();
        for row in rows {
            let last_run = match (row.run_id, row.state, row.requested_at) {
                (Some(id), Some(state), Some(requested_at)) => Some(TileRun {
                    id: RunId(id),
                    state: decode::run_state(&state)?,
                    requested_at,
                    ended_at: row.ended_at,
                    not_before: row.not_before,
                }),
                _ => None,
            };
            all.entry(row.organization_id).or_default().push(TilePlan {
                id: PlanId(row.id),
                name: decode::text("a plan's name", &row.name)?,
                next_due_at: row.next_due_at,
                last_run,
            });
        }
        Ok(all)
    }
}

/// The same words as [`crate::Credential::title`].
fn title(slot: Option<&str>, login: &str, name: String) -> Result<String, Error> {
    let Some(slot) = slot else { return Ok(name) };
    let slot: Slot = decode::text("an application's slot", slot)?;
    Ok(format!("{} on {login}", slot.label()))
}
