//! Claiming a run to list its organization, and ending that claim.

use chrono::{DateTime, Utc};
use domain::{FetchId, PlanId, RepositoryId, RunId, RunState, TenantId, WorkerId};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use super::ClaimedRun;
use crate::bell::announce;
use crate::runs::end;
use crate::runs::log::{self, Happening};
use crate::usages::add_throttle_in;
use crate::{Error, FetchKind, FetchSize, Fleet, NewFetch, Trigger, Work, decode};

impl Fleet {
    /// Claims the next run whose organization is to be listed.
    #[instrument(name = "store.runs.claim", level = "debug", skip_all, fields(worker = %worker))]
    pub async fn claim_run(
        &self,
        worker: WorkerId,
        now: DateTime<Utc>,
    ) -> Result<Option<ClaimedRun>, Error> {
        let mut tx = self.db.begin().await?;
        crate::workers::check_alive(&mut tx, worker).await?;
        let row = sqlx::query!(
            r#"
            WITH next AS MATERIALIZED (
                SELECT tenant_id, id
                FROM runs
                WHERE ended_at IS NULL
                    AND listed_at IS NULL
                    AND (
                        (state = 'queued' AND (not_before IS NULL OR not_before <= $2))
                        OR (state = 'throttled' AND not_before <= $2)
                    )
                    AND (window_ends_at IS NULL OR window_ends_at > $2)
                ORDER BY trigger <> 'person', requested_at, id
                LIMIT 1
                FOR NO KEY UPDATE SKIP LOCKED
            )
            UPDATE runs r
            SET
                state = 'running',
                worker_id = $1,
                fence = r.fence + 1,
                started_at = coalesce(r.started_at, $2),
                not_before = NULL,
                cause = NULL
            FROM next, tenants t
            WHERE r.tenant_id = next.tenant_id AND r.id = next.id AND t.id = r.tenant_id
            RETURNING
                r.tenant_id,
                t.name AS tenant_name,
                t.weight AS tenant_weight,
                r.id,
                r.fence,
                r.failed_count,
                r.due_at,
                r.window_ends_at,
                r.retry_of,
                r.plan_id
            "#,
            worker.0,
            now,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let scoped = self.db.tenant(TenantId(row.tenant_id));
        let plan = scoped
            .plans_in(&mut tx, Some(PlanId(row.plan_id)))
            .await?
            .into_iter()
            .next()
            .ok_or(Error::Missing { what: "plan" })?;
        let organization = scoped
            .organizations_in(&mut tx, Some(plan.organization))
            .await?
            .into_iter()
            .next()
            .ok_or(Error::Missing {
                what: "organization",
            })?;
        let only = match row.retry_of {
            Some(other) => Some(unfinished(&mut tx, scoped.tenant, other).await?),
            None => None,
        };
        let listing = Happening::Listing {
            organization: organization.name.as_str(),
        };
        log::add(&mut tx, scoped.tenant, RunId(row.id), now, listing).await?;
        tx.commit().await?;
        Ok(Some(ClaimedRun {
            only,
            tenant: scoped.tenant,
            tenant_name: decode::text("a tenant's name", &row.tenant_name)?,
            run: RunId(row.id),
            fence: row.fence,
            failed_count: u32::try_from(row.failed_count).unwrap_or_default(),
            trigger: row.due_at.map_or(Trigger::Person, Trigger::Schedule),
            window_ends_at: row.window_ends_at,
            plan,
            organization,
            tenant_weight: decode::weight(row.tenant_weight)?,
        }))
    }

    /// Ends the claim on a run with what is to be done about each repository; they are fetched in this order. Answers how
    /// the run ended, if there is nothing to fetch.
    #[instrument(name = "store.runs.listed", skip_all, fields(run = %claim.run))]
    pub async fn run_listed(
        &self,
        claim: &ClaimedRun,
        fetches: &[NewFetch],
    ) -> Result<Option<RunState>, Error> {
        let now = self.db.clock.now();
        let mut tx = self.db.tenant(claim.tenant).begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE runs
            SET listed_at = $4, worker_id = NULL
            WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND worker_id IS NOT NULL
            "#,
            claim.tenant.0,
            claim.run.0,
            claim.fence,
            now,
        )
        .execute(&mut *tx)
        .await?;
        held(&result)?;
        insert_fetches(&mut tx, claim, fetches, now).await?;
        let listed = Happening::Listed {
            organization: claim.organization.name.as_str(),
            repositories: fetches.len(),
            unchanged: fetches
                .iter()
                .filter(|fetch| fetch.kind == FetchKind::Unchanged)
                .count(),
        };
        log::add(&mut tx, claim.tenant, claim.run, now, listed).await?;
        let ended = end::end_if_settled(&mut tx, claim.tenant, claim.run, now).await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Ends a run whose organization cannot be listed.
    #[instrument(name = "store.runs.fail", skip_all, fields(run = %claim.run))]
    pub async fn fail_run(&self, claim: &ClaimedRun, cause: &str) -> Result<(), Error> {
        let now = self.db.clock.now();
        let mut tx = self.db.tenant(claim.tenant).begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE runs
            SET state = 'failed', cause = $4, ended_at = $5, worker_id = NULL
            WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND worker_id IS NOT NULL
            "#,
            claim.tenant.0,
            claim.run.0,
            claim.fence,
            cause,
            now,
        )
        .execute(&mut *tx)
        .await?;
        held(&result)?;
        let failed = Happening::NotListed { cause };
        log::add(&mut tx, claim.tenant, claim.run, now, failed).await?;
        end::close(&mut tx, claim.tenant, claim.run, RunState::Failed, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives a run back that failed for a passing reason, to be listed again at `at`.
    #[instrument(name = "store.runs.retry", skip_all, fields(run = %claim.run))]
    pub async fn retry_run(
        &self,
        claim: &ClaimedRun,
        at: DateTime<Utc>,
        cause: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.tenant(claim.tenant).begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE runs
            SET
                state = 'queued',
                not_before = $4,
                cause = $5,
                failed_count = failed_count + 1,
                worker_id = NULL
            WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND worker_id IS NOT NULL
            "#,
            claim.tenant.0,
            claim.run.0,
            claim.fence,
            at,
            cause,
        )
        .execute(&mut *tx)
        .await?;
        held(&result)?;
        let again = Happening::Again {
            what: "The listing",
            at,
            cause,
        };
        log::add(&mut tx, claim.tenant, claim.run, self.db.clock.now(), again).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives a run back whose listing waits for quota until `until`.
    #[instrument(name = "store.runs.throttle", skip_all, fields(run = %claim.run))]
    pub async fn throttle_run(
        &self,
        claim: &ClaimedRun,
        until: DateTime<Utc>,
        cause: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.tenant(claim.tenant).begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE runs
            SET state = 'throttled', not_before = $4, cause = $5, worker_id = NULL
            WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND worker_id IS NOT NULL
            "#,
            claim.tenant.0,
            claim.run.0,
            claim.fence,
            until,
            cause,
        )
        .execute(&mut *tx)
        .await?;
        held(&result)?;
        let now = self.db.clock.now();
        add_throttle_in(&mut tx, Work::from(claim), now, until).await?;
        let throttled = Happening::Throttled { until, cause };
        log::add(&mut tx, claim.tenant, claim.run, now, throttled).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends a run that has no open fetch left, and answers how. Every settlement does so by itself.
    #[instrument(name = "store.runs.settle", skip_all, fields(run = %run))]
    pub async fn settle_run(
        &self,
        tenant: TenantId,
        run: RunId,
    ) -> Result<Option<RunState>, Error> {
        let mut tx = self.db.tenant(tenant).begin().await?;
        let ended = end::end_if_settled(&mut tx, tenant, run, self.db.clock.now()).await?;
        tx.commit().await?;
        Ok(ended)
    }
}

fn held(result: &sqlx::postgres::PgQueryResult) -> Result<(), Error> {
    match result.rows_affected() {
        0 => Err(Error::LostFence { what: "the run" }),
        _ => Ok(()),
    }
}

/// The repositories of a run that failed or lack something.
async fn unfinished(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    run: Uuid,
) -> Result<Vec<RepositoryId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"
        SELECT repository_id
        FROM fetches
        WHERE tenant_id = $1 AND run_id = $2 AND state IN ('failed', 'complete_with_omissions')
        ORDER BY id
        "#,
        tenant.0,
        run,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(ids.into_iter().map(RepositoryId).collect())
}

async fn insert_fetches(
    tx: &mut Transaction<'static, Postgres>,
    claim: &ClaimedRun,
    fetches: &[NewFetch],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = fetches.iter().map(|_| FetchId::new().0).collect();
    let repositories: Vec<Uuid> = fetches.iter().map(|fetch| fetch.repository.0).collect();
    let unchanged: Vec<bool> = fetches
        .iter()
        .map(|fetch| fetch.kind == FetchKind::Unchanged)
        .collect();
    let sweeps: Vec<bool> = fetches
        .iter()
        .map(|fetch| fetch.kind == FetchKind::Sweep)
        .collect();
    let sizes = |count: fn(&FetchSize) -> u64| -> Vec<Option<i64>> {
        fetches
            .iter()
            .map(|fetch| {
                fetch
                    .size
                    .as_ref()
                    .map(|size| decode::to_count(count(size)))
            })
            .collect()
    };
    sqlx::query!(
        r#"
        INSERT INTO fetches (
            tenant_id, id, run_id, plan_id, repository_id, state, sweep, snapshot_id, started_at, ended_at,
            page_count, expected_count
        )
        SELECT
            $1::uuid,
            n.id,
            $2::uuid,
            $3::uuid,
            n.repository_id,
            CASE WHEN n.unchanged THEN 'unchanged' ELSE 'queued' END,
            n.sweep,
            t.snapshot_id,
            CASE WHEN n.unchanged THEN $8::timestamptz END,
            CASE WHEN n.unchanged THEN $8 END,
            CASE WHEN NOT n.unchanged THEN n.page_count END,
            CASE WHEN NOT n.unchanged THEN n.expected_count END
        FROM unnest($4::uuid[], $5::uuid[], $6::boolean[], $7::boolean[], $9::bigint[], $10::bigint[])
            AS n (id, repository_id, unchanged, sweep, page_count, expected_count)
        LEFT JOIN plan_states t
            ON n.unchanged
            AND t.tenant_id = $1
            AND t.plan_id = $3
            AND t.repository_id = n.repository_id
        "#,
        claim.tenant.0,
        claim.run.0,
        claim.plan.id.0,
        &ids,
        &repositories,
        &unchanged,
        &sweeps,
        now,
        &sizes(|size| size.pages) as &[Option<i64>],
        &sizes(|size| size.expected) as &[Option<i64>],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
