//! Fetches as people see them: one repository's part of a run each.

use chrono::{DateTime, Utc};
use domain::{
    FetchId, FetchState, Name, Omission, RepositoryId, RepositoryName, RunId, SnapshotId,
};
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::{Error, Scoped, decode};

mod page;

pub use page::{FetchFilter, FetchPage, FetchPlace, by_urgency};

/// What a run does about a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewFetch {
    /// The repository.
    pub repository: RepositoryId,
    /// What is to be done.
    pub kind: FetchKind,
    /// What that is going to take, if it can be told.
    pub size: Option<FetchSize>,
}

/// What a fetch is going to take, in requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchSize {
    /// As the counts of the host's list suggest.
    pub pages: u64,
    /// As earlier fetches have taught.
    pub expected: u64,
}

/// How much of a repository is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchKind {
    /// Nothing: the plan's newest snapshot still is its state.
    Unchanged,
    /// What changed.
    Changed,
    /// Everything.
    Sweep,
}

/// One repository's part of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct FetchView {
    /// Its id.
    pub id: FetchId,
    /// The repository.
    pub repository_id: RepositoryId,
    /// The repository's full name today.
    pub repository: RepositoryName,
    /// Where it stands.
    pub state: FetchState,
    /// What its worker last said of it.
    pub progress: Value,
    /// The credentials that it has used.
    pub credentials: Vec<Name>,
    /// Why it failed or waits.
    pub cause: Option<String>,
    /// What its snapshot lacks.
    pub omissions: Vec<Omission>,
    /// The snapshot that holds the repository's state, by the storage's id.
    pub snapshot: Option<String>,
    /// The same by its own id.
    pub snapshot_id: Option<SnapshotId>,
    /// Bytes that it added to the storage.
    pub bytes_added: u64,
    /// When it can go on, if it waits for quota.
    pub throttled_until: Option<DateTime<Utc>>,
    /// When work on it first began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Scoped {
    /// A run's fetches, by the repository's name.
    #[instrument(name = "store.fetches.list", skip_all, fields(run = %run))]
    pub async fn fetches(&self, run: RunId) -> Result<Vec<FetchView>, Error> {
        let mut tx = self.begin().await?;
        let fetches = self.fetches_in(&mut tx, &[run], false).await?;
        tx.commit().await?;
        Ok(fetches.into_iter().map(|(_, fetch)| fetch).collect())
    }

    /// The fetches of some runs, all or only those that a worker holds.
    pub(crate) async fn fetches_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        runs: &[RunId],
        only_running: bool,
    ) -> Result<Vec<(RunId, FetchView)>, Error> {
        let runs: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
        let ids: Vec<Uuid> = sqlx::query_scalar!(
            r#"
            SELECT id
            FROM fetches
            WHERE tenant_id = $1 AND run_id = ANY($2) AND (NOT $3 OR state = 'running')
            "#,
            self.tenant.0,
            &runs,
            only_running,
        )
        .fetch_all(&mut **tx)
        .await?;
        self.read_fetches(tx, &ids).await
    }

    /// Some fetches.
    async fn fetches_by_id(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        ids: &[Uuid],
    ) -> Result<Vec<FetchView>, Error> {
        let fetches = self.read_fetches(tx, ids).await?;
        Ok(fetches.into_iter().map(|(_, fetch)| fetch).collect())
    }

    async fn read_fetches(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        ids: &[Uuid],
    ) -> Result<Vec<(RunId, FetchView)>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                f.id,
                f.run_id,
                f.repository_id,
                r.name AS repository,
                f.state,
                f.progress,
                f.cause,
                f.omissions,
                f.snapshot_id,
                s.restic_id AS "restic_id?",
                f.bytes_added,
                f.not_before,
                f.started_at,
                f.ended_at,
                ARRAY(
                    SELECT DISTINCT c.name
                    FROM usages u
                    JOIN credentials c ON c.tenant_id = u.tenant_id AND c.id = u.credential_id
                    WHERE u.tenant_id = f.tenant_id
                        AND u.run_id = f.run_id
                        AND u.fetch_id = f.id
                        AND u.request_count > 0
                    ORDER BY c.name
                ) AS "credentials!: Vec<String>"
            FROM fetches f
            JOIN repositories r ON r.tenant_id = f.tenant_id AND r.id = f.repository_id
            LEFT JOIN snapshots s ON s.tenant_id = f.tenant_id AND s.id = f.snapshot_id
            WHERE f.tenant_id = $1 AND f.id = ANY($2)
            ORDER BY r.name, f.id
            "#,
            self.tenant.0,
            ids,
        )
        .fetch_all(&mut **tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                let state = decode::fetch_state(&row.state)?;
                let view = FetchView {
                    id: FetchId(row.id),
                    repository: decode::text("a repository's name", &row.repository)?,
                    state,
                    progress: row.progress,
                    credentials: row
                        .credentials
                        .iter()
                        .map(|name| decode::text("a credential's name", name))
                        .collect::<Result<_, _>>()?,
                    cause: row.cause,
                    omissions: decode::json("a list of omissions", row.omissions)?,
                    repository_id: RepositoryId(row.repository_id),
                    snapshot: row.restic_id,
                    snapshot_id: row.snapshot_id.map(SnapshotId),
                    bytes_added: decode::count(row.bytes_added),
                    throttled_until: row.not_before.filter(|_| state == FetchState::Throttled),
                    started_at: row.started_at,
                    ended_at: row.ended_at,
                };
                Ok((RunId(row.run_id), view))
            })
            .collect()
    }
}
