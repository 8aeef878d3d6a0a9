//! What a plan's last successful fetch of each repository left behind.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{Kind, Omission, PlanId, RepositoryId, TenantId};
use serde_json::Value;
use tracing::instrument;

use crate::{Error, Fleet, decode};

/// What a plan's last successful fetch of a repository left behind; its snapshot still exists in the plan's storage.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanState {
    /// The repository.
    pub repository: RepositoryId,
    /// Its number on the host.
    pub forge_id: i64,
    /// The marks of the list at that time.
    pub marks: Value,
    /// The snapshot, by the storage's id.
    pub snapshot: String,
    /// What that snapshot lacks.
    pub omissions: Vec<Omission>,
    /// When everything was last read.
    pub swept_at: Option<DateTime<Utc>>,
    /// Digest of the wiki's refs, if there was a wiki.
    pub wiki: Option<String>,
    /// Whether the host has told of a push since.
    pub is_pushed_to: bool,
    /// The kinds that were asked for.
    pub kinds: BTreeSet<Kind>,
}

impl Fleet {
    /// What is known of a plan's repositories. One whose snapshot was forgotten, or lies in a storage that the plan does
    /// not use any more, is not among them.
    #[instrument(name = "store.plan_states.list", skip_all, fields(plan = %plan))]
    pub async fn plan_states(
        &self,
        tenant: TenantId,
        plan: PlanId,
    ) -> Result<Vec<PlanState>, Error> {
        let mut tx = self.db.tenant(tenant).begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT
                t.repository_id,
                r.forge_id,
                t.marks,
                s.restic_id,
                s.omissions,
                t.swept_at,
                t.wiki,
                t.kinds,
                coalesce(r.changed_at > t.fetched_at, false) AS "is_pushed_to!"
            FROM plan_states t
            JOIN plans p ON p.tenant_id = t.tenant_id AND p.id = t.plan_id
            JOIN repositories r ON r.tenant_id = t.tenant_id AND r.id = t.repository_id
            JOIN snapshots s
                ON s.tenant_id = t.tenant_id
                AND s.id = t.snapshot_id
                AND s.storage_id = p.storage_id
                AND s.forgotten_at IS NULL
            WHERE t.tenant_id = $1 AND t.plan_id = $2
            ORDER BY t.repository_id
            "#,
            tenant.0,
            plan.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(PlanState {
                    repository: RepositoryId(row.repository_id),
                    forge_id: row.forge_id,
                    marks: row.marks,
                    snapshot: row.restic_id,
                    omissions: decode::json("a list of omissions", row.omissions)?,
                    swept_at: row.swept_at,
                    wiki: row.wiki,
                    is_pushed_to: row.is_pushed_to,
                    kinds: decode::json("a list of kinds", row.kinds)?,
                })
            })
            .collect()
    }
}
