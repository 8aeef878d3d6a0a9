use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, sample};

async fn lease(acme: &Sample, mode: LeaseMode) -> Option<StorageLease> {
    acme.scoped
        .lease_storage(acme.organization, acme.storage, mode)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn writers_share_and_a_pruner_is_alone(pool: PgPool) {
    let acme = sample(&pool).await;
    let a = lease(&acme, LeaseMode::Shared).await.unwrap();
    let b = lease(&acme, LeaseMode::Shared).await.unwrap();
    assert!(lease(&acme, LeaseMode::Exclusive).await.is_none());
    a.check().await.unwrap();
    a.give_back().await.unwrap();
    assert!(lease(&acme, LeaseMode::Exclusive).await.is_none());
    b.give_back().await.unwrap();
    let alone = lease(&acme, LeaseMode::Exclusive).await.unwrap();
    assert!(lease(&acme, LeaseMode::Shared).await.is_none());
    assert!(lease(&acme, LeaseMode::Exclusive).await.is_none());
    alone.give_back().await.unwrap();
    assert!(lease(&acme, LeaseMode::Shared).await.is_some());
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_holder_that_vanished_does_not_block_for_ever_and_may_not_go_on(pool: PgPool) {
    let acme = sample(&pool).await;
    let stale = lease(&acme, LeaseMode::Exclusive).await.unwrap();
    sqlx::query("UPDATE storage_leases SET expires_at = clock_timestamp() - interval '1 second'")
        .execute(&pool)
        .await
        .unwrap();
    let fresh = lease(&acme, LeaseMode::Shared).await.unwrap();
    let lost = stale.check().await.unwrap_err();
    assert!(matches!(lost, Error::LostLease), "{lost:?}");
    fresh.check().await.unwrap();
}
