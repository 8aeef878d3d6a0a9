//! What a successful fetch leaves behind: the snapshot, and the plan's new state.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{Kind, Omission};
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::ClaimedFetch;
use crate::error::meant;
use crate::{Error, decode};

/// A snapshot, and what is to be remembered with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The snapshot's id in the storage: 64 hexadecimal digits. May be one that is known already.
    pub restic_id: String,
    /// Id of its tree.
    pub tree: String,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// When it was taken.
    pub taken_at: DateTime<Utc>,
    /// What it would take to restore, in bytes.
    pub bytes_total: u64,
    /// Bytes that it added to the storage.
    pub bytes_added: u64,
    /// How many of each kind it holds.
    pub counts: BTreeMap<Kind, u64>,
    /// What it lacks.
    pub omissions: Vec<Omission>,
    /// The marks of the list by which the next run sees whether anything changed.
    pub marks: Value,
    /// Digest of the wiki's refs, if there is a wiki.
    pub wiki: Option<String>,
    /// Whether everything was read.
    pub swept: bool,
    /// The kinds that were asked for.
    pub kinds: BTreeSet<Kind>,
}

/// The snapshot of the plan's last successful fetch.
pub(super) async fn newest(
    tx: &mut Transaction<'static, Postgres>,
    claim: &ClaimedFetch,
) -> Result<Option<Uuid>, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        SELECT snapshot_id
        FROM plan_states
        WHERE tenant_id = $1 AND plan_id = $2 AND repository_id = $3
        "#,
        claim.tenant.0,
        claim.plan.0,
        claim.repository.0,
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Enters a snapshot as what the plan now knows of the repository.
pub(super) async fn put(
    tx: &mut Transaction<'static, Postgres>,
    claim: &ClaimedFetch,
    stored: &Stored,
    now: DateTime<Utc>,
) -> Result<Uuid, Error> {
    let snapshot = insert_snapshot(tx, claim, stored).await?;
    sqlx::query!(
        "UPDATE repositories SET is_protected = true WHERE tenant_id = $1 AND id = $2 AND NOT is_protected",
        claim.tenant.0,
        claim.repository.0,
    )
    .execute(&mut **tx)
    .await?;
    let result = sqlx::query!(
        r#"
        INSERT INTO plan_states (
            tenant_id, plan_id, repository_id, snapshot_id, marks, wiki, swept_at, fetched_at, kinds
        )
        VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN $8::timestamptz END, $8, $9)
        ON CONFLICT (tenant_id, plan_id, repository_id) DO UPDATE
        SET
            snapshot_id = EXCLUDED.snapshot_id,
            marks = EXCLUDED.marks,
            wiki = EXCLUDED.wiki,
            swept_at = coalesce(EXCLUDED.swept_at, plan_states.swept_at),
            fetched_at = EXCLUDED.fetched_at,
            kinds = EXCLUDED.kinds
        "#,
        claim.tenant.0,
        claim.plan.0,
        claim.repository.0,
        snapshot,
        stored.marks,
        stored.wiki,
        stored.swept,
        now,
        decode::to_json("a list of kinds", &stored.kinds)?,
    )
    .execute(&mut **tx)
    .await?;
    meant("store.plan_states.put", 1, &result)?;
    Ok(snapshot)
}

/// Enters a snapshot; one that is known already, because nothing has changed since, stands as it is.
async fn insert_snapshot(
    tx: &mut Transaction<'static, Postgres>,
    claim: &ClaimedFetch,
    stored: &Stored,
) -> Result<Uuid, Error> {
    Ok(sqlx::query_scalar!(
        r#"
        INSERT INTO snapshots (
            tenant_id, id, organization_id, storage_id, repository_id, plan_id, run_id, restic_id,
            tree, manifest_sha256, taken_at, bytes_total, bytes_added, counts, omissions
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        ON CONFLICT ON CONSTRAINT snapshots_restic_key DO UPDATE SET forgotten_at = NULL
        RETURNING id
        "#,
        claim.tenant.0,
        Uuid::now_v7(),
        claim.organization.0,
        claim.storage.0,
        claim.repository.0,
        claim.plan.0,
        claim.run.0,
        stored.restic_id,
        stored.tree,
        stored.manifest_sha256,
        stored.taken_at,
        decode::to_count(stored.bytes_total),
        decode::to_count(stored.bytes_added),
        decode::to_json("the counts of a snapshot", &stored.counts)?,
        decode::to_json("a list of omissions", &stored.omissions)?,
    )
    .fetch_one(&mut **tx)
    .await?)
}
