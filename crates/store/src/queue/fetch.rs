//! Claiming a fetch, and speaking of one that is held.

use chrono::{DateTime, Utc};
use domain::{FetchId, OrganizationId, PlanId, RepositoryId, RunId, StorageId, TenantId, WorkerId};
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use super::{ClaimedFetch, HeldFetch};
use crate::runs::log::{self, Happening};
use crate::{Error, Fleet, PlanState, Trigger, decode};

impl Fleet {
    /// Claims the next fetch that can begin at `now`.
    #[instrument(name = "store.fetches.claim", level = "debug", skip_all, fields(worker = %worker))]
    pub async fn claim_fetch(
        &self,
        worker: WorkerId,
        now: DateTime<Utc>,
    ) -> Result<Option<ClaimedFetch>, Error> {
        let mut tx = self.db.begin().await?;
        crate::workers::check_alive(&mut tx, worker).await?;
        for (tenant, run) in runs_by_turn(&mut tx, now).await? {
            // Other workers may have taken this run's last fetch in the meantime.
            if let Some(fetch) = take(&mut tx, tenant, run, worker, now).await? {
                let claim = describe(&mut tx, tenant, fetch).await?;
                tx.commit().await?;
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    /// Notes how far a fetch has come. [`Error::LostFence`] tells its worker to stop.
    #[instrument(name = "store.fetches.progress", level = "debug", skip_all, fields(fetch = %claim.fetch))]
    pub async fn progress(&self, claim: &ClaimedFetch, progress: &Value) -> Result<(), Error> {
        let mut tx = self.db.tenant(claim.tenant).begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE fetches
            SET progress = $4
            WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND state = 'running'
            "#,
            claim.tenant.0,
            claim.fetch.0,
            claim.fence,
            progress,
        )
        .execute(&mut *tx)
        .await?;
        if result.rows_affected() == 0 {
            return Err(Error::LostFence { what: "the fetch" });
        }
        tx.commit().await?;
        Ok(())
    }

    /// Says that a worker lives, and answers the fetches that it holds: what it works on besides is not its own any more.
    #[instrument(name = "store.fetches.heartbeat", level = "debug", skip_all, fields(worker = %worker))]
    pub async fn heartbeat_fetches(&self, worker: WorkerId) -> Result<Vec<HeldFetch>, Error> {
        self.heartbeat(worker).await?;
        let rows = sqlx::query!(
            r#"
            SELECT
                f.id,
                f.fence,
                r.cancel_requested_at IS NOT NULL AS "cancelling!"
            FROM fetches f
            JOIN runs r ON r.tenant_id = f.tenant_id AND r.id = f.run_id
            WHERE f.state = 'running' AND f.worker_id = $1
            ORDER BY f.id
            "#,
            worker.0,
        )
        .fetch_all(&self.db.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| HeldFetch {
                fetch: FetchId(row.id),
                fence: row.fence,
                cancelling: row.cancelling,
            })
            .collect())
    }
}

/// The runs with something to fetch, in the order in which they are to be served.
async fn runs_by_turn(
    tx: &mut Transaction<'static, Postgres>,
    now: DateTime<Utc>,
) -> Result<Vec<(TenantId, RunId)>, Error> {
    let rows = sqlx::query!(
        r#"
        WITH plan_load AS (
            SELECT tenant_id, plan_id, count(*) AS count
            FROM fetches
            WHERE state = 'running'
            GROUP BY tenant_id, plan_id
        ),
        tenant_load AS (
            SELECT tenant_id, sum(count) AS count
            FROM plan_load
            GROUP BY tenant_id
        )
        SELECT r.tenant_id, r.id
        FROM runs r
        LEFT JOIN tenant_load t ON t.tenant_id = r.tenant_id
        LEFT JOIN plan_load p ON p.tenant_id = r.tenant_id AND p.plan_id = r.plan_id
        WHERE r.ended_at IS NULL
            AND r.listed_at IS NOT NULL
            AND r.cancel_requested_at IS NULL
            AND (r.window_ends_at IS NULL OR r.window_ends_at > $1)
            AND EXISTS (
                SELECT 1
                FROM fetches f
                WHERE f.tenant_id = r.tenant_id
                    AND f.run_id = r.id
                    AND f.ended_at IS NULL
                    AND (
                        (f.state = 'queued' AND (f.not_before IS NULL OR f.not_before <= $1))
                        OR (f.state = 'throttled' AND f.not_before <= $1)
                    )
            )
        ORDER BY
            coalesce(t.count, 0),
            r.trigger <> 'person',
            coalesce(p.count, 0),
            r.requested_at,
            r.id
        "#,
        now,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (TenantId(row.tenant_id), RunId(row.id)))
        .collect())
}

