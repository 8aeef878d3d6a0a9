//! Workers: processes that work on the queue, and whether they are alive.
//!
//! One clock decides, the database's: workers run on several machines, and a clock moved by hand must kill nobody.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::WorkerId;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::{Error, Fleet};

/// A worker that was silent for this long counts as dead: it must have stopped its work by then. Silence while the
/// database was down does not count.
pub const WORKER_SILENCE: Duration = Duration::from_secs(30);

/// A process that works on the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its id, new at each start.
    pub id: WorkerId,
    /// The machine it runs on.
    pub hostname: String,
    /// When it began, by the database's clock.
    pub started_at: DateTime<Utc>,
    /// When it was last heard of, by the database's clock.
    pub heartbeat_at: DateTime<Utc>,
}

impl Fleet {
    /// Enters a worker; without this it can claim nothing.
    #[instrument(name = "store.workers.register", skip_all, fields(worker = %id))]
    pub async fn register_worker(&self, id: WorkerId, hostname: &str) -> Result<(), Error> {
        sqlx::query!(
            r#"
            INSERT INTO workers (id, hostname, started_at, heartbeat_at)
            VALUES ($1, $2, clock_timestamp(), clock_timestamp())
            ON CONFLICT (id) DO UPDATE SET heartbeat_at = EXCLUDED.heartbeat_at
            "#,
            id.0,
            hostname,
        )
        .execute(&self.db.pool)
        .await?;
        Ok(())
    }

    /// Says that a worker lives. [`Error::LostWorker`] when it was silent for too long and its work was given away.
    #[instrument(name = "store.workers.heartbeat", level = "debug", skip_all, fields(worker = %id))]
    pub async fn heartbeat(&self, id: WorkerId) -> Result<(), Error> {
        let result = sqlx::query!(
            "UPDATE workers SET heartbeat_at = clock_timestamp() WHERE id = $1",
            id.0,
        )
        .execute(&self.db.pool)
        .await?;
        match result.rows_affected() {
            0 => Err(Error::LostWorker),
            _ => Ok(()),
        }
    }

    /// The workers that were heard of lately, the oldest first.
    #[instrument(name = "store.workers.list", skip_all)]
    pub async fn live_workers(&self) -> Result<Vec<Worker>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT id, hostname, started_at, heartbeat_at
            FROM workers
            WHERE greatest(heartbeat_at, pg_postmaster_start_time())
                > clock_timestamp() - make_interval(secs => $1)
            ORDER BY started_at, id
            "#,
            WORKER_SILENCE.as_secs_f64(),
        )
        .fetch_all(&self.db.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Worker {
                id: WorkerId(row.id),
                hostname: row.hostname,
                started_at: row.started_at,
                heartbeat_at: row.heartbeat_at,
            })
            .collect())
    }
}

/// Keeps a worker from being struck off until the transaction ends; one that counts as dead is refused.
pub(crate) async fn check_alive(
    tx: &mut Transaction<'static, Postgres>,
    worker: WorkerId,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        SELECT id
        FROM workers
        WHERE id = $1
            AND greatest(heartbeat_at, pg_postmaster_start_time())
                > clock_timestamp() - make_interval(secs => $2)
        FOR KEY SHARE
        "#,
        worker.0,
        WORKER_SILENCE.as_secs_f64(),
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(drop)
    .ok_or(Error::LostWorker)
}
