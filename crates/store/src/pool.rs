//! The accounts that a plan may use besides the organization's own, with their quota and health.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{OrganizationId, Resource};
use tracing::instrument;

use crate::{Credential, Error, Scoped, decode};

/// A credential with what is known of its quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolMember {
    /// The credential.
    pub credential: Credential,
    /// What its bucket allows; nothing before the first request.
    pub quota: Option<Quota>,
}

/// What a bucket allows, as the host last said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Requests a window.
    pub limit: u32,
    /// Requests left. A window that has ended leaves all of them.
    pub left: u32,
    /// When the window ends; nothing if it has.
    pub reset_at: Option<DateTime<Utc>>,
    /// Until when the bucket backs off.
    pub backoff_until: Option<DateTime<Utc>>,
}

impl Scoped {
    /// The credentials of an organization with their quota, the main one first.
    #[instrument(name = "store.pool.list", skip_all, fields(organization = %organization))]
    pub async fn pool_members(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<PoolMember>, Error> {
        let credentials = self.credentials(organization).await?;
        let quotas = self.quotas(&credentials).await?;
        Ok(credentials
            .into_iter()
            .map(|credential| PoolMember {
                quota: quotas.get(&credential.bucket.to_string()).cloned(),
                credential,
            })
            .collect())
    }

    /// What is known of these credentials' buckets. Buckets belong to no tenant, so they are asked for by the keys of
    /// credentials that this tenant has.
    async fn quotas(&self, credentials: &[Credential]) -> Result<BTreeMap<String, Quota>, Error> {
        let now = self.db.clock.now();
        let keys: Vec<String> = credentials
            .iter()
            .map(|one| one.bucket.to_string())
            .collect();
        let rows = sqlx::query!(
            r#"
            SELECT
                key,
                request_limit AS "request_limit!",
                remaining AS "remaining!",
                reset_at,
                backoff_until
            FROM buckets
            WHERE key = ANY($1) AND resource = $2 AND request_limit IS NOT NULL
            "#,
            &keys,
            Resource::core().0,
        )
        .fetch_all(&self.db.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let limit = decode::requests(row.request_limit);
                let reset_at = row.reset_at.filter(|at| *at > now);
                let quota = Quota {
                    limit,
                    left: if reset_at.is_some() {
                        decode::requests(row.remaining)
                    } else {
                        limit
                    },
                    reset_at,
                    backoff_until: row.backoff_until.filter(|until| *until > now),
                };
                (row.key, quota)
            })
            .collect())
    }
}