async fn take(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    run: RunId,
    worker: WorkerId,
    now: DateTime<Utc>,
) -> Result<Option<Uuid>, Error> {
    let taken = sqlx::query!(
        r#"
        WITH next AS MATERIALIZED (
            SELECT id, state
            FROM fetches
            WHERE tenant_id = $1
                AND run_id = $2
                AND ended_at IS NULL
                AND (
                    (state = 'queued' AND (not_before IS NULL OR not_before <= $4))
                    OR (state = 'throttled' AND not_before <= $4)
                )
            ORDER BY id
            LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE fetches f
        SET
            state = 'running',
            worker_id = $3,
            fence = f.fence + 1,
            started_at = coalesce(f.started_at, $4),
            not_before = NULL,
            cause = NULL
        FROM next
        WHERE f.tenant_id = $1 AND f.id = next.id
        RETURNING f.id, next.state = 'throttled' AS "has_waited!"
        "#,
        tenant.0,
        run.0,
        worker.0,
        now,
    )
    .fetch_optional(&mut **tx)
    .await?;
    if taken.as_ref().is_some_and(|taken| taken.has_waited) {
        let went_on = Happening::WentOn {
            at: now,
            waited: None,
        };
        log::add(tx, tenant, run, now, went_on).await?;
    }
    Ok(taken.map(|taken| taken.id))
}

#[expect(clippy::too_many_lines, reason = "one query and what its row means")]
async fn describe(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    fetch: Uuid,
) -> Result<ClaimedFetch, Error> {
    let row = sqlx::query!(
        r#"
        SELECT
            t.name AS tenant_name,
            t.weight AS tenant_weight,
            f.run_id,
            f.fence,
            f.failed_count,
            u.window_ends_at,
            u.due_at,
            p.id AS plan_id,
            p.name AS plan_name,
            p.weight AS plan_weight,
            p.pool_percent,
            p.schedule,
            p.content,
            o.id AS organization_id,
            o.name AS organization_name,
            o.host_kind,
            o.host_url,
            p.storage_id,
            f.repository_id,
            r.forge_id,
            r.name AS repository_name,
            r.listing,
            f.sweep,
            l.marks AS "marks?",
            l.wiki AS "wiki?",
            l.swept_at AS "swept_at?",
            l.kinds AS "kinds?",
            s.restic_id AS "restic_id?",
            s.omissions AS "omissions?"
        FROM fetches f
        JOIN tenants t ON t.id = f.tenant_id
        JOIN runs u ON u.tenant_id = f.tenant_id AND u.id = f.run_id
        JOIN plans p ON p.tenant_id = f.tenant_id AND p.id = f.plan_id
        JOIN organizations o ON o.tenant_id = f.tenant_id AND o.id = p.organization_id
        JOIN repositories r ON r.tenant_id = f.tenant_id AND r.id = f.repository_id
        LEFT JOIN plan_states l
            ON l.tenant_id = f.tenant_id
            AND l.plan_id = f.plan_id
            AND l.repository_id = f.repository_id
        LEFT JOIN snapshots s
            ON s.tenant_id = l.tenant_id
            AND s.id = l.snapshot_id
            AND s.storage_id = p.storage_id
            AND s.forgotten_at IS NULL
        WHERE f.tenant_id = $1 AND f.id = $2
        "#,
        tenant.0,
        fetch,
    )
    .fetch_one(&mut **tx)
    .await?;
    let repository = RepositoryId(row.repository_id);
    let previous = match (row.restic_id, row.marks, row.omissions, row.kinds) {
        (Some(snapshot), Some(marks), Some(omissions), Some(kinds)) => Some(PlanState {
            // What is fetched is fetched; this decides whether it is.
            is_pushed_to: false,
            repository,
            forge_id: row.forge_id,
            marks,
            snapshot,
            omissions: decode::json("a list of omissions", omissions)?,
            swept_at: row.swept_at,
            wiki: row.wiki,
            kinds: decode::json("a list of kinds", kinds)?,
        }),
        _ => None,
    };
    Ok(ClaimedFetch {
        tenant,
        tenant_name: decode::text("a tenant's name", &row.tenant_name)?,
        run: RunId(row.run_id),
        fetch: FetchId(fetch),
        fence: row.fence,
        failed_count: u32::try_from(row.failed_count).unwrap_or_default(),
        window_ends_at: row.window_ends_at,
        plan: PlanId(row.plan_id),
        plan_name: decode::text("a plan's name", &row.plan_name)?,
        trigger: row.due_at.map_or(Trigger::Person, Trigger::Schedule),
        tenant_weight: decode::weight(row.tenant_weight)?,
        plan_weight: decode::weight(row.plan_weight)?,
        pool_part: decode::pool_part(row.pool_percent)?,
        schedule: row
            .schedule
            .map(|schedule| decode::json("a schedule", schedule))
            .transpose()?,
        content: decode::json("a plan's content", row.content)?,
        organization: OrganizationId(row.organization_id),
        organization_name: decode::text("an organization's name", &row.organization_name)?,
        host: decode::host(&row.host_kind, &row.host_url)?,
        storage: StorageId(row.storage_id),
        repository,
        forge_id: row.forge_id,
        repository_name: decode::text("a repository's name", &row.repository_name)?,
        listing: row.listing,
        sweep: row.sweep,
        previous,
    })
}
