//! Quota of the hosts' buckets, shared out among workers, across tenants.
//!
//! What a host says is left belongs to nobody until a worker asks for a share. A worker spends its share without asking
//! again, reports what it spent, and asks for more. A share outlives its window: it is subtracted until it is spent or
//! given back, or its worker dies. The arithmetic is in [`ledger`].

use chrono::{DateTime, Utc};
use domain::exchange::{Exchange, Grant};
use domain::{BucketKey, Reading, Resource, WorkerId};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::workers::WORKER_SILENCE;
use crate::{Error, Fleet, decode};

mod ledger;
mod watch;

use ledger::Demand;
pub(crate) use ledger::Known;
use watch::Watch;

/// What is known of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketRow {
    /// Whose budget.
    pub key: BucketKey,
    /// Which budget.
    pub resource: Resource,
    /// What the host last said, if its window is running.
    pub reading: Option<Reading>,
    /// Until when the bucket backs off, and why.
    pub backoff: Option<(DateTime<Utc>, String)>,
}

/// A bucket's budget for requests, as far as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreQuota {
    /// Whose budget.
    pub key: BucketKey,
    /// What is left, and of how much; a window that has ended leaves a full one.
    pub left: Option<(u32, u32)>,
    /// When the window that is running ends, if that is known.
    pub reset_at: Option<DateTime<Utc>>,
    /// Until when the bucket backs off, and why.
    pub backoff: Option<(DateTime<Utc>, String)>,
}

impl Fleet {
    /// Takes a worker's report and grants it what it asks for, as far as there is something. The rows are taken in all
    /// together or not at all.
    ///
    /// [`Error::LostWorker`] when the worker was silent for too long: its shares were given away.
    #[instrument(name = "store.buckets.exchange", level = "debug", skip_all, fields(worker = %worker))]
    pub async fn exchange(&self, worker: WorkerId, rows: &[Exchange]) -> Result<Vec<Grant>, Error> {
        let now = self.db.clock.now();
        // In one order, so that two workers never wait for each other.
        let mut rows: Vec<&Exchange> = rows.iter().collect();
        rows.sort_by(|a, b| (&a.key, &a.resource).cmp(&(&b.key, &b.resource)));
        let mut tx = self.db.begin().await?;
        crate::workers::check_alive(&mut tx, worker).await?;
        let mut grants = Vec::with_capacity(rows.len());
        for row in rows {
            grants.push(exchange_one(&mut tx, worker, row, now).await?);
        }
        tx.commit().await?;
        Ok(grants)
    }

    /// What is known of these buckets' budget for requests, for showing.
    #[instrument(name = "store.buckets.core", level = "debug", skip_all)]
    pub async fn core_of(&self, keys: &[BucketKey]) -> Result<Vec<CoreQuota>, Error> {
        let now = self.db.clock.now();
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let rows = sqlx::query!(
            r#"
            SELECT key, request_limit, remaining, reset_at, backoff_until, backoff_reason
            FROM buckets
            WHERE key = ANY($1) AND resource = 'core'
            "#,
            &keys,
        )
        .fetch_all(&self.db.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let known = Known::stored(row.request_limit, row.remaining, row.reset_at);
                let known = known.roll(now);
                Ok(CoreQuota {
                    key: decode::text("a bucket", &row.key)?,
                    left: known.left.map(|left| (left.remaining, left.limit)),
                    reset_at: known.reset_at,
                    backoff: row
                        .backoff_until
                        .filter(|until| *until > now)
                        .zip(row.backoff_reason),
                })
            })
            .collect()
    }

    /// Writes down what a host has said of a bucket of which nothing is known yet.
    #[instrument(name = "store.buckets.note_first", level = "debug", skip_all, fields(bucket = %key))]
    pub async fn note_first_readings(
        &self,
        key: &BucketKey,
        readings: &[(Resource, Reading)],
    ) -> Result<(), Error> {
        for (resource, reading) in readings {
            sqlx::query!(
                r#"
                INSERT INTO buckets (key, resource, request_limit, remaining, reset_at)
                VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (key, resource) DO NOTHING
                "#,
                key.to_string(),
                resource.0,
                i64::from(reading.limit),
                i64::from(reading.remaining),
                reading.reset_at,
            )
            .execute(&self.db.pool)
            .await?;
        }
        Ok(())
    }

    /// What is known of every bucket.
    #[instrument(name = "store.buckets.list", level = "debug", skip_all)]
    pub async fn load_buckets(&self) -> Result<Vec<BucketRow>, Error> {
        let now = self.db.clock.now();
        let rows = sqlx::query!(
            r#"
            SELECT key, resource, request_limit, remaining, reset_at, backoff_until, backoff_reason
            FROM buckets
            ORDER BY key, resource
            "#,
        )
        .fetch_all(&self.db.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let known = Known::stored(row.request_limit, row.remaining, row.reset_at);
                Ok(BucketRow {
                    key: decode::text("a bucket", &row.key)?,
                    resource: Resource(row.resource),
                    reading: known.roll(now).reading(),
                    backoff: row
                        .backoff_until
                        .filter(|until| *until > now)
                        .zip(row.backoff_reason),
                })
            })
            .collect()
    }
}

