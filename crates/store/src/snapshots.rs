//! Snapshots: which states of which repositories lie in which storage.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::retention::Candidate;
use domain::{
    Kind, Name, Omission, OrganizationId, PlanId, RepositoryId, RepositoryName, RunId, SnapshotId,
    StorageId,
};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};
use tracing::instrument;
use uuid::Uuid;

use crate::error::found;
use crate::{Error, Scoped, decode};

mod page;

pub use page::{SnapshotPage, SnapshotPlace, SnapshotQuery, SnapshotRow};

/// Which snapshots to list. Nothing set: all of the tenant's.
#[derive(Debug, Clone, Default)]
pub struct SnapshotFilter {
    /// Of this plan.
    pub plan: Option<PlanId>,
    /// Of this organization.
    pub organization: Option<OrganizationId>,
    /// In this storage.
    pub storage: Option<StorageId>,
    /// Of the repository of this full name, whatever its case.
    pub repository: Option<RepositoryName>,
    /// Made, or found to be still true, by this run.
    pub run: Option<RunId>,
}

/// One repository's state at one time, in a storage.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Its id in the database.
    pub key: SnapshotId,
    /// Short form of [`Snapshot::restic_id`], for people.
    pub id: String,
    /// Its id in the storage: 64 hexadecimal digits.
    pub restic_id: String,
    /// The repository.
    pub repository: RepositoryId,
    /// Its number on the host.
    pub forge_id: i64,
    /// Its full name today.
    pub repository_name: RepositoryName,
    /// Whether the host does not list the repository any more.
    pub repository_gone: bool,
    /// The organization.
    pub organization: OrganizationId,
    /// The organization's name.
    pub organization_name: Name,
    /// The plan that it was made for.
    pub plan: PlanId,
    /// The plan's name.
    pub plan_name: Name,
    /// The storage that holds it.
    pub storage: StorageId,
    /// The storage's name.
    pub storage_name: Name,
    /// The run that made it.
    pub run: RunId,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// What it would take to restore, in bytes.
    pub bytes: u64,
    /// Bytes that it added to the storage.
    pub bytes_added: u64,
    /// How many of each kind it holds.
    pub counts: BTreeMap<Kind, u64>,
    /// What it lacks.
    pub omissions: Vec<Omission>,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// When it was last found to be sound.
    pub verified_at: Option<DateTime<Utc>>,
}

/// Digits of a snapshot's short id.
const SHORT: usize = 8;

/// The fewest digits by which a snapshot may be named.
const SHORTEST: usize = 4;

#[derive(FromRow)]
struct Row {
    id: Uuid,
    restic_id: String,
    repository_id: Uuid,
    forge_id: i64,
    repository_name: String,
    repository_gone: bool,
    organization_id: Uuid,
    organization_name: String,
    plan_id: Uuid,
    plan_name: String,
    storage_id: Uuid,
    storage_name: String,
    run_id: Uuid,
    taken_at: DateTime<Utc>,
    bytes_total: i64,
    bytes_added: i64,
    counts: Value,
    omissions: Value,
    manifest_sha256: String,
    verified_at: Option<DateTime<Utc>>,
}

