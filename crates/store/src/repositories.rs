//! Repositories, as a host last listed them.

use domain::selection::Traits;
use domain::{OrganizationId, RepositoryId, RepositoryName, TenantId};
use serde_json::Value;
use tracing::instrument;
use uuid::Uuid;

use crate::{Error, Fleet, Scoped, decode};

/// A repository in an organization's list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedRepository {
    /// Its number on the host.
    pub forge_id: i64,
    /// Its full name today.
    pub name: RepositoryName,
    /// What the list says of it.
    pub listing: Value,
}

/// A repository as the host last listed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRepository {
    /// Its id.
    pub id: RepositoryId,
    /// What a plan's selection looks at.
    pub traits: Traits,
}

impl Scoped {
    /// The repositories of an organization that its host lists, by name, with what selections look at.
    #[instrument(name = "store.repositories.known", skip_all, fields(organization = %organization))]
    pub async fn known_repositories(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<KnownRepository>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT
                id,
                name,
                coalesce(listing -> 'topics', '[]') AS "topics!",
                coalesce(listing -> 'archived' = 'true', false) AS "archived!",
                coalesce(listing -> 'fork' = 'true', false) AS "fork!",
                coalesce(listing -> 'private' = 'true', false) AS "private!"
            FROM repositories
            WHERE tenant_id = $1
                AND organization_id = $2
                AND gone_at IS NULL
                AND listing <> 'null'
            ORDER BY lower(name)
            "#,
            self.tenant.0,
            organization.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(KnownRepository {
                    id: RepositoryId(row.id),
                    traits: Traits {
                        name: decode::text("a repository's name", &row.name)?,
                        topics: decode::json("a list of topics", row.topics)?,
                        archived: row.archived,
                        fork: row.fork,
                        private: row.private,
                    },
                })
            })
            .collect()
    }
}

impl Fleet {
    /// Stores what a host listed and answers the ids in the same order. One that had gone is back.
    #[instrument(name = "store.repositories.upsert", skip_all, fields(organization = %organization))]
    pub async fn upsert_repositories(
        &self,
        tenant: TenantId,
        organization: OrganizationId,
        listed: &[ListedRepository],
    ) -> Result<Vec<RepositoryId>, Error> {
        let fresh: Vec<Uuid> = listed.iter().map(|_| RepositoryId::new().0).collect();
        let forge_ids: Vec<i64> = listed.iter().map(|one| one.forge_id).collect();
        let names: Vec<String> = listed.iter().map(|one| one.name.to_string()).collect();
        let listings: Vec<Value> = listed.iter().map(|one| one.listing.clone()).collect();
        let mut tx = self.db.tenant(tenant).begin().await?;
        // One statement meets each row once: of two entries for one repository, as a list that moves while it is read may hold, the last counts.
        sqlx::query!(
            r#"
            INSERT INTO repositories (
                tenant_id, id, organization_id, forge_id, name, listing, first_seen_at, last_seen_at
            )
            SELECT DISTINCT ON (n.forge_id) $1::uuid, n.id, $2::uuid, n.forge_id, n.name, n.listing, $7::timestamptz, $7
            FROM unnest($3::uuid[], $4::bigint[], $5::text[], $6::jsonb[])
                WITH ORDINALITY AS n (id, forge_id, name, listing, position)
            ORDER BY n.forge_id, n.position DESC
            ON CONFLICT (tenant_id, organization_id, forge_id) DO UPDATE
            SET
                name = EXCLUDED.name,
                listing = EXCLUDED.listing,
                last_seen_at = EXCLUDED.last_seen_at,
                gone_at = NULL
            "#,
            tenant.0,
            organization.0,
            &fresh,
            &forge_ids,
            &names,
            &listings,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        let ids = sqlx::query_scalar!(
            r#"
            SELECT r.id
            FROM unnest($3::bigint[]) WITH ORDINALITY AS n (forge_id, position)
            JOIN repositories r
                ON r.tenant_id = $1 AND r.organization_id = $2 AND r.forge_id = n.forge_id
            ORDER BY n.position
            "#,
            tenant.0,
            organization.0,
            &forge_ids,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(ids.into_iter().map(RepositoryId).collect())
    }

    /// Marks the repositories that a whole listing did not name as gone, and answers how many. Their snapshots stay.
    #[instrument(name = "store.repositories.mark_gone", skip_all, fields(organization = %organization))]
    pub async fn mark_gone(
        &self,
        tenant: TenantId,
        organization: OrganizationId,
        listed_forge_ids: &[i64],
    ) -> Result<u64, Error> {
        let mut tx = self.db.tenant(tenant).begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE repositories
            SET gone_at = $4
            WHERE tenant_id = $1
                AND organization_id = $2
                AND gone_at IS NULL
                AND forge_id <> ALL($3)
            "#,
            tenant.0,
            organization.0,
            listed_forge_ids,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(result.rows_affected())
    }
}
