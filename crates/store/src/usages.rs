//! What a run spends: requests by credential, times of waiting for quota, and why which credential was chosen.

use chrono::{DateTime, Utc};
use domain::{CredentialId, FetchId, Name, Resource, RunId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::runs::log::{self, Happening};
use crate::{ClaimedFetch, ClaimedRun, Error, Fleet, decode};

/// The work that something was spent for: a fetch, or the listing of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// The tenant.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// The fetch; none while the organization is listed.
    pub fetch: Option<FetchId>,
}

impl From<&ClaimedFetch> for Work {
    fn from(claim: &ClaimedFetch) -> Self {
        Self {
            tenant: claim.tenant,
            run: claim.run,
            fetch: Some(claim.fetch),
        }
    }
}

impl From<&ClaimedRun> for Work {
    fn from(claim: &ClaimedRun) -> Self {
        Self {
            tenant: claim.tenant,
            run: claim.run,
            fetch: None,
        }
    }
}

/// What was spent of one credential since the last report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageRow {
    /// The credential.
    pub credential: CredentialId,
    /// Requests sent.
    pub requests: u64,
    /// Requests that the host refused.
    pub refused: u64,
    /// Answers that said "not modified".
    pub not_modified: u64,
    /// Quota charged.
    pub points: u64,
    /// The part of it that was REST requests.
    pub core: u64,
}

/// Why work went on with one credential.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceRow {
    /// When.
    pub at: DateTime<Utc>,
    /// The one chosen.
    pub credential: CredentialId,
    /// The budget that was drawn on.
    pub resource: Resource,
    /// What the chosen one had left.
    pub remaining: u32,
    /// What a whole window of it holds, if that is known.
    pub limit: Option<u32>,
    /// When its window ends, if that is known.
    pub reset_at: Option<DateTime<Utc>>,
    /// The others, with the reason against each.
    pub runners_up: Value,
    /// A sentence for a person.
    pub why: String,
    /// The one that had been used so far, and why it could not go on.
    pub left: Option<(CredentialId, String)>,
}

/// What a run has spent of one credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCredential {
    /// The credential's name; it may have been removed since.
    pub name: Name,
    /// Requests sent.
    pub requests: u64,
    /// Requests that the host refused.
    pub refused: u64,
    /// Answers that said "not modified".
    pub not_modified: u64,
    /// Quota charged.
    pub points: u64,
}

impl Fleet {
    /// Adds to what work has spent. What was spent stays spent, so a lost claim may still report.
    #[instrument(name = "store.usages.add", level = "debug", skip_all)]
    pub async fn add_usage(&self, work: impl Into<Work>, rows: &[UsageRow]) -> Result<(), Error> {
        let work = work.into();
        let scoped = self.db.tenant(work.tenant);
        let mut tx = scoped.begin().await?;
        let credentials: Vec<uuid::Uuid> = rows.iter().map(|row| row.credential.0).collect();
        let secrets = sqlx::query_scalar!(
            r#"
            SELECT secret_id AS "secret_id!"
            FROM credentials
            WHERE tenant_id = $1 AND id = ANY($2) AND secret_id IS NOT NULL
            "#,
            work.tenant.0,
            &credentials,
        )
        .fetch_all(&mut *tx)
        .await?;
        scoped.note_used_in(&mut tx, &secrets).await?;
        for row in rows {
            sqlx::query!(
                r#"
                INSERT INTO usages (
                    tenant_id, run_id, fetch_id, credential_id,
                    request_count, refused_count, not_modified_count, point_count, core_count
                )
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT ON CONSTRAINT usages_key DO UPDATE
                SET
                    request_count = usages.request_count + EXCLUDED.request_count,
                    refused_count = usages.refused_count + EXCLUDED.refused_count,
                    not_modified_count = usages.not_modified_count + EXCLUDED.not_modified_count,
                    point_count = usages.point_count + EXCLUDED.point_count,
                    core_count = usages.core_count + EXCLUDED.core_count
                "#,
                work.tenant.0,
                work.run.0,
                work.fetch.map(|id| id.0),
                row.credential.0,
                decode::to_count(row.requests),
                decode::to_count(row.refused),
                decode::to_count(row.not_modified),
                decode::to_count(row.points),
                decode::to_count(row.core),
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notes a time in which work waited for quota.
    #[instrument(name = "store.throttles.add", skip_all)]
    pub async fn add_throttle(
        &self,
        work: impl Into<Work>,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<(), Error> {
        let work = work.into();
        let mut tx = self.db.tenant(work.tenant).begin().await?;
        add_throttle_in(&mut tx, work, from, until).await?;
        let went_on = Happening::WentOn {
            at: until,
            waited: Some(until - from),
        };
        log::add(&mut tx, work.tenant, work.run, until, went_on).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes why work went on with which credential.
    #[instrument(name = "store.choices.add", level = "debug", skip_all)]
    pub async fn add_choices(
        &self,
        work: impl Into<Work>,
        rows: &[ChoiceRow],
    ) -> Result<(), Error> {
        let work = work.into();
        let mut tx = self.db.tenant(work.tenant).begin().await?;
        for row in rows {
            sqlx::query!(
                r#"
                INSERT INTO choices (
                    tenant_id, id, run_id, fetch_id, chosen_at, credential_id,
                    resource, remaining, reset_at, runners_up, reason, request_limit
                )
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                "#,
                work.tenant.0,
                uuid::Uuid::now_v7(),
                work.run.0,
                work.fetch.map(|id| id.0),
                row.at,
                row.credential.0,
                row.resource.0,
                i64::from(row.remaining),
                row.reset_at,
                row.runners_up,
                row.why,
                row.limit.map(i64::from),
            )
            .execute(&mut *tx)
            .await?;
            log_move(&mut tx, work, row).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Tells in the run's log that a credential could not go on and another one did.
async fn log_move(
    tx: &mut Transaction<'static, Postgres>,
    work: Work,
    row: &ChoiceRow,
) -> Result<(), Error> {
    let Some((from, because)) = &row.left else {
        return Ok(());
    };
    let names = sqlx::query!(
        r#"
        SELECT
            a.name AS "from",
            b.name AS "to",
            (
                SELECT r.name
                FROM fetches f
                JOIN repositories r ON r.tenant_id = f.tenant_id AND r.id = f.repository_id
                WHERE f.tenant_id = $1 AND f.id = $4
            ) AS repository
        FROM credentials a
        JOIN credentials b ON b.tenant_id = a.tenant_id
        WHERE a.tenant_id = $1 AND a.id = $2 AND b.id = $3
        "#,
        work.tenant.0,
        from.0,
        row.credential.0,
        work.fetch.map(|fetch| fetch.0),
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(names) = names else { return Ok(()) };
    let moved = Happening::Moved {
        what: names.repository.as_deref().unwrap_or("The listing"),
        from: &names.from,
        because,
        to: &names.to,
        why: &row.why,
    };
    log::add(tx, work.tenant, work.run, row.at, moved).await
}

pub(crate) async fn add_throttle_in(
    tx: &mut Transaction<'static, Postgres>,
    work: Work,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"
        INSERT INTO throttles (tenant_id, id, run_id, fetch_id, began_at, ends_at)
        VALUES ($1, $2, $3, $4, $5, greatest($5, $6::timestamptz))
        "#,
        work.tenant.0,
        uuid::Uuid::now_v7(),
        work.run.0,
        work.fetch.map(|id| id.0),
        from,
        until,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