impl Scoped {
    /// When a plan's snapshots in its storage were taken, each repository by itself: what its rule for keeping them is about.
    /// Repositories that the host does not list any more are left out, because nothing of them is ever dropped.
    #[instrument(name = "store.snapshots.shelves", skip_all, fields(plan = %plan))]
    pub async fn plan_shelves(&self, plan: PlanId) -> Result<Vec<Vec<Candidate<()>>>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT s.storage_id, s.repository_id, s.taken_at, s.omissions = '[]' AS "whole!"
            FROM snapshots s
            JOIN repositories r ON r.tenant_id = s.tenant_id AND r.id = s.repository_id
            WHERE s.tenant_id = $1
                AND s.plan_id = $2
                AND s.forgotten_at IS NULL
                AND r.gone_at IS NULL
            "#,
            self.tenant.0,
            plan.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let mut shelves: BTreeMap<(Uuid, Uuid), Vec<Candidate<()>>> = BTreeMap::new();
        for row in rows {
            shelves
                .entry((row.storage_id, row.repository_id))
                .or_default()
                .push(Candidate {
                    snapshot: (),
                    taken_at: row.taken_at,
                    whole: row.whole,
                });
        }
        Ok(shelves.into_values().collect())
    }

    /// Snapshots that are kept, by repository, the newest first.
    #[instrument(name = "store.snapshots.list", skip_all)]
    pub async fn snapshots(&self, filter: &SnapshotFilter) -> Result<Vec<Snapshot>, Error> {
        self.select_snapshots(filter, None, None).await
    }

    /// The snapshots whose id begins with `prefix`: people name one by its first digits, and must name it exactly.
    #[instrument(name = "store.snapshots.find", skip_all)]
    pub async fn snapshots_by_prefix(&self, prefix: &str) -> Result<Vec<Snapshot>, Error> {
        let prefix = prefix.to_ascii_lowercase();
        if prefix.len() < SHORTEST || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        self.select_snapshots(&SnapshotFilter::default(), Some(&prefix), None)
            .await
    }

    async fn select_snapshots(
        &self,
        filter: &SnapshotFilter,
        prefix: Option<&str>,
        only: Option<SnapshotId>,
    ) -> Result<Vec<Snapshot>, Error> {
        // Only what narrows stands in the query, so that each one finds its index.
        let mut query = QueryBuilder::<Postgres>::new(
            "SELECT s.id, s.restic_id, s.repository_id, r.forge_id, r.name AS repository_name, \
             r.gone_at IS NOT NULL AS repository_gone, s.organization_id, o.name AS organization_name, s.plan_id, \
             p.name AS plan_name, s.storage_id, g.name AS storage_name, s.run_id, s.taken_at, s.bytes_total, \
             s.bytes_added, s.counts, s.omissions, s.manifest_sha256, s.verified_at \
             FROM snapshots s \
             JOIN repositories r ON r.tenant_id = s.tenant_id AND r.id = s.repository_id \
             JOIN organizations o ON o.tenant_id = s.tenant_id AND o.id = s.organization_id \
             JOIN plans p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id \
             JOIN storages g ON g.tenant_id = s.tenant_id AND g.id = s.storage_id \
             WHERE s.forgotten_at IS NULL AND s.tenant_id = ",
        );
        query.push_bind(self.tenant.0);
        for (condition, id) in [
            (" AND s.plan_id = ", filter.plan.map(|id| id.0)),
            (
                " AND s.organization_id = ",
                filter.organization.map(|id| id.0),
            ),
            (" AND s.storage_id = ", filter.storage.map(|id| id.0)),
            (" AND s.id = ", only.map(|id| id.0)),
        ] {
            if let Some(id) = id {
                query.push(condition).push_bind(id);
            }
        }
        if let Some(name) = &filter.repository {
            query
                .push(" AND lower(r.name) = lower(")
                .push_bind(name.to_string())
                .push(")");
        }
        if let Some(run) = filter.run {
            query
                .push(
                    " AND s.id IN (SELECT f.snapshot_id FROM fetches f WHERE f.tenant_id = s.tenant_id AND f.run_id = ",
                )
                .push_bind(run.0)
                .push(")");
        }
        if let Some(prefix) = prefix {
            query
                .push(" AND s.restic_id LIKE ")
                .push_bind(format!("{prefix}%"));
        }
        query.push(" ORDER BY r.name, r.id, s.taken_at DESC, s.restic_id");
        let mut tx = self.begin().await?;
        let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *tx).await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(Snapshot {
                    key: SnapshotId(row.id),
                    id: row.restic_id.chars().take(SHORT).collect(),
                    restic_id: row.restic_id,
                    repository: RepositoryId(row.repository_id),
                    forge_id: row.forge_id,
                    repository_name: decode::text("a repository's name", &row.repository_name)?,
                    repository_gone: row.repository_gone,
                    organization: OrganizationId(row.organization_id),
                    organization_name: decode::text(
                        "an organization's name",
                        &row.organization_name,
                    )?,
                    plan: PlanId(row.plan_id),
                    plan_name: decode::text("a plan's name", &row.plan_name)?,
                    storage: StorageId(row.storage_id),
                    storage_name: decode::text("a storage's name", &row.storage_name)?,
                    run: RunId(row.run_id),
                    taken_at: row.taken_at,
                    bytes: decode::count(row.bytes_total),
                    bytes_added: decode::count(row.bytes_added),
                    counts: decode::json("the counts of a snapshot", row.counts)?,
                    omissions: decode::json("a list of omissions", row.omissions)?,
                    manifest_sha256: row.manifest_sha256,
                    verified_at: row.verified_at,
                })
            })
            .collect()
    }

    /// Notes that a snapshot was found to be sound just now.
    #[instrument(name = "store.snapshots.set_verified", skip_all)]
    pub async fn set_verified(
        &self,
        organization: OrganizationId,
        storage: StorageId,
        restic_id: &str,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE snapshots
            SET verified_at = $5
            WHERE tenant_id = $1
                AND organization_id = $2
                AND storage_id = $3
                AND restic_id = $4
                AND forgotten_at IS NULL
            "#,
            self.tenant.0,
            organization.0,
            storage.0,
            restic_id,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        found("snapshot", "store.snapshots.set_verified", &result)?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets snapshots that the storage does not hold any more, and answers how many were known. The next run of their
    /// plan takes new ones.
    #[instrument(name = "store.snapshots.forget", skip_all)]
    pub async fn forget(
        &self,
        organization: OrganizationId,
        storage: StorageId,
        restic_ids: &[String],
    ) -> Result<u64, Error> {
        let mut tx = self.begin().await?;
        // Nobody adds a snapshot of these repositories until it is known whether any of theirs is kept.
        let repositories = sqlx::query_scalar!(
            r#"
            SELECT r.id
            FROM repositories r
            WHERE r.tenant_id = $1
                AND r.id IN (
                    SELECT s.repository_id
                    FROM snapshots s
                    WHERE s.tenant_id = $1
                        AND s.organization_id = $2
                        AND s.storage_id = $3
                        AND s.restic_id = ANY($4)
                        AND s.forgotten_at IS NULL
                )
            ORDER BY r.id
            FOR UPDATE
            "#,
            self.tenant.0,
            organization.0,
            storage.0,
            restic_ids,
        )
        .fetch_all(&mut *tx)
        .await?;
        let forgotten: Vec<Uuid> = sqlx::query_scalar!(
            r#"
            UPDATE snapshots
            SET forgotten_at = $5
            WHERE tenant_id = $1
                AND organization_id = $2
                AND storage_id = $3
                AND restic_id = ANY($4)
                AND forgotten_at IS NULL
            RETURNING id
            "#,
            self.tenant.0,
            organization.0,
            storage.0,
            restic_ids,
            self.db.clock.now(),
        )
        .fetch_all(&mut *tx)
        .await?;
        sqlx::query!(
            r#"
            UPDATE repositories r
            SET is_protected = false
            WHERE r.tenant_id = $1
                AND r.id = ANY($2)
                AND NOT EXISTS (
                    SELECT
                    FROM snapshots s
                    WHERE s.tenant_id = r.tenant_id AND s.repository_id = r.id AND s.forgotten_at IS NULL
                )
            "#,
            self.tenant.0,
            &repositories,
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "DELETE FROM plan_states WHERE tenant_id = $1 AND snapshot_id = ANY($2)",
            self.tenant.0,
            &forgotten,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(forgotten.len() as u64)
    }
}
