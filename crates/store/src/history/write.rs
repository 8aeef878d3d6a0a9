//! Writing the past down: in batches, in one order, so that several workers add to the same rows without waiting for each other.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use super::{BucketEvent, BucketEventKind, HOURS_KEPT, MINUTES_KEPT, SpendingRow, begin, minute};
use crate::{Error, Fleet, decode};

/// The lock under which one worker at a time sums up and throws away.
const TENDING: i64 = 0x686f_6c64_7468_726f;

/// Choices that a run keeps.
const CHOICES_KEPT: i64 = 200;

/// The choices of a run that has ended are looked through for this long.
const CHOICES_FOLLOWED: TimeDelta = TimeDelta::minutes(10);

/// What a budget did in a minute.
#[derive(Debug, Default)]
struct Sum {
    requests: u64,
    refused: u64,
    waits: u64,
}

impl Fleet {
    /// Adds to what was spent and to what befell buckets.
    #[instrument(name = "store.history.add", level = "debug", skip_all)]
    pub async fn add_history(
        &self,
        spendings: &[SpendingRow],
        events: &[BucketEvent],
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        add_spendings(&mut tx, spendings).await?;
        add_minutes(&mut tx, spendings).await?;
        for event in events {
            add_event(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Writes down how every budget stands whose window is running, as the end of this minute until somebody looks again.
    #[instrument(name = "store.history.look", level = "debug", skip_all)]
    pub async fn note_standings(&self) -> Result<(), Error> {
        let now = self.db.clock.now();
        sqlx::query!(
            r#"
            INSERT INTO bucket_minutes (
                key, resource, minute, request_limit, remaining, reset_at, others_spent
            )
            SELECT key, resource, $2, request_limit, remaining, reset_at, others_spent
            FROM buckets
            WHERE reset_at > $1 AND remaining IS NOT NULL
            ORDER BY key, resource
            ON CONFLICT (key, resource, minute) DO UPDATE
            SET
                request_limit = EXCLUDED.request_limit,
                remaining = EXCLUDED.remaining,
                reset_at = EXCLUDED.reset_at,
                others_spent = EXCLUDED.others_spent
            WHERE (bucket_minutes.remaining, bucket_minutes.reset_at, bucket_minutes.others_spent)
                IS DISTINCT FROM (EXCLUDED.remaining, EXCLUDED.reset_at, EXCLUDED.others_spent)
            "#,
            now,
            minute(now),
        )
        .execute(&self.db.pool)
        .await?;
        Ok(())
    }

    /// Sums up the minutes of this hour and the one before, and throws away what is too old. Does nothing while another worker
    /// does it.
    #[instrument(name = "store.history.tend", level = "debug", skip_all)]
    pub async fn tend_history(&self) -> Result<(), Error> {
        let now = self.db.clock.now();
        let mut tx = self.db.begin().await?;
        let is_mine = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_xact_lock($1) AS "is_mine!""#,
            TENDING,
        )
        .fetch_one(&mut *tx)
        .await?;
        if !is_mine {
            return Ok(());
        }
        let since = begin(now, 3_600) - TimeDelta::hours(1);
        sum_up(&mut tx, since).await?;
        sum_up_spendings(&mut tx, since).await?;
        let (minutes, hours) = (now - MINUTES_KEPT, now - HOURS_KEPT);
        sqlx::query!("DELETE FROM bucket_minutes WHERE minute < $1", minutes)
            .execute(&mut *tx)
            .await?;
        sqlx::query!("DELETE FROM spendings WHERE minute < $1", minutes)
            .execute(&mut *tx)
            .await?;
        sqlx::query!("DELETE FROM bucket_hours WHERE hour < $1", hours)
            .execute(&mut *tx)
            .await?;
        sqlx::query!("DELETE FROM spending_hours WHERE hour < $1", hours)
            .execute(&mut *tx)
            .await?;
        sqlx::query!("DELETE FROM bucket_events WHERE at < $1", hours)
            .execute(&mut *tx)
            .await?;
        forget_choices(&mut tx, now).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Of each run that is under way, or was a moment ago, only the newest choices stay.
async fn forget_choices(
    tx: &mut Transaction<'static, Postgres>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        DELETE FROM choices k
        USING (
            SELECT
                r.tenant_id,
                r.id,
                (
                    SELECT n.chosen_at
                    FROM choices n
                    WHERE n.tenant_id = r.tenant_id AND n.run_id = r.id
                    ORDER BY n.chosen_at DESC
                    LIMIT 1 OFFSET $2
                ) AS oldest
            FROM runs r
            WHERE r.ended_at IS NULL OR r.ended_at > $1
        ) one
        WHERE k.tenant_id = one.tenant_id AND k.run_id = one.id AND k.chosen_at <= one.oldest
        "#,
        now - CHOICES_FOLLOWED,
        CHOICES_KEPT,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn add_spendings(
    tx: &mut Transaction<'static, Postgres>,
    rows: &[SpendingRow],
) -> Result<(), Error> {
    let mut sums: BTreeMap<(Uuid, Uuid, Uuid, &str, DateTime<Utc>), u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.requests > 0) {
        let place = (
            row.tenant.0,
            row.run.0,
            row.credential.0,
            row.resource.0.as_str(),
            minute(row.at),
        );
        *sums.entry(place).or_default() += row.requests;
    }
    let places = || sums.keys();
    sqlx::query!(
        r#"
        INSERT INTO spendings (tenant_id, run_id, credential_id, resource, minute, request_count)
        SELECT n.tenant_id, n.run_id, n.credential_id, n.resource, n.minute, n.request_count
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::bigint[])
            AS n (tenant_id, run_id, credential_id, resource, minute, request_count)
        ON CONFLICT (tenant_id, run_id, credential_id, resource, minute) DO UPDATE
        SET request_count = spendings.request_count + EXCLUDED.request_count
        "#,
        &places().map(|place| place.0).collect::<Vec<_>>(),
        &places().map(|place| place.1).collect::<Vec<_>>(),
        &places().map(|place| place.2).collect::<Vec<_>>(),
        &places().map(|place| place.3.to_owned()).collect::<Vec<_>>(),
        &places().map(|place| place.4).collect::<Vec<_>>(),
        &counts(sums.values().copied()),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn add_minutes(
    tx: &mut Transaction<'static, Postgres>,
    rows: &[SpendingRow],
) -> Result<(), Error> {
    let mut sums: BTreeMap<(String, &str, DateTime<Utc>), Sum> = BTreeMap::new();
    for row in rows {
        let place = (row.key.to_string(), row.resource.0.as_str(), minute(row.at));
        let sum = sums.entry(place).or_default();
        sum.requests += row.requests;
        sum.refused += row.refused;
        sum.waits += row.waits;
    }
    let places = || sums.keys();
    sqlx::query!(
        r#"
        INSERT INTO bucket_minutes (
            key, resource, minute, request_count, refused_count, wait_count
        )
        SELECT n.key, n.resource, n.minute, n.request_count, n.refused_count, n.wait_count
        FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[])
            AS n (key, resource, minute, request_count, refused_count, wait_count)
        ON CONFLICT (key, resource, minute) DO UPDATE
        SET
            request_count = bucket_minutes.request_count + EXCLUDED.request_count,
            refused_count = bucket_minutes.refused_count + EXCLUDED.refused_count,
            wait_count = bucket_minutes.wait_count + EXCLUDED.wait_count
        "#,
        &places().map(|place| place.0.clone()).collect::<Vec<_>>(),
        &places().map(|place| place.1.to_owned()).collect::<Vec<_>>(),
        &places().map(|place| place.2).collect::<Vec<_>>(),
        &counts(sums.values().map(|sum| sum.requests)),
        &counts(sums.values().map(|sum| sum.refused)),
        &counts(sums.values().map(|sum| sum.waits)),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn counts(values: impl Iterator<Item = u64>) -> Vec<i64> {
    values.map(decode::to_count).collect()
}

async fn add_event(
    tx: &mut Transaction<'static, Postgres>,
    event: &BucketEvent,
) -> Result<(), Error> {
    let (kind, until, reason) = match &event.kind {
        BucketEventKind::Spent { until } => ("spent", Some(*until), None),
        BucketEventKind::BackedOff { until, reason } => ("backed_off", Some(*until), Some(reason)),
        BucketEventKind::Refused { reason } => ("refused", None, Some(reason)),
    };
    sqlx::query!(
        r#"
        INSERT INTO bucket_events (key, resource, at, kind, until, reason)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (key, resource, until) WHERE kind = 'spent' DO NOTHING
        "#,
        event.key.to_string(),
        event.resource.as_ref().map_or("", |resource| &resource.0),
        event.at,
        kind,
        until,
        reason,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn sum_up(
    tx: &mut Transaction<'static, Postgres>,
    since: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        INSERT INTO bucket_hours (
            key, resource, hour, request_count, refused_count, wait_count, others_spent,
            request_limit, remaining, reset_at
        )
        SELECT
            m.key,
            m.resource,
            date_trunc('hour', m.minute),
            sum(m.request_count),
            sum(m.refused_count),
            sum(m.wait_count),
            sum(m.others_spent),
            max(m.request_limit),
            min(m.remaining),
            max(m.reset_at)
        FROM (
            SELECT
                key,
                resource,
                minute,
                request_count,
                refused_count,
                wait_count,
                request_limit,
                remaining,
                reset_at,
                CASE
                    WHEN abs(extract(epoch FROM reset_at - lag(reset_at) OVER w)) <= 5
                        THEN greatest(others_spent - lag(others_spent) OVER w, 0)
                    ELSE others_spent
                END AS others_spent
            FROM bucket_minutes
            WHERE minute >= $1::timestamptz - interval '1 hour'
            WINDOW w AS (PARTITION BY key, resource ORDER BY minute)
        ) m
        WHERE m.minute >= $1::timestamptz
        GROUP BY m.key, m.resource, date_trunc('hour', m.minute)
        ORDER BY m.key, m.resource
        ON CONFLICT (key, resource, hour) DO UPDATE
        SET
            request_count = EXCLUDED.request_count,
            refused_count = EXCLUDED.refused_count,
            wait_count = EXCLUDED.wait_count,
            others_spent = EXCLUDED.others_spent,
            request_limit = EXCLUDED.request_limit,
            remaining = EXCLUDED.remaining,
            reset_at = EXCLUDED.reset_at
        "#,
        since,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn sum_up_spendings(
    tx: &mut Transaction<'static, Postgres>,
    since: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        INSERT INTO spending_hours (tenant_id, credential_id, resource, hour, request_count)
        SELECT
            tenant_id,
            credential_id,
            resource,
            date_trunc('hour', minute),
            sum(request_count)
        FROM spendings
        WHERE minute >= $1
        GROUP BY tenant_id, credential_id, resource, date_trunc('hour', minute)
        ON CONFLICT (tenant_id, credential_id, resource, hour) DO UPDATE
        SET request_count = EXCLUDED.request_count
        "#,
        since,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
