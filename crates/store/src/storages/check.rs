//! Trials of storages: a person asks, a worker tries, and what it found stands in the storage's row.

use domain::{StorageId, TenantId};
use tracing::instrument;

use crate::error::found;
use crate::{Error, Fleet, Scoped, bell};

impl Scoped {
    /// Asks a worker to try a storage.
    #[instrument(name = "store.storages.request_check", skip_all, fields(storage = %id))]
    pub async fn request_storage_check(&self, id: StorageId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let result = sqlx::query!(
            "UPDATE storages SET check_requested_at = $3 WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        found("storage", "store.storages.request_check", &result)?;
        bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Fleet {
    /// The storages that somebody wants to be tried, the first first.
    #[instrument(name = "store.storages.to_check", level = "debug", skip_all)]
    pub async fn storages_to_check(&self) -> Result<Vec<(TenantId, StorageId)>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT tenant_id, id
            FROM storages
            WHERE check_requested_at IS NOT NULL
            ORDER BY check_requested_at
            "#,
        )
        .fetch_all(&self.db.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (TenantId(row.tenant_id), StorageId(row.id)))
            .collect())
    }

    /// Writes down what a trial found: nothing, or why the storage does not work.
    #[instrument(name = "store.storages.checked", skip_all, fields(storage = %storage))]
    pub async fn storage_checked(
        &self,
        tenant: TenantId,
        storage: StorageId,
        cause: Option<&str>,
    ) -> Result<(), Error> {
        let mut tx = self.db.tenant(tenant).begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE storages
            SET check_requested_at = NULL, checked_at = $3, check_cause = $4
            WHERE tenant_id = $1 AND id = $2
            "#,
            tenant.0,
            storage.0,
            self.db.clock.now(),
            cause,
        )
        .execute(&mut *tx)
        .await?;
        found("storage", "store.storages.checked", &result)?;
        tx.commit().await?;
        Ok(())
    }
}
