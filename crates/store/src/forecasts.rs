//! What runs are expected to take: learnt from what fetches took, foretold while a run goes on, and kept to be compared with what
//! became of it.

use chrono::{DateTime, Utc};
use domain::{
    CredentialId, OrganizationId, PlanId, PoolPart, RepositoryId, RunId, TenantId, Weight,
};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::{Error, Fleet, decode};

mod open;
mod read;

pub use read::{Expected, Forecast};

/// What reading one repository took so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RepositoryCost {
    /// Of which plan, because plans read different kinds of data.
    pub plan: PlanId,
    /// The repository.
    pub repository: RepositoryId,
    /// Whether all of it was read, or what had changed.
    pub sweep: bool,
    /// Requests that the counts of the host's list suggested.
    pub pages: f64,
    /// Requests that it was charged for.
    pub requests: f64,
}

/// What a run under way still has to do.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenWork {
    /// The tenant.
    pub tenant: TenantId,
    /// The tenant's weight among tenants.
    pub tenant_weight: Weight,
    /// The run.
    pub run: RunId,
    /// Its plan.
    pub plan: PlanId,
    /// The plan's weight among its tenant's.
    pub plan_weight: Weight,
    /// How much of each bucket the plan may take.
    pub pool_part: PoolPart,
    /// Whether a person waits for it.
    pub is_urgent: bool,
    /// The credentials that the plan may use.
    pub credentials: Vec<CredentialId>,
    /// What its ended fetches were expected to take, and what they took.
    pub done: (u64, u64),
    /// Its open fetches.
    pub open: Vec<OpenFetch>,
    /// What the plan's last runs were charged for, and the seconds that they took for it while they had quota.
    pub before: Option<(u64, f64)>,
}

/// A fetch that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFetch {
    /// The host's number of the repository.
    pub forge_id: i64,
    /// Requests that it was expected to take.
    pub expected: u64,
    /// Requests that it was charged for so far.
    pub spent: u64,
}

/// What is expected of a run at this moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForecastRow {
    /// The tenant.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// Requests that it has been charged for.
    pub spent: u64,
    /// Requests that it is still going to be charged for.
    pub left: u64,
    /// Seconds in which it went on, because there was quota.
    pub active_s: f64,
    /// When it is going to end; nothing if that cannot be told.
    pub ends_at: Option<DateTime<Utc>>,
}

impl Fleet {
    /// What reading the repositories of an organization took so far.
    #[instrument(name = "store.costs.list", level = "debug", skip_all, fields(organization = %organization))]
    pub async fn repository_costs(
        &self,
        tenant: TenantId,
        organization: OrganizationId,
    ) -> Result<Vec<RepositoryCost>, Error> {
        let mut tx = self.db.tenant(tenant).begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT c.plan_id, c.repository_id, c.sweep, c.page_count, c.request_count
            FROM repository_costs c
            JOIN repositories r ON r.tenant_id = c.tenant_id AND r.id = c.repository_id
            WHERE c.tenant_id = $1 AND r.organization_id = $2
            "#,
            tenant.0,
            organization.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(rows
            .into_iter()
            .map(|row| RepositoryCost {
                plan: PlanId(row.plan_id),
                repository: RepositoryId(row.repository_id),
                sweep: row.sweep,
                pages: row.page_count,
                requests: row.request_count,
            })
            .collect())
    }

    /// Writes down what is expected of runs at this moment. What was expected first stays beside it.
    #[instrument(name = "store.forecasts.put", level = "debug", skip_all)]
    pub async fn put_forecasts(&self, rows: &[ForecastRow]) -> Result<(), Error> {
        let now = self.db.clock.now();
        let mut rows: Vec<&ForecastRow> = rows.iter().collect();
        rows.sort_by_key(|row| (row.tenant, row.run));
        let of = |value: fn(&ForecastRow) -> Uuid| -> Vec<Uuid> {
            rows.iter().map(|row| value(row)).collect()
        };
        let counts = |value: fn(&ForecastRow) -> u64| -> Vec<i64> {
            rows.iter()
                .map(|row| decode::to_count(value(row)))
                .collect()
        };
        let ends: Vec<Option<DateTime<Utc>>> = rows.iter().map(|row| row.ends_at).collect();
        let active: Vec<f64> = rows.iter().map(|row| row.active_s).collect();
        sqlx::query!(
            r#"
            INSERT INTO forecasts (
                tenant_id, run_id, made_at, request_count, ends_at,
                looked_at, left_count, spent_count, active_s, expected_end_at
            )
            SELECT
                n.tenant_id, n.run_id, $1, n.spent + n.unspent, n.ends_at,
                $1, n.unspent, n.spent, n.active_s, n.ends_at
            FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::float8[], $7::timestamptz[])
                AS n (tenant_id, run_id, spent, unspent, active_s, ends_at)
            JOIN runs r ON r.tenant_id = n.tenant_id AND r.id = n.run_id AND r.ended_at IS NULL
            ON CONFLICT (tenant_id, run_id) DO UPDATE
            SET
                ends_at = coalesce(forecasts.ends_at, EXCLUDED.ends_at),
                looked_at = EXCLUDED.looked_at,
                left_count = EXCLUDED.left_count,
                spent_count = EXCLUDED.spent_count,
                active_s = greatest(forecasts.active_s, EXCLUDED.active_s),
                expected_end_at = EXCLUDED.expected_end_at
            "#,
            now,
            &of(|row| row.tenant.0),
            &of(|row| row.run.0),
            &counts(|row| row.spent),
            &counts(|row| row.left),
            &active,
            &ends as &[Option<DateTime<Utc>>],
        )
        .execute(&self.db.pool)
        .await?;
        Ok(())
    }
}

/// Learns what a fetch took that has just read a repository: the last ones weigh the most.
pub(crate) async fn learn(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    fetch: Uuid,
    sweep: bool,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        INSERT INTO repository_costs (
            tenant_id, plan_id, repository_id, sweep, page_count, request_count, measured_at
        )
        SELECT
            f.tenant_id,
            f.plan_id,
            f.repository_id,
            $3,
            f.page_count,
            (
                SELECT coalesce(sum(u.core_count), 0)
                FROM usages u
                WHERE u.tenant_id = f.tenant_id AND u.run_id = f.run_id AND u.fetch_id = f.id
            ),
            $4
        FROM fetches f
        WHERE f.tenant_id = $1 AND f.id = $2 AND f.page_count IS NOT NULL
        ON CONFLICT (tenant_id, plan_id, repository_id, sweep) DO UPDATE
        SET
            page_count = (repository_costs.page_count + EXCLUDED.page_count) / 2,
            request_count = (repository_costs.request_count + EXCLUDED.request_count) / 2,
            measured_at = EXCLUDED.measured_at
        "#,
        tenant.0,
        fetch,
        sweep,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
