//! Lists of snapshots: a page at a time, the newest first.

use chrono::{DateTime, Utc};
use domain::{Name, OrganizationId, RepositoryId, RepositoryName, SnapshotId};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};
use tracing::instrument;
use uuid::Uuid;

use super::{SHORT, Snapshot, SnapshotFilter};
use crate::{Error, Scoped, decode};

/// Repositories that a search for a name takes into account.
const NAMED: i64 = 500;

/// Which snapshots are wanted; what is `None` or empty does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotQuery {
    /// Of this organization.
    pub organization: Option<OrganizationId>,
    /// Of this repository.
    pub repository: Option<RepositoryId>,
    /// Of repositories whose full name holds this, whatever its case.
    pub name: String,
    /// Taken before this time.
    pub before: Option<DateTime<Utc>>,
}

/// A place in the list of snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPlace {
    /// When the snapshot was taken.
    pub at: DateTime<Utc>,
    /// The snapshot.
    pub snapshot: SnapshotId,
}

/// A snapshot in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
    /// Its id.
    pub id: SnapshotId,
    /// The beginning of its id in the storage.
    pub short: String,
    /// The repository.
    pub repository: RepositoryId,
    /// The repository's full name today.
    pub repository_name: RepositoryName,
    /// Whether the host does not list the repository any more.
    pub repository_gone: bool,
    /// The organization's name.
    pub organization_name: Name,
    /// The plan's name.
    pub plan_name: Name,
    /// The storage's name.
    pub storage_name: Name,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// What it would take to restore, in bytes.
    pub bytes: u64,
    /// How many things it lacks.
    pub omissions: u64,
    /// When it was last found to be sound.
    pub verified_at: Option<DateTime<Utc>>,
}

impl SnapshotRow {
    /// Its place in the list: what a list of older ones begins after.
    pub fn place(&self) -> SnapshotPlace {
        SnapshotPlace {
            at: self.taken_at,
            snapshot: self.id,
        }
    }
}

/// A page of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotPage {
    /// The newest first.
    pub snapshots: Vec<SnapshotRow>,
    /// Where the next page begins, if there is one.
    pub next: Option<SnapshotPlace>,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    restic_id: String,
    repository_id: Uuid,
    repository_name: String,
    repository_gone: bool,
    organization_name: String,
    plan_name: String,
    storage_name: String,
    taken_at: DateTime<Utc>,
    bytes_total: i64,
    omissions: Value,
    verified_at: Option<DateTime<Utc>>,
}

impl Scoped {
    /// A page of the snapshots that are kept, the newest first.
    #[instrument(name = "store.snapshots.page", level = "debug", skip_all)]
    pub async fn snapshot_page(
        &self,
        wanted: &SnapshotQuery,
        older_than: Option<SnapshotPlace>,
        limit: u32,
    ) -> Result<SnapshotPage, Error> {
        // The page is cut out before anything is joined to it.
        let mut query = QueryBuilder::<Postgres>::new(
            "SELECT s.id, s.restic_id, s.repository_id, r.name AS repository_name, \
             r.gone_at IS NOT NULL AS repository_gone, o.name AS organization_name, p.name AS plan_name, \
             g.name AS storage_name, s.taken_at, s.bytes_total, s.omissions, s.verified_at \
             FROM (SELECT s.tenant_id, s.id, s.restic_id, s.repository_id, s.organization_id, s.plan_id, s.storage_id, \
             s.taken_at, s.bytes_total, s.omissions, s.verified_at FROM snapshots s WHERE s.forgotten_at IS NULL AND s.tenant_id = ",
        );
        query.push_bind(self.tenant.0);
        if let Some(organization) = wanted.organization {
            query
                .push(" AND s.organization_id = ")
                .push_bind(organization.0);
        }
        if let Some(repository) = wanted.repository {
            query
                .push(" AND s.repository_id = ")
                .push_bind(repository.0);
        }
        if !wanted.name.is_empty() {
            query
                .push(
                    " AND s.repository_id = ANY(ARRAY(SELECT n.id FROM repositories n WHERE n.tenant_id = ",
                )
                .push_bind(self.tenant.0)
                .push(" AND strpos(lower(n.name), lower(")
                .push_bind(&wanted.name)
                .push(")) > 0 ORDER BY n.id LIMIT ")
                .push_bind(NAMED)
                .push("))");
        }
        if let Some(before) = wanted.before {
            query.push(" AND s.taken_at < ").push_bind(before);
        }
        if let Some(place) = older_than {
            query
                .push(" AND (s.taken_at, s.id) < (")
                .push_bind(place.at)
                .push(", ")
                .push_bind(place.snapshot.0)
                .push(")");
        }
        query
            .push(" ORDER BY s.taken_at DESC, s.id DESC LIMIT ")
            .push_bind(i64::from(limit) + 1)
            .push(
                ") s \
                 JOIN repositories r ON r.tenant_id = s.tenant_id AND r.id = s.repository_id \
                 JOIN organizations o ON o.tenant_id = s.tenant_id AND o.id = s.organization_id \
                 JOIN plans p ON p.tenant_id = s.tenant_id AND p.id = s.plan_id \
                 JOIN storages g ON g.tenant_id = s.tenant_id AND g.id = s.storage_id \
                 ORDER BY s.taken_at DESC, s.id DESC",
            );
        let mut tx = self.begin().await?;
        let mut rows: Vec<Row> = query.build_query_as().fetch_all(&mut *tx).await?;
        tx.commit().await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let snapshots: Vec<SnapshotRow> =
            rows.into_iter().map(Row::read).collect::<Result<_, _>>()?;
        let next = snapshots.last().filter(|_| more).map(SnapshotRow::place);
        Ok(SnapshotPage { snapshots, next })
    }

    /// One snapshot that is kept.
    #[instrument(name = "store.snapshots.one", level = "debug", skip_all, fields(snapshot = %id))]
    pub async fn snapshot(&self, id: SnapshotId) -> Result<Option<Snapshot>, Error> {
        let one = self
            .select_snapshots(&SnapshotFilter::default(), None, Some(id))
            .await?;
        Ok(one.into_iter().next())
    }
}

impl Row {
    fn read(self) -> Result<SnapshotRow, Error> {
        Ok(SnapshotRow {
            id: SnapshotId(self.id),
            short: self.restic_id.chars().take(SHORT).collect(),
            repository: RepositoryId(self.repository_id),
            repository_name: decode::text("a repository's name", &self.repository_name)?,
            repository_gone: self.repository_gone,
            organization_name: decode::text("an organization's name", &self.organization_name)?,
            plan_name: decode::text("a plan's name", &self.plan_name)?,
            storage_name: decode::text("a storage's name", &self.storage_name)?,
            taken_at: self.taken_at,
            bytes: decode::count(self.bytes_total),
            omissions: self.omissions.as_array().map_or(0, Vec::len) as u64,
            verified_at: self.verified_at,
        })
    }
}

#[cfg(test)]
mod tests;
