//! Taking back what dead workers held, and what may not go on before its window opens again.

use chrono::{DateTime, Utc};
use domain::{RunId, TenantId, WorkerId};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::bell::announce;
use crate::runs::end;
use crate::runs::log::{self, Happening};
use crate::workers::WORKER_SILENCE;
use crate::{Error, Fleet, decode};

/// Why a fetch or a run is parked.
const PARKED: &str = "The plan's window has ended; it goes on when the next one begins.";

impl Fleet {
    /// Strikes off the workers that were silent for too long and gives their work to others; answers how many claims.
    #[instrument(name = "store.workers.release_lost", level = "debug", skip_all)]
    pub async fn release_lost(&self) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        sqlx::query!(
            r#"
            DELETE FROM workers
            WHERE id IN (
                SELECT id
                FROM workers
                WHERE greatest(heartbeat_at, pg_postmaster_start_time())
                    <= clock_timestamp() - make_interval(secs => $1)
                FOR UPDATE SKIP LOCKED
            )
            "#,
            WORKER_SILENCE.as_secs_f64(),
        )
        .execute(&mut *tx)
        .await?;
        let released = self.release_orphans(&mut tx).await?;
        tx.commit().await?;
        Ok(released)
    }

    /// Strikes off a worker that ends, or that is known to be dead because its place was taken, and gives its work to
    /// others at once; answers how many claims.
    #[instrument(name = "store.workers.retire", skip_all, fields(worker = %worker))]
    pub async fn retire_worker(&self, worker: WorkerId) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        sqlx::query!("DELETE FROM workers WHERE id = $1", worker.0)
            .execute(&mut *tx)
            .await?;
        let released = self.release_orphans(&mut tx).await?;
        tx.commit().await?;
        Ok(released)
    }

    /// Takes back every claim whose worker does not exist; the fence moves on, so that a late answer is refused.
    async fn release_orphans(&self, tx: &mut Transaction<'static, Postgres>) -> Result<u64, Error> {
        let now = self.db.clock.now();
        // Runs before fetches, and in one order, as everybody locks them.
        let runs = sqlx::query!(
            r#"
            SELECT
                r.tenant_id,
                r.id,
                (
                    SELECT count(*)
                    FROM fetches f
                    WHERE f.tenant_id = r.tenant_id
                        AND f.run_id = r.id
                        AND f.state = 'running'
                        AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = f.worker_id)
                ) AS "held!"
            FROM runs r
            WHERE r.ended_at IS NULL
                AND EXISTS (
                    SELECT 1
                    FROM fetches f
                    WHERE f.tenant_id = r.tenant_id
                        AND f.run_id = r.id
                        AND f.state = 'running'
                        AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = f.worker_id)
                )
            ORDER BY r.id
            FOR NO KEY UPDATE
            "#,
        )
        .fetch_all(&mut **tx)
        .await?;
        let fetches = sqlx::query!(
            r#"
            UPDATE fetches f
            SET
                (state, ended_at) = (
                    SELECT
                        CASE WHEN r.cancel_requested_at IS NULL THEN 'queued' ELSE 'cancelled' END,
                        CASE WHEN r.cancel_requested_at IS NULL THEN NULL ELSE $1::timestamptz END
                    FROM runs r
                    WHERE r.tenant_id = f.tenant_id AND r.id = f.run_id
                ),
                worker_id = NULL,
                fence = f.fence + 1
            WHERE f.state = 'running'
                AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = f.worker_id)
            "#,
            now,
        )
        .execute(&mut **tx)
        .await?;
        for run in runs {
            let released = Happening::Released {
                repositories: decode::count(run.held),
            };
            log::add(tx, TenantId(run.tenant_id), RunId(run.id), now, released).await?;
            end::end_if_settled(tx, TenantId(run.tenant_id), RunId(run.id), now).await?;
        }
        let listings = sqlx::query!(
            r#"
            UPDATE runs
            SET state = 'queued', worker_id = NULL, fence = fence + 1
            WHERE worker_id IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = runs.worker_id)
            "#,
        )
        .execute(&mut **tx)
        .await?;
        let checks = sqlx::query!(
            r#"
            UPDATE checks
            SET state = 'queued', worker_id = NULL, fence = fence + 1, steps = '[]'
            WHERE worker_id IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = checks.worker_id)
            "#,
        )
        .execute(&mut **tx)
        .await?;
        let released = fetches.rows_affected() + listings.rows_affected() + checks.rows_affected();
        if released > 0 {
            announce(tx).await?;
        }
        Ok(released)
    }

    /// Parks what waits in runs whose window has ended at `now`, and answers how much that was. It is throttled, neither
    /// failed nor ended, and goes on with the plan's next firing or when a person asks.
    #[instrument(name = "store.runs.park_ended_windows", level = "debug", skip_all)]
    pub async fn park_ended_windows(&self, now: DateTime<Utc>) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let ended = sqlx::query!(
            r#"
            SELECT
                tenant_id,
                id,
                window_ends_at AS "window_ends_at!"
            FROM runs
            WHERE ended_at IS NULL AND window_ends_at <= $1
            ORDER BY id
            FOR NO KEY UPDATE
            "#,
            now,
        )
        .fetch_all(&mut *tx)
        .await?;
        for run in ended {
            let parked = Happening::Parked {
                window_ended_at: run.window_ends_at,
            };
            log::add(&mut tx, TenantId(run.tenant_id), RunId(run.id), now, parked).await?;
        }
        let runs = sqlx::query!(
            r#"
            UPDATE runs
            SET state = 'throttled', not_before = NULL, cause = $2
            WHERE ended_at IS NULL
                AND listed_at IS NULL
                AND worker_id IS NULL
                AND window_ends_at <= $1
                AND NOT (state = 'throttled' AND not_before IS NULL)
            "#,
            now,
            PARKED,
        )
        .execute(&mut *tx)
        .await?;
        let fetches = sqlx::query!(
            r#"
            UPDATE fetches f
            SET state = 'throttled', not_before = NULL, cause = $2
            FROM runs r
            WHERE r.tenant_id = f.tenant_id
                AND r.id = f.run_id
                AND r.ended_at IS NULL
                AND r.window_ends_at <= $1
                AND (f.state = 'queued' OR (f.state = 'throttled' AND f.not_before IS NOT NULL))
            "#,
            now,
            PARKED,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(runs.rows_affected() + fetches.rows_affected())
    }
}
