//! Reading what the runs under way still have to do, across tenants.

use std::collections::BTreeMap;

use domain::{CredentialId, PlanId, RunId, TenantId};
use tracing::instrument;
use uuid::Uuid;

use super::{OpenFetch, OpenWork};
use crate::{Error, Fleet, decode};

/// Runs that are foretold at the same time; the oldest.
const RUNS: i64 = 200;

/// Runs before this one from whose speed is learnt.
const BEFORE: i64 = 3;

impl Fleet {
    /// What every listed run under way still has to do.
    #[instrument(name = "store.forecasts.open", level = "debug", skip_all)]
    pub async fn open_work(&self) -> Result<Vec<OpenWork>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                r.tenant_id,
                r.id,
                r.plan_id,
                r.trigger = 'person' AS "is_urgent!",
                t.weight AS tenant_weight,
                p.weight AS plan_weight,
                p.pool_percent,
                (
                    SELECT sum(b.spent_count)::bigint
                    FROM (
                        SELECT f.spent_count
                        FROM runs e
                        JOIN forecasts f ON f.tenant_id = e.tenant_id AND f.run_id = e.id
                        WHERE e.tenant_id = r.tenant_id
                            AND e.plan_id = r.plan_id
                            AND e.ended_at IS NOT NULL
                            AND f.active_s > 1
                        ORDER BY e.requested_at DESC, e.id DESC
                        LIMIT $2
                    ) b
                ) AS spent_before,
                (
                    SELECT sum(b.active_s)
                    FROM (
                        SELECT f.active_s
                        FROM runs e
                        JOIN forecasts f ON f.tenant_id = e.tenant_id AND f.run_id = e.id
                        WHERE e.tenant_id = r.tenant_id
                            AND e.plan_id = r.plan_id
                            AND e.ended_at IS NOT NULL
                            AND f.active_s > 1
                        ORDER BY e.requested_at DESC, e.id DESC
                        LIMIT $2
                    ) b
                ) AS active_before
            FROM runs r
            JOIN plans p ON p.tenant_id = r.tenant_id AND p.id = r.plan_id
            JOIN tenants t ON t.id = r.tenant_id
            WHERE r.ended_at IS NULL AND r.listed_at IS NOT NULL AND r.cancel_requested_at IS NULL
            ORDER BY r.requested_at, r.id
            LIMIT $1
            "#,
            RUNS,
            BEFORE,
        )
        .fetch_all(&self.db.pool)
        .await?;
        let runs: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant_id).collect();
        let plans: Vec<Uuid> = rows.iter().map(|row| row.plan_id).collect();
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let mut done = self.done_work(&tenants, &runs).await?;
        let mut open = self.open_fetches(&tenants, &runs).await?;
        let pools = self.pools_of(&tenants, &plans).await?;
        rows.into_iter()
            .map(|row| {
                Ok(OpenWork {
                    tenant: TenantId(row.tenant_id),
                    tenant_weight: decode::weight(row.tenant_weight)?,
                    run: RunId(row.id),
                    plan: PlanId(row.plan_id),
                    plan_weight: decode::weight(row.plan_weight)?,
                    pool_part: decode::pool_part(row.pool_percent)?,
                    is_urgent: row.is_urgent,
                    credentials: pools.get(&row.plan_id).cloned().unwrap_or_default(),
                    done: done.remove(&row.id).unwrap_or_default(),
                    open: open.remove(&row.id).unwrap_or_default(),
                    before: row
                        .spent_before
                        .map(decode::count)
                        .zip(row.active_before)
                        .filter(|(spent, _)| *spent > 0),
                })
            })
            .collect()
    }

    /// What the ended fetches of some runs were expected to take, and what they took.
    async fn done_work(
        &self,
        tenants: &[Uuid],
        runs: &[Uuid],
    ) -> Result<BTreeMap<Uuid, (u64, u64)>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                f.run_id,
                sum(f.expected_count)::bigint AS "expected!",
                sum(coalesce(u.spent, 0))::bigint AS "spent!"
            FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, run_id)
            JOIN fetches f ON f.tenant_id = w.tenant_id AND f.run_id = w.run_id
            LEFT JOIN (
                SELECT s.tenant_id, s.run_id, s.fetch_id, sum(s.core_count)::bigint AS spent
                FROM unnest($1::uuid[], $2::uuid[]) AS v (tenant_id, run_id)
                JOIN usages s ON s.tenant_id = v.tenant_id AND s.run_id = v.run_id
                GROUP BY s.tenant_id, s.run_id, s.fetch_id
            ) u ON u.tenant_id = f.tenant_id AND u.run_id = f.run_id AND u.fetch_id = f.id
            WHERE f.ended_at IS NOT NULL AND f.expected_count IS NOT NULL
            GROUP BY f.run_id
            "#,
            tenants,
            runs,
        )
        .fetch_all(&self.db.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let done = (decode::count(row.expected), decode::count(row.spent));
                (row.run_id, done)
            })
            .collect())
    }

    async fn open_fetches(
        &self,
        tenants: &[Uuid],
        runs: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<OpenFetch>>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                f.run_id,
                r.forge_id,
                f.expected_count AS "expected!",
                (
                    SELECT coalesce(sum(u.core_count), 0)::bigint
                    FROM usages u
                    WHERE f.started_at IS NOT NULL
                        AND u.tenant_id = f.tenant_id
                        AND u.run_id = f.run_id
                        AND u.fetch_id = f.id
                ) AS "spent!"
            FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, run_id)
            JOIN fetches f ON f.tenant_id = w.tenant_id AND f.run_id = w.run_id
            JOIN repositories r ON r.tenant_id = f.tenant_id AND r.id = f.repository_id
            WHERE f.ended_at IS NULL AND f.expected_count IS NOT NULL
            "#,
            tenants,
            runs,
        )
        .fetch_all(&self.db.pool)
        .await?;
        let mut open: BTreeMap<Uuid, Vec<OpenFetch>> = BTreeMap::new();
        for row in rows {
            open.entry(row.run_id).or_default().push(OpenFetch {
                forge_id: row.forge_id,
                expected: decode::count(row.expected),
                spent: decode::count(row.spent),
            });
        }
        Ok(open)
    }

    async fn pools_of(
        &self,
        tenants: &[Uuid],
        plans: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<CredentialId>>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT p.id AS plan_id, c.id AS credential_id
            FROM unnest($1::uuid[], $2::uuid[]) AS w (tenant_id, plan_id)
            JOIN plans p ON p.tenant_id = w.tenant_id AND p.id = w.plan_id
            JOIN credentials c
                ON c.tenant_id = p.tenant_id
                AND c.organization_id = p.organization_id
                AND c.removed_at IS NULL
            LEFT JOIN plan_credentials u
                ON u.tenant_id = p.tenant_id AND u.plan_id = p.id AND u.credential_id = c.id
            WHERE (c.role = 'main' OR (p.additional_credentials AND u.plan_id IS NOT NULL))
            ORDER BY p.id, c.role <> 'main', c.name
            "#,
            tenants,
            plans,
        )
        .fetch_all(&self.db.pool)
        .await?;
        let mut pools: BTreeMap<Uuid, Vec<CredentialId>> = BTreeMap::new();
        for row in rows {
            let pool = pools.entry(row.plan_id).or_default();
            pool.push(CredentialId(row.credential_id));
        }
        Ok(pools)
    }
}
