//! What happened to the pool: what befell buckets, and how a tenant's runs took it.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{OrganizationId, Resource, RunId};
use sqlx::{Postgres, Transaction};

use super::ThrottleEvent;
use crate::history::{BucketEvent, BucketEventKind};
use crate::{Error, LogLine, Scoped, decode};

/// Nobody counts further.
const COUNTED: i64 = 1_000;

/// The newest events of one source, and how many there were within the hour.
pub(super) struct Told {
    pub(super) newest: Vec<ThrottleEvent>,
    pub(super) of_hour: u64,
}

impl Scoped {
    /// The lines about waiting in the logs of this tenant's runs.
    pub(super) async fn run_waits_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        organization: Option<OrganizationId>,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Told, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                e.run_id,
                p.name AS plan_name,
                e.number,
                e.at,
                e.tone,
                e.sentence
            FROM run_events e
            JOIN runs r ON r.tenant_id = e.tenant_id AND r.id = e.run_id
            JOIN plans p ON p.tenant_id = r.tenant_id AND p.id = r.plan_id
            WHERE e.tenant_id = $1
                AND e.tone = 'wait'
                AND ($2::uuid IS NULL OR p.organization_id = $2)
            ORDER BY e.at DESC, e.number DESC
            LIMIT $3
            "#,
            self.tenant.0,
            organization.map(|id| id.0),
            i64::from(limit),
        )
        .fetch_all(&mut **tx)
        .await?;
        let of_hour = sqlx::query_scalar!(
            r#"
            SELECT count(*) AS "count!"
            FROM (
                SELECT
                FROM run_events e
                JOIN runs r ON r.tenant_id = e.tenant_id AND r.id = e.run_id
                JOIN plans p ON p.tenant_id = r.tenant_id AND p.id = r.plan_id
                WHERE e.tenant_id = $1
                    AND e.tone = 'wait'
                    AND e.at > $2
                    AND ($3::uuid IS NULL OR p.organization_id = $3)
                LIMIT $4
            ) counted
            "#,
            self.tenant.0,
            now - TimeDelta::hours(1),
            organization.map(|id| id.0),
            COUNTED,
        )
        .fetch_one(&mut **tx)
        .await?;
        let newest = rows
            .into_iter()
            .map(|row| {
                Ok(ThrottleEvent::Run {
                    run: RunId(row.run_id),
                    plan_name: decode::text("a plan's name", &row.plan_name)?,
                    line: LogLine {
                        number: row.number,
                        at: row.at,
                        tone: decode::word("a tone", &row.tone)?,
                        sentence: row.sentence,
                    },
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Told {
            newest,
            of_hour: decode::count(of_hour),
        })
    }

    /// What befell buckets that this tenant's credentials draw on.
    pub(super) async fn bucket_events(
        &self,
        keys: &[String],
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Told, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT key, resource, at, kind, until, reason
            FROM bucket_events
            WHERE key = ANY($1)
            ORDER BY at DESC, number DESC
            LIMIT $2
            "#,
            keys,
            i64::from(limit),
        )
        .fetch_all(&self.db.pool)
        .await?;
        let of_hour = sqlx::query_scalar!(
            r#"
            SELECT count(*) AS "count!"
            FROM (SELECT FROM bucket_events WHERE key = ANY($1) AND at > $2 LIMIT $3) counted
            "#,
            keys,
            now - TimeDelta::hours(1),
            COUNTED,
        )
        .fetch_one(&self.db.pool)
        .await?;
        let newest = rows
            .into_iter()
            .map(|row| {
                let reason = row.reason.unwrap_or_default();
                let kind = match (row.kind.as_str(), row.until) {
                    ("spent", Some(until)) => BucketEventKind::Spent { until },
                    ("backed_off", Some(until)) => BucketEventKind::BackedOff { until, reason },
                    _ => BucketEventKind::Refused { reason },
                };
                Ok(ThrottleEvent::Bucket(BucketEvent {
                    key: decode::text("a bucket", &row.key)?,
                    resource: Some(Resource(row.resource)).filter(|name| !name.0.is_empty()),
                    at: row.at,
                    kind,
                }))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Told {
            newest,
            of_hour: decode::count(of_hour),
        })
    }
}
