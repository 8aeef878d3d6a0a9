//! What runs come to: repositories by state, bytes, requests by credential, and time spent waiting for quota.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::run::Tally;
use domain::{RunId, TenantId};
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::error::meant;
use crate::{Error, RunCredential, decode};

/// What a run comes to. Kept with a run that has ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) tally: Tally,
    pub(crate) bytes_added: u64,
    pub(crate) throttled_s: f64,
    pub(crate) credentials: Vec<RunCredential>,
}

/// Counts what some runs come to at this moment.
pub(crate) async fn count(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    runs: &[Uuid],
    now: DateTime<Utc>,
) -> Result<BTreeMap<Uuid, Totals>, Error> {
    let mut totals: BTreeMap<Uuid, Totals> = BTreeMap::new();
    if runs.is_empty() {
        return Ok(totals);
    }
    fetches(tx, tenant, runs, &mut totals).await?;
    usages(tx, tenant, runs, &mut totals).await?;
    waits(tx, tenant, runs, now, &mut totals).await?;
    Ok(totals)
}

/// Writes down what a run that has just ended came to.
pub(crate) async fn keep(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    run: RunId,
    now: DateTime<Utc>,
) -> Result<Totals, Error> {
    let totals = count(tx, tenant, &[run.0], now)
        .await?
        .remove(&run.0)
        .unwrap_or_default();
    let result = sqlx::query!(
        "UPDATE runs SET summary = $3 WHERE tenant_id = $1 AND id = $2",
        tenant.0,
        run.0,
        decode::to_json("what a run came to", &totals)?,
    )
    .execute(&mut **tx)
    .await?;
    meant("store.runs.keep_totals", 1, &result)?;
    Ok(totals)
}

async fn fetches(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    runs: &[Uuid],
    totals: &mut BTreeMap<Uuid, Totals>,
) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            run_id,
            state,
            count(*) AS "count!",
            sum(bytes_added)::bigint AS "bytes_added!"
        FROM fetches
        WHERE tenant_id = $1 AND run_id = ANY($2)
        GROUP BY run_id, state
        "#,
        tenant.0,
        runs,
    )
    .fetch_all(&mut **tx)
    .await?;
    for row in rows {
        let total = totals.entry(row.run_id).or_default();
        total
            .tally
            .add(decode::fetch_state(&row.state)?, decode::count(row.count));
        total.bytes_added += decode::count(row.bytes_added);
    }
    Ok(())
}

async fn usages(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    runs: &[Uuid],
    totals: &mut BTreeMap<Uuid, Totals>,
) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            u.run_id,
            c.name,
            u.requests AS "requests!",
            u.refused AS "refused!",
            u.not_modified AS "not_modified!",
            u.points AS "points!"
        FROM (
            SELECT
                tenant_id,
                run_id,
                credential_id,
                sum(request_count)::bigint AS requests,
                sum(refused_count)::bigint AS refused,
                sum(not_modified_count)::bigint AS not_modified,
                sum(point_count)::bigint AS points
            FROM usages
            WHERE tenant_id = $1 AND run_id = ANY($2)
            GROUP BY tenant_id, run_id, credential_id
        ) u
        JOIN credentials c ON c.tenant_id = u.tenant_id AND c.id = u.credential_id
        ORDER BY c.name, c.id
        "#,
        tenant.0,
        runs,
    )
    .fetch_all(&mut **tx)
    .await?;
    for row in rows {
        let total = totals.entry(row.run_id).or_default();
        total.credentials.push(RunCredential {
            name: decode::text("a credential's name", &row.name)?,
            requests: decode::count(row.requests),
            refused: decode::count(row.refused),
            not_modified: decode::count(row.not_modified),
            points: decode::count(row.points),
        });
    }
    Ok(())
}

/// Seconds in which each run waited: times of several fetches that overlap count once.
async fn waits(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    runs: &[Uuid],
    now: DateTime<Utc>,
    totals: &mut BTreeMap<Uuid, Totals>,
) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            w.run_id,
            extract(epoch FROM sum(upper(w.span) - lower(w.span)))::float8 AS "seconds!"
        FROM (
            SELECT
                t.run_id,
                unnest(range_agg(tstzrange(t.began_at, least(t.ends_at, r.ended_at, $3)))) AS span
            FROM throttles t
            JOIN runs r ON r.tenant_id = t.tenant_id AND r.id = t.run_id
            WHERE t.tenant_id = $1
                AND t.run_id = ANY($2)
                AND t.began_at < least(t.ends_at, r.ended_at, $3)
            GROUP BY t.run_id
        ) w
        GROUP BY w.run_id
        "#,
        tenant.0,
        runs,
        now,
    )
    .fetch_all(&mut **tx)
    .await?;
    for row in rows {
        totals.entry(row.run_id).or_default().throttled_s = row.seconds;
    }
    Ok(())
}
