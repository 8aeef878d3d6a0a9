//! Reading forecasts, and what a run that has not begun is going to take.

use chrono::{DateTime, Utc};
use domain::{OrganizationId, PlanId, RunId};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::{Error, Scoped, decode};

/// Runs of which the mean is expected to come again.
const RUNS: i64 = 5;

/// What was expected of a run, and what is expected now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// The run.
    pub run: RunId,
    /// When it was foretold first: its organization had just been listed.
    pub made_at: DateTime<Utc>,
    /// Requests that were expected then.
    pub requests: u64,
    /// When its end was expected then.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it was looked at last.
    pub looked_at: DateTime<Utc>,
    /// Requests that its fetches have been charged for by now.
    pub spent: u64,
    /// Requests that are still expected.
    pub left: u64,
    /// Requests a minute, as long as there was quota.
    pub a_minute: Option<u64>,
    /// When its end is expected by now.
    pub expected_end_at: Option<DateTime<Utc>>,
}

/// What the next run of a plan is going to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Requests.
    pub requests: u64,
    /// Runs from which that was learnt; none where what other plans took for each repository had to do.
    pub runs: u64,
    /// Requests a minute, as long as there is quota, if any run has shown it.
    pub a_minute: Option<u64>,
}

struct Row {
    run_id: Uuid,
    made_at: DateTime<Utc>,
    request_count: i64,
    ends_at: Option<DateTime<Utc>>,
    looked_at: DateTime<Utc>,
    left_count: i64,
    spent_count: i64,
    active_s: f64,
    expected_end_at: Option<DateTime<Utc>>,
    charged: i64,
    is_ended: bool,
}

impl Row {
    fn read(self) -> Forecast {
        // The last look was a moment before the end; what was charged is known exactly.
        let (spent, left) = if self.is_ended {
            (decode::count(self.charged), 0)
        } else {
            (
                decode::count(self.spent_count),
                decode::count(self.left_count),
            )
        };
        Forecast {
            run: RunId(self.run_id),
            made_at: self.made_at,
            requests: decode::count(self.request_count),
            ends_at: self.ends_at,
            looked_at: self.looked_at,
            spent,
            left,
            a_minute: a_minute(decode::count(self.spent_count), self.active_s),
            expected_end_at: self.expected_end_at,
        }
    }
}

/// Requests a minute; nothing where too little was seen of them.
fn a_minute(requests: u64, seconds: f64) -> Option<u64> {
    if requests == 0 || seconds <= 1.0 {
        return None;
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is an estimate, positive and far below 2^53"
    )]
    let rate = (requests as f64 * 60.0 / seconds).ceil() as u64;
    Some(rate.max(1))
}

impl Scoped {
    /// The forecasts of some runs. Those that nobody has foretold have none.
    #[instrument(name = "store.forecasts.read", level = "debug", skip_all)]
    pub async fn forecasts(&self, runs: &[RunId]) -> Result<Vec<Forecast>, Error> {
        let mut tx = self.begin().await?;
        let forecasts = self.forecasts_in(&mut tx, runs).await?;
        tx.commit().await?;
        Ok(forecasts)
    }

    pub(crate) async fn forecasts_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        runs: &[RunId],
    ) -> Result<Vec<Forecast>, Error> {
        let ids: Vec<Uuid> = runs.iter().map(|run| run.0).collect();
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT
                f.run_id,
                f.made_at,
                f.request_count,
                f.ends_at,
                f.looked_at,
                f.left_count,
                f.spent_count,
                f.active_s,
                f.expected_end_at,
                (
                    SELECT coalesce(sum(u.core_count), 0)::bigint
                    FROM usages u
                    WHERE r.ended_at IS NOT NULL
                        AND u.tenant_id = f.tenant_id
                        AND u.run_id = f.run_id
                        AND u.fetch_id IS NOT NULL
                ) AS "charged!",
                r.ended_at IS NOT NULL AS "is_ended!"
            FROM forecasts f
            JOIN runs r ON r.tenant_id = f.tenant_id AND r.id = f.run_id
            WHERE f.tenant_id = $1 AND f.run_id = ANY($2)
            "#,
            self.tenant.0,
            &ids,
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(rows.into_iter().map(Row::read).collect())
    }

    /// What the next run of a plan is going to take: as much as its last ones. A plan without any takes for each repository that
    /// it selects what a first reading took by other plans of the organization, on average. Nothing where nobody has read one.
    #[instrument(name = "store.forecasts.expect", level = "debug", skip_all)]
    pub async fn expected(
        &self,
        plan: Option<PlanId>,
        organization: OrganizationId,
        repositories: u64,
    ) -> Result<Option<Expected>, Error> {
        let mut tx = self.begin().await?;
        let before = sqlx::query!(
            r#"
            SELECT
                count(*) AS "runs!",
                coalesce(avg(b.spent_count), 0)::bigint AS "mean!",
                coalesce(sum(b.spent_count), 0)::bigint AS "spent!",
                coalesce(sum(b.active_s), 0) AS "active_s!"
            FROM (
                SELECT f.spent_count, f.active_s
                FROM runs r
                JOIN forecasts f ON f.tenant_id = r.tenant_id AND f.run_id = r.id
                WHERE r.tenant_id = $1
                    AND r.plan_id = $2
                    AND r.retry_of IS NULL
                    AND r.state IN ('complete', 'complete_with_omissions')
                ORDER BY r.requested_at DESC, r.id DESC
                LIMIT $3
            ) b
            "#,
            self.tenant.0,
            plan.map(|plan| plan.0),
            RUNS,
        )
        .fetch_one(&mut *tx)
        .await?;
        let a_minute = a_minute(decode::count(before.spent), before.active_s);
        if before.runs > 0 {
            tx.commit().await?;
            return Ok(Some(Expected {
                requests: decode::count(before.mean),
                runs: decode::count(before.runs),
                a_minute,
            }));
        }
        let mean = sqlx::query_scalar!(
            r#"
            SELECT avg(c.request_count)
            FROM repository_costs c
            JOIN repositories r ON r.tenant_id = c.tenant_id AND r.id = c.repository_id
            WHERE c.tenant_id = $1 AND r.organization_id = $2 AND c.sweep
            "#,
            self.tenant.0,
            organization.0,
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(mean.map(|mean| {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a mean is an estimate, positive and far below 2^53"
            )]
            let requests = (mean * repositories as f64).round() as u64;
            Expected {
                requests,
                runs: 0,
                a_minute,
            }
        }))
    }
}
