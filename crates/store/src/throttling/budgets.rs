//! What buckets have left, and who spends it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{Resource, RunId};
use sqlx::{Postgres, Transaction};

use super::{Budget, Spender};
use crate::quota::Known;
use crate::{Error, Scoped, decode};

#[derive(Default)]
struct Lately {
    requests: u64,
    refused: u64,
    waits: u64,
}

impl Scoped {
    /// The budgets of buckets that this tenant's credentials draw on.
    pub(super) async fn budgets(
        &self,
        keys: &[String],
        lately_from: DateTime<Utc>,
    ) -> Result<Vec<Budget>, Error> {
        let now = self.db.clock.now();
        let mut lately: BTreeMap<(String, String), Lately> = sqlx::query!(
            r#"
            SELECT
                key,
                resource,
                sum(request_count)::bigint AS "requests!",
                sum(refused_count)::bigint AS "refused!",
                sum(wait_count)::bigint AS "waits!"
            FROM bucket_minutes
            WHERE key = ANY($1) AND minute >= $2
            GROUP BY key, resource
            "#,
            keys,
            lately_from,
        )
        .fetch_all(&self.db.pool)
        .await?
        .into_iter()
        .map(|row| {
            let lately = Lately {
                requests: decode::count(row.requests),
                refused: decode::count(row.refused),
                waits: decode::count(row.waits),
            };
            ((row.key, row.resource), lately)
        })
        .collect();
        let rows = sqlx::query!(
            r#"
            SELECT
                key,
                resource,
                request_limit,
                remaining,
                reset_at,
                backoff_until,
                backoff_reason,
                watched_from,
                others_spent,
                others_an_hour
            FROM buckets
            WHERE key = ANY($1)
            ORDER BY key, resource
            "#,
            keys,
        )
        .fetch_all(&self.db.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let known = Known::stored(row.request_limit, row.remaining, row.reset_at).roll(now);
                let key = decode::text("a bucket", &row.key)?;
                let lately = lately
                    .remove(&(row.key, row.resource.clone()))
                    .unwrap_or_default();
                let is_watched = row.watched_from.is_some() && known.reset_at.is_some();
                Ok(Budget {
                    key,
                    resource: Resource(row.resource),
                    left: known.left.map(|left| (left.remaining, left.limit)),
                    reset_at: known.reset_at,
                    backoff: row
                        .backoff_until
                        .filter(|until| *until > now)
                        .zip(row.backoff_reason),
                    others: is_watched.then(|| {
                        (
                            decode::count(row.others_spent),
                            decode::count(row.others_an_hour),
                        )
                    }),
                    requests: lately.requests,
                    refused: lately.refused,
                    waits: lately.waits,
                })
            })
            .collect()
    }

    /// What this tenant's runs spent lately of some buckets.
    pub(super) async fn spenders_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        keys: &[String],
        lately_from: DateTime<Utc>,
    ) -> Result<Vec<Spender>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                s.run_id,
                p.name AS plan_name,
                c.bucket,
                s.resource,
                sum(s.request_count)::bigint AS "requests!"
            FROM spendings s
            JOIN credentials c ON c.tenant_id = s.tenant_id AND c.id = s.credential_id
            JOIN runs r ON r.tenant_id = s.tenant_id AND r.id = s.run_id
            JOIN plans p ON p.tenant_id = r.tenant_id AND p.id = r.plan_id
            WHERE s.tenant_id = $1 AND s.minute >= $2 AND c.bucket = ANY($3)
            GROUP BY s.run_id, p.name, c.bucket, s.resource
            ORDER BY 5 DESC, s.run_id, c.bucket, s.resource
            "#,
            self.tenant.0,
            lately_from,
            keys,
        )
        .fetch_all(&mut **tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Spender {
                    run: RunId(row.run_id),
                    plan_name: decode::text("a plan's name", &row.plan_name)?,
                    key: decode::text("a bucket", &row.bucket)?,
                    resource: Resource(row.resource),
                    requests: decode::count(row.requests),
                })
            })
            .collect()
    }
}
