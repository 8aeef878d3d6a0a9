//! Reading runs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::run::{Tally, outcome};
use domain::{PlanId, RunId, RunState};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use super::{RunView, Trigger, end};
use crate::{Error, FetchView, RunCredential, Scoped, decode};

impl Scoped {
    /// One run.
    #[instrument(name = "store.runs.find", level = "debug", skip_all, fields(run = %id))]
    pub async fn run(&self, id: RunId) -> Result<Option<RunView>, Error> {
        let mut tx = self.begin().await?;
        let runs = self.runs_in(&mut tx, Some(id), 1).await?;
        tx.commit().await?;
        Ok(runs.into_iter().next())
    }

    /// The newest runs, the newest first.
    #[instrument(name = "store.runs.list", skip_all)]
    pub async fn runs(&self, limit: u32) -> Result<Vec<RunView>, Error> {
        let mut tx = self.begin().await?;
        let runs = self.runs_in(&mut tx, None, limit).await?;
        tx.commit().await?;
        Ok(runs)
    }

    async fn runs_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        only: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<RunView>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                r.id,
                r.plan_id,
                p.name AS plan_name,
                o.name AS organization_name,
                r.due_at,
                r.state,
                r.cause,
                r.cancel_requested_at,
                r.requested_at,
                r.started_at,
                r.listed_at,
                r.ended_at,
                r.not_before,
                p.next_due_at
            FROM runs r
            JOIN plans p ON p.tenant_id = r.tenant_id AND p.id = r.plan_id
            JOIN organizations o ON o.tenant_id = p.tenant_id AND o.id = p.organization_id
            WHERE r.tenant_id = $1 AND ($2::uuid IS NULL OR r.id = $2)
            ORDER BY r.requested_at DESC, r.id DESC
            LIMIT $3
            "#,
            self.tenant.0,
            only.map(|id| id.0),
            i64::from(limit),
        )
        .fetch_all(&mut **tx)
        .await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let mut tallies = end::tallies(tx, self.tenant, &ids).await?;
        let mut sums = self.sums(tx, &ids).await?;
        let mut credentials = self.spent(tx, &ids).await?;
        let mut waits = self.waits(tx, &ids).await?;
        let open: Vec<RunId> = rows
            .iter()
            .filter(|row| row.ended_at.is_none())
            .map(|row| RunId(row.id))
            .collect();
        let mut active: BTreeMap<Uuid, Vec<FetchView>> = BTreeMap::new();
        if !open.is_empty() {
            for (run, fetch) in self.fetches_in(tx, &open, true).await? {
                active.entry(run.0).or_default().push(fetch);
            }
        }
        rows.into_iter()
            .map(|row| {
                let tally = tallies.remove(&row.id).unwrap_or_default();
                let sum = sums.remove(&row.id).unwrap_or_default();
                let state = state(&row.state, row.listed_at, row.ended_at, &tally)?;
                Ok(RunView {
                    id: RunId(row.id),
                    plan: PlanId(row.plan_id),
                    plan_name: decode::text("a plan's name", &row.plan_name)?,
                    organization_name: decode::text(
                        "an organization's name",
                        &row.organization_name,
                    )?,
                    trigger: row.due_at.map_or(Trigger::Person, Trigger::Schedule),
                    state,
                    cause: row
                        .cause
                        .or(sum.cause.filter(|_| state == RunState::Throttled)),
                    cancelling: row.cancel_requested_at.is_some() && row.ended_at.is_none(),
                    tally,
                    requested_at: row.requested_at,
                    started_at: row.started_at,
                    listed_at: row.listed_at,
                    ended_at: row.ended_at,
                    throttled_until: (state == RunState::Throttled)
                        .then(|| row.not_before.or(sum.not_before).or(row.next_due_at))
                        .flatten(),
                    throttled_s: waits.remove(&row.id).unwrap_or_default(),
                    bytes_added: sum.bytes_added,
                    credentials: credentials.remove(&row.id).unwrap_or_default(),
                    active: active.remove(&row.id).unwrap_or_default(),
                })
            })
            .collect()
    }

    async fn sums(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        runs: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Sum>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                run_id,
                sum(bytes_added)::bigint AS "bytes_added!",
                min(not_before) FILTER (WHERE state = 'throttled') AS not_before,
                min(cause) FILTER (WHERE state = 'throttled') AS cause
            FROM fetches
            WHERE tenant_id = $1 AND run_id = ANY($2)
            GROUP BY run_id
            "#,
            self.tenant.0,
            runs,
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let sum = Sum {
                    bytes_added: decode::count(row.bytes_added),
                    not_before: row.not_before,
                    cause: row.cause,
                };
                (row.run_id, sum)
            })
            .collect())
    }

    async fn spent(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        runs: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<RunCredential>>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                u.run_id,
                c.name,
                sum(u.request_count)::bigint AS "requests!",
                sum(u.refused_count)::bigint AS "refused!",
                sum(u.not_modified_count)::bigint AS "not_modified!",
                sum(u.point_count)::bigint AS "points!"
            FROM usages u
            JOIN credentials c ON c.tenant_id = u.tenant_id AND c.id = u.credential_id
            WHERE u.tenant_id = $1 AND u.run_id = ANY($2)
            GROUP BY u.run_id, c.id, c.name
            ORDER BY c.name
            "#,
            self.tenant.0,
            runs,
        )
        .fetch_all(&mut **tx)
        .await?;
        let mut spent: BTreeMap<Uuid, Vec<RunCredential>> = BTreeMap::new();
        for row in rows {
            spent.entry(row.run_id).or_default().push(RunCredential {
                name: decode::text("a credential's name", &row.name)?,
                requests: decode::count(row.requests),
                refused: decode::count(row.refused),
                not_modified: decode::count(row.not_modified),
                points: decode::count(row.points),
            });
        }
        Ok(spent)
    }

    /// Seconds in which each run waited: times of several fetches that overlap count once.
    async fn waits(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        runs: &[Uuid],
    ) -> Result<BTreeMap<Uuid, f64>, Error> {
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
            self.tenant.0,
            runs,
            self.db.clock.now(),
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.run_id, row.seconds))
            .collect())
    }
}

/// What the fetches of a run add up to.
#[derive(Debug, Default)]
struct Sum {
    bytes_added: u64,
    not_before: Option<DateTime<Utc>>,
    cause: Option<String>,
}

/// The state of an open run that was listed follows from its fetches.
fn state(
    stored: &str,
    listed_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    tally: &Tally,
) -> Result<RunState, Error> {
    if listed_at.is_some() && ended_at.is_none() && tally.open() > 0 {
        Ok(outcome(tally))
    } else {
        decode::run_state(stored)
    }
}
