use std::time::Duration;

use sqlx::PgPool;

use crate::Trigger;
use crate::samples::sample;

const DEADLINE: Duration = Duration::from_secs(20);

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_request_rings_and_so_does_a_lost_subscription(pool: PgPool) {
    let acme = sample(&pool).await;
    let mut bell = acme.db.listen().await.unwrap();
    acme.scoped
        .request_run(acme.plan, Trigger::Person)
        .await
        .unwrap();
    tokio::time::timeout(DEADLINE, bell.ring()).await.unwrap();

    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN%'",
    )
    .execute(&pool)
    .await
    .unwrap();
    tokio::time::timeout(DEADLINE, bell.ring()).await.unwrap();
    acme.scoped
        .request_run(acme.plan, Trigger::Person)
        .await
        .unwrap();
    tokio::time::timeout(DEADLINE, bell.ring()).await.unwrap();
}