async fn exchange_one(
    tx: &mut Transaction<'static, Postgres>,
    worker: WorkerId,
    row: &Exchange,
    now: DateTime<Utc>,
) -> Result<Grant, Error> {
    let key = row.key.to_string();
    let resource = &row.resource.0;
    sqlx::query!(
        "INSERT INTO buckets (key, resource) VALUES ($1, $2) ON CONFLICT (key, resource) DO NOTHING",
        key,
        resource,
    )
    .execute(&mut **tx)
    .await?;
    let stored = sqlx::query!(
        r#"
        SELECT
            request_limit,
            remaining,
            reset_at,
            backoff_until,
            backoff_reason,
            watched_from,
            watched_left,
            watched_spent,
            others_spent,
            others_an_hour
        FROM buckets
        WHERE key = $1 AND resource = $2
        FOR NO KEY UPDATE
        "#,
        key,
        resource,
    )
    .fetch_one(&mut **tx)
    .await?;
    let shares = sqlx::query!(
        r#"
        SELECT s.worker_id, s.granted
        FROM bucket_shares s
        JOIN workers w ON w.id = s.worker_id
        WHERE s.key = $1
            AND s.resource = $2
            AND greatest(w.heartbeat_at, pg_postmaster_start_time())
                > clock_timestamp() - make_interval(secs => $3)
        "#,
        key,
        resource,
        WORKER_SILENCE.as_secs_f64(),
    )
    .fetch_all(&mut **tx)
    .await?;
    let (mut own, mut others, mut sharers) = (0, 0, 1);
    for share in shares {
        let granted = decode::count(share.granted);
        if share.worker_id == worker.0 {
            own += granted;
        } else {
            others += granted;
            sharers += u32::from(granted > 0);
        }
    }
    let own = if row.returned {
        0
    } else {
        own.saturating_sub(row.spent.into())
    };
    let before = Known::stored(stored.request_limit, stored.remaining, stored.reset_at).roll(now);
    let known = before.learn(row.reading, row.spent, now);
    let watch = Watch {
        from: stored.watched_from,
        left: decode::count(stored.watched_left),
        spent: decode::count(stored.watched_spent),
        others_spent: decode::count(stored.others_spent),
        others_an_hour: decode::count(stored.others_an_hour),
    }
    .look(before, known, row.spent, own + others, now);
    let granted = known.grant(&Demand {
        want: if row.returned { 0 } else { row.want },
        reserve_percent: row.reserve_percent,
        outstanding: own + others + watch.until(known.reset_at, now),
    });
    let backoff = longer(
        stored.backoff_until.zip(stored.backoff_reason),
        row.backoff.clone(),
    )
    .filter(|(until, _)| *until > now);
    put_bucket(tx, &key, resource, known, watch, backoff.as_ref()).await?;
    put_share(tx, &key, resource, worker, own + u64::from(granted)).await?;
    Ok(Grant {
        key: row.key.clone(),
        resource: row.resource.clone(),
        granted,
        reading: known.reading(),
        backoff,
        sharers,
        others: watch.others(),
    })
}

/// The back-off that ends later.
fn longer(
    a: Option<(DateTime<Utc>, String)>,
    b: Option<(DateTime<Utc>, String)>,
) -> Option<(DateTime<Utc>, String)> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.0 > a.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}

async fn put_bucket(
    tx: &mut Transaction<'static, Postgres>,
    key: &str,
    resource: &str,
    known: Known,
    watch: Watch,
    backoff: Option<&(DateTime<Utc>, String)>,
) -> Result<(), Error> {
    let result = sqlx::query!(
        r#"
        UPDATE buckets
        SET
            request_limit = $3,
            remaining = $4,
            reset_at = $5,
            backoff_until = $6,
            backoff_reason = $7,
            watched_from = $8,
            watched_left = $9,
            watched_spent = $10,
            others_spent = $11,
            others_an_hour = $12
        WHERE key = $1 AND resource = $2
        "#,
        key,
        resource,
        known.left.map(|left| i64::from(left.limit)),
        known.left.map(|left| i64::from(left.remaining)),
        known.reset_at,
        backoff.map(|(until, _)| *until),
        backoff.map(|(_, reason)| reason),
        watch.from,
        decode::to_count(watch.left),
        decode::to_count(watch.spent),
        decode::to_count(watch.others_spent),
        decode::to_count(watch.others_an_hour),
    )
    .execute(&mut **tx)
    .await?;
    crate::error::meant("store.buckets.put", 1, &result)
}

async fn put_share(
    tx: &mut Transaction<'static, Postgres>,
    key: &str,
    resource: &str,
    worker: WorkerId,
    granted: u64,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        INSERT INTO bucket_shares (key, resource, worker_id, granted)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (key, resource, worker_id)
        DO UPDATE SET granted = EXCLUDED.granted
        "#,
        key,
        resource,
        worker.0,
        decode::to_count(granted),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
