use std::error::Error as _;

use domain::Clock;
use sqlx::PgPool;

use crate::samples::{name, sample, sealer};
use crate::{Db, Error};

#[tokio::test]
async fn a_database_that_is_away_is_told_from_one_that_refuses() {
    let nowhere = Db::connect(
        "postgres:///x?host=/nonexistent&user=nobody",
        Clock::system(),
    )
    .await;
    let error = nowhere.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(error.source().is_some());
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_connection_cut_by_the_server_is_a_passing_error(pool: PgPool) {
    let acme = sample(&pool).await;
    let mut tx = acme.scoped.begin().await.unwrap();
    let process: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    sqlx::query("SELECT pg_terminate_backend($1)")
        .bind(process)
        .execute(&pool)
        .await
        .unwrap();
    let cut = sqlx::query("SELECT 1").execute(&mut *tx).await.unwrap_err();
    assert!(Error::from(cut).is_transient());
    drop(tx);
    acme.scoped.plans().await.unwrap();
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_taken_name_is_said_by_name(pool: PgPool) {
    let acme = sample(&pool).await;
    let taken = acme
        .fleet
        .add_tenant(&name("acme"), &sealer())
        .await
        .unwrap_err();
    assert!(
        matches!(&taken, Error::NameTaken { what: "a tenant", name } if name == "acme"),
        "{taken:?}"
    );
    assert_eq!(
        taken.to_string(),
        "There is already a tenant with the name \"acme\": choose another name."
    );
}
