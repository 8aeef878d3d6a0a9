//! Leases on the encrypted repository of an organization in a storage: writers share it, forgetting and pruning exclude
//! everybody else.
//!
//! A lease is a row with an end by the database's clock that its holder keeps moving, not an advisory lock: that one would
//! vanish when Postgres restarts, while a writer goes on writing and somebody else begins to prune.

use std::time::Duration;

use domain::{OrganizationId, StorageId};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::{Instrument, instrument, warn};
use uuid::Uuid;

use crate::{Error, Scoped};

/// A lease ends this long after it was last renewed.
const TERM: Duration = Duration::from_mins(1);

/// The time between two renewals.
const RENEWAL: Duration = Duration::from_secs(15);

/// The holder counts a lease as lost this long before anybody else may think so.
const MARGIN: Duration = Duration::from_secs(10);

/// What a lease allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseMode {
    /// Reading, and writing new snapshots, beside others who do so.
    Shared,
    /// Deleting and repairing, alone.
    Exclusive,
}

impl LeaseMode {
    fn word(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Exclusive => "exclusive",
        }
    }
}

/// The right to work on an organization's repository in a storage, for as long as the value lives.
#[derive(Debug)]
pub struct StorageLease {
    scoped: Scoped,
    id: Uuid,
    renewal: JoinHandle<()>,
    lost: watch::Receiver<bool>,
    given_back: bool,
}

impl Scoped {
    /// Leases the repository of an organization in a storage; nothing if somebody holds a lease that stands against it.
    #[instrument(name = "store.storage_leases.take", skip_all, fields(organization = %organization, storage = %storage))]
    pub async fn lease_storage(
        &self,
        organization: OrganizationId,
        storage: StorageId,
        mode: LeaseMode,
    ) -> Result<Option<StorageLease>, Error> {
        let id = Uuid::now_v7();
        let taken_at = Instant::now();
        let mut tx = self.begin().await?;
        sqlx::query!(
            r#"
            SELECT prefix
            FROM storage_repositories
            WHERE tenant_id = $1 AND organization_id = $2 AND storage_id = $3
            FOR NO KEY UPDATE
            "#,
            self.tenant.0,
            organization.0,
            storage.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing {
            what: "storage repository",
        })?;
        sqlx::query!(
            r#"
            DELETE FROM storage_leases
            WHERE tenant_id = $1
                AND organization_id = $2
                AND storage_id = $3
                AND expires_at <= clock_timestamp()
            "#,
            self.tenant.0,
            organization.0,
            storage.0,
        )
        .execute(&mut *tx)
        .await?;
        let result = sqlx::query!(
            r#"
            INSERT INTO storage_leases (tenant_id, id, organization_id, storage_id, mode, expires_at)
            SELECT $1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6)
            WHERE NOT EXISTS (
                SELECT 1
                FROM storage_leases
                WHERE tenant_id = $1
                    AND organization_id = $3
                    AND storage_id = $4
                    AND (mode = 'exclusive' OR $5 = 'exclusive')
            )
            "#,
            self.tenant.0,
            id,
            organization.0,
            storage.0,
            mode.word(),
            TERM.as_secs_f64(),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        if result.rows_affected() == 0 {
            return Ok(None);
        }
        let (tell, lost) = watch::channel(false);
        let keep = keep(self.clone(), id, taken_at, tell).in_current_span();
        Ok(Some(StorageLease {
            scoped: self.clone(),
            id,
            renewal: tokio::spawn(keep),
            lost,
            given_back: false,
        }))
    }

    /// Moves the end of a lease.
    async fn renew_lease(&self, id: Uuid) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE storage_leases
            SET expires_at = clock_timestamp() + make_interval(secs => $3)
            WHERE tenant_id = $1 AND id = $2 AND expires_at > clock_timestamp()
            "#,
            self.tenant.0,
            id,
            TERM.as_secs_f64(),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        match result.rows_affected() {
            0 => Err(Error::LostLease),
            _ => Ok(()),
        }
    }

    async fn give_back_lease(&self, id: Uuid) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        sqlx::query!(
            "DELETE FROM storage_leases WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

impl StorageLease {
    /// Makes sure, at the database, that the lease stands, and for its whole term: call it before a step that cannot be
    /// taken back.
    pub async fn check(&self) -> Result<(), Error> {
        if *self.lost.borrow() {
            return Err(Error::LostLease);
        }
        self.scoped.renew_lease(self.id).await
    }

    /// Waits until the lease is lost; as a rule for ever.
    pub async fn lost(&self) {
        let mut lost = self.lost.clone();
        if lost.wait_for(|lost| *lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Gives the lease back. Dropping it does so too, a little later.
    pub async fn give_back(mut self) -> Result<(), Error> {
        self.given_back = true;
        self.renewal.abort();
        self.scoped.give_back_lease(self.id).await
    }
}

impl Drop for StorageLease {
    fn drop(&mut self) {
        self.renewal.abort();
        if self.given_back {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (scoped, id) = (self.scoped.clone(), self.id);
            runtime.spawn(async move {
                if let Err(error) = scoped.give_back_lease(id).await {
                    warn!(%error, "A storage lease was not given back and will run out by itself.");
                }
            });
        }
    }
}

/// Renews a lease until it is lost.
async fn keep(scoped: Scoped, id: Uuid, taken_at: Instant, tell: watch::Sender<bool>) {
    let mut renewed_at = taken_at;
    while renewed_at.elapsed() < TERM.saturating_sub(MARGIN) {
        tokio::time::sleep(RENEWAL).await;
        let asked_at = Instant::now();
        match tokio::time::timeout(RENEWAL, scoped.renew_lease(id)).await {
            Ok(Ok(())) => renewed_at = asked_at,
            Ok(Err(Error::LostLease)) => break,
            Ok(Err(error)) => warn!(%error, "A storage lease could not be renewed yet."),
            Err(_) => warn!("A storage lease could not be renewed in time."),
        }
    }
    tell.send_replace(true);
}

#[cfg(test)]
mod tests;
