//! Reading the past of one bucket, as a tenant may see it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{BucketKey, CredentialId, Resource};
use tracing::instrument;

use crate::{Error, Scoped, decode};

/// How far back, and how finely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A day, by the minute.
    Day,
    /// 90 days, by the hour.
    Quarter,
}

impl Span {
    /// How far back it goes.
    pub fn length(self) -> TimeDelta {
        match self {
            Self::Day => TimeDelta::days(1),
            Self::Quarter => TimeDelta::days(90),
        }
    }

    /// The time that one point stands for.
    pub fn step(self) -> TimeDelta {
        match self {
            Self::Day => TimeDelta::minutes(1),
            Self::Quarter => TimeDelta::hours(1),
        }
    }
}

/// What one budget did in a minute or an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastPoint {
    /// When the minute or the hour began.
    pub at: DateTime<Utc>,
    /// Requests that this tenant sent.
    pub own: u64,
    /// Requests that others of this installation sent.
    pub neighbours: u64,
    /// Requests that the host refused, whoever of this installation had sent them.
    pub refused: u64,
    /// Requests of this installation that began to wait.
    pub waits: u64,
    /// What somebody else spent: in the window that was running by the minute's end, or in the hour.
    pub others: u64,
    /// What was left of which limit: at the minute's end, or at least in the hour.
    pub left: Option<(u64, u64)>,
    /// When the window ended that was running.
    pub reset_at: Option<DateTime<Utc>>,
}

/// The past of one bucket's budget. Times in which nothing happened have no point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPast {
    /// Whose budget.
    pub key: BucketKey,
    /// The oldest first.
    pub points: Vec<PastPoint>,
}

struct Row {
    at: DateTime<Utc>,
    requests: i64,
    refused: i64,
    waits: i64,
    others: i64,
    request_limit: Option<i64>,
    remaining: Option<i64>,
    reset_at: Option<DateTime<Utc>>,
}

impl Scoped {
    /// The past of the bucket that a credential of this tenant draws on; nothing if there is no such credential.
    #[instrument(name = "store.history.read", level = "debug", skip_all, fields(%credential))]
    pub async fn bucket_past(
        &self,
        credential: CredentialId,
        resource: &Resource,
        span: Span,
    ) -> Result<Option<BucketPast>, Error> {
        let since = self.db.clock.now() - span.length();
        let mut tx = self.begin().await?;
        let key = sqlx::query_scalar!(
            "SELECT bucket FROM credentials WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL",
            self.tenant.0,
            credential.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(key) = key else { return Ok(None) };
        let own = match span {
            Span::Day => sqlx::query!(
                r#"
                    SELECT s.minute AS at, sum(s.request_count)::bigint AS "requests!"
                    FROM spendings s
                    JOIN credentials c ON c.tenant_id = s.tenant_id AND c.id = s.credential_id
                    WHERE s.tenant_id = $1 AND c.bucket = $2 AND s.resource = $3 AND s.minute >= $4
                    GROUP BY s.minute
                    "#,
                self.tenant.0,
                key,
                resource.0,
                since,
            )
            .fetch_all(&mut *tx)
            .await?
            .into_iter()
            .map(|row| (row.at, row.requests))
            .collect::<BTreeMap<_, _>>(),
            Span::Quarter => sqlx::query!(
                r#"
                SELECT s.hour AS at, sum(s.request_count)::bigint AS "requests!"
                FROM spending_hours s
                JOIN credentials c ON c.tenant_id = s.tenant_id AND c.id = s.credential_id
                WHERE s.tenant_id = $1 AND c.bucket = $2 AND s.resource = $3 AND s.hour >= $4
                GROUP BY s.hour
                "#,
                self.tenant.0,
                key,
                resource.0,
                since,
            )
            .fetch_all(&mut *tx)
            .await?
            .into_iter()
            .map(|row| (row.at, row.requests))
            .collect(),
        };
        tx.commit().await?;
        let rows = self.past_rows(&key, resource, span, since).await?;
        let points = rows.into_iter().map(|row| {
            let own = own.get(&row.at).copied().map_or(0, decode::count);
            PastPoint {
                at: row.at,
                own,
                neighbours: decode::count(row.requests).saturating_sub(own),
                refused: decode::count(row.refused),
                waits: decode::count(row.waits),
                others: decode::count(row.others),
                left: row
                    .remaining
                    .zip(row.request_limit)
                    .map(|(left, limit)| (decode::count(left), decode::count(limit))),
                reset_at: row.reset_at,
            }
        });
        Ok(Some(BucketPast {
            key: decode::text("a bucket", &key)?,
            points: points.collect(),
        }))
    }

    /// The rows of a bucket that one of this tenant's credentials draws on.
    async fn past_rows(
        &self,
        key: &str,
        resource: &Resource,
        span: Span,
        since: DateTime<Utc>,
    ) -> Result<Vec<Row>, Error> {
        let pool = &self.db.pool;
        Ok(match span {
            Span::Day => {
                sqlx::query_as!(
                    Row,
                    r#"
                    SELECT
                        minute AS at,
                        request_count AS requests,
                        refused_count AS refused,
                        wait_count AS waits,
                        others_spent AS others,
                        request_limit,
                        remaining,
                        reset_at
                    FROM bucket_minutes
                    WHERE key = $1 AND resource = $2 AND minute >= $3
                    ORDER BY minute
                    "#,
                    key,
                    resource.0,
                    since,
                )
                .fetch_all(pool)
                .await?
            }
            Span::Quarter => {
                sqlx::query_as!(
                    Row,
                    r#"
                    SELECT
                        hour AS at,
                        request_count AS requests,
                        refused_count AS refused,
                        wait_count AS waits,
                        others_spent AS others,
                        request_limit,
                        remaining,
                        reset_at
                    FROM bucket_hours
                    WHERE key = $1 AND resource = $2 AND hour >= $3
                    ORDER BY hour
                    "#,
                    key,
                    resource.0,
                    since,
                )
                .fetch_all(pool)
                .await?
            }
        })
    }
}
