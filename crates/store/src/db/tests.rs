use std::task::Poll;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Row};

use super::*;
use crate::samples::{name, sample, sealer, tenant};

mod isolation;

#[sqlx::test(migrator = "MIGRATOR")]
async fn every_tenant_table_is_isolated_and_every_key_begins_with_the_tenant(pool: PgPool) {
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
            AND (a.attname = 'tenant_id' OR c.relname = 'tenants' AND a.attname = 'id')
            AND NOT (
                c.relrowsecurity AND c.relforcerowsecurity
                AND EXISTS (
                    SELECT 1 FROM pg_policy p
                    WHERE p.polrelid = c.oid AND p.polroles = ARRAY['holdfast_tenant'::regrole::oid]
                )
            )",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new());

    let keys: Vec<String> = sqlx::query_scalar(
        "SELECT i.indexrelid::regclass::text FROM pg_index i
         JOIN pg_attribute t ON t.attrelid = i.indrelid AND t.attname = 'tenant_id'
         WHERE i.indkey[0] <> t.attnum ORDER BY i.indexrelid",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    // By these the installation finds the tenants of whoever signs in, follows a link or comes back from a host, those that a
    // host's message concerns, and those whose alerts are to be told next.
    assert_eq!(
        keys,
        [
            "memberships_person",
            "invitations_token_key",
            "credentials_application",
            "authorizations_state_hash_key",
            "alert_deliveries_due",
        ]
    );

    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_policy WHERE polname = 'tenant'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(tables >= 24, "{tables}");
}

/// Asks once whether it is done, and gives it up.
async fn give_up<T>(work: impl Future<Output = T>) {
    let mut work = std::pin::pin!(work);
    let is_done =
        std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_ready()));
    assert!(!is_done.await);
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn a_transaction_given_up_while_it_begins_leaves_nothing_behind(
    options: PgPoolOptions,
    connect: PgConnectOptions,
) {
    let only = options.max_connections(1).test_before_acquire(false);
    let only = only.connect_with(connect).await.unwrap();
    let db = Db::from_pool(only, Clock::system());
    let scoped = db.tenant(TenantId::new());
    let look = async || -> (DateTime<Utc>, bool) {
        let look = "SELECT now(), current_user = session_user";
        sqlx::query_as(look).fetch_one(&db.pool).await.unwrap()
    };
    for _ in 0..20 {
        give_up(db.begin()).await;
        give_up(scoped.begin()).await;
        let ((first, is_itself), (second, _)) = (look().await, look().await);
        assert!(is_itself);
        assert!(first < second, "time stands still within a transaction");
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn a_query_that_forgets_its_tenant_sees_one_tenant(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    for (table, count) in [
        ("organizations", 1_i64),
        ("secrets", 3),
        ("plans", 1),
        ("tenants", 1),
    ] {
        let mut tx = acme.scoped.begin().await.unwrap();
        let mut query = sqlx::QueryBuilder::new("SELECT count(*) FROM ");
        let seen: i64 = query
            .push(table)
            .build_query_scalar()
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(seen, count, "{table}");
    }
    let mut tx = acme.scoped.begin().await.unwrap();
    let touched = sqlx::query("UPDATE plans SET additional_credentials = true")
        .execute(&mut *tx)
        .await
        .unwrap();
    assert_eq!(touched.rows_affected(), 1);
    tx.commit().await.unwrap();
    let plan = other.scoped.plan(other.plan).await.unwrap().unwrap();
    assert!(!plan.additional_credentials);
    assert_eq!(acme.scoped.plan(other.plan).await.unwrap(), None);
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn a_wrong_tenant_writes_nothing_and_fleet_tables_are_out_of_reach(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    let mut tx = acme.scoped.begin().await.unwrap();
    let refused = sqlx::query(
        "INSERT INTO storages (tenant_id, id, name, location, created_at)
         VALUES ($1, gen_random_uuid(), 'theirs', '{}', now())",
    )
    .bind(other.scoped.tenant_id().0)
    .execute(&mut *tx)
    .await
    .unwrap_err();
    assert!(
        refused.to_string().contains("row-level security"),
        "{refused}"
    );
    for statement in [
        "SELECT id FROM workers",
        "SELECT key FROM buckets",
        "SELECT key FROM bucket_shares",
        "SELECT key FROM bucket_minutes",
        "SELECT key FROM bucket_hours",
        "SELECT key FROM bucket_events",
        "SELECT id FROM sessions",
        "SELECT account FROM sign_in_attempts",
        "SELECT code_hash FROM recovery_codes",
        "SELECT password_hash FROM people",
        "SELECT sealed FROM totps",
        "SELECT sealed FROM applications",
        "SELECT client_id FROM applications",
        "SELECT state_hash FROM applications",
        "UPDATE applications SET slug = 'x'",
        "SELECT guid FROM messages",
        "INSERT INTO messages (application_id, guid, notice, received_at) VALUES (gen_random_uuid(), 'x', '{}', now())",
        "SELECT host FROM host_settings",
        "UPDATE host_settings SET counts_requests = false",
        "UPDATE buckets SET watched_spent = 0",
        "UPDATE people SET name = 'x'",
        "UPDATE tenants SET name = 'x'",
    ] {
        let mut tx = acme.scoped.begin().await.unwrap();
        let refused = sqlx::query(statement).execute(&mut *tx).await.unwrap_err();
        assert!(
            refused.to_string().contains("permission denied"),
            "{refused}"
        );
    }
}

#[sqlx::test(migrator = "MIGRATOR")]
async fn the_scope_ends_with_its_transaction(pool: PgPool) {
    let acme = sample(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let before: String = sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    drop(connection);
    for _ in 0..3 {
        acme.scoped.plans().await.unwrap();
    }
    drop(acme.scoped.begin().await.unwrap());
    for _ in 0..5 {
        let after: String = sqlx::query_scalar("SELECT current_user::text")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(after, before);
    }
}

/// In production the database user owns its database and is no superuser, for whom row-level security would not count.
#[sqlx::test(migrations = false)]
async fn a_plain_owner_migrates_and_works(pool: PgPool) {
    let role = format!("plain_{}", uuid::Uuid::now_v7().simple());
    let mut admin = pool.acquire().await.unwrap();
    for statement in [
        "CREATE ROLE @ LOGIN CREATEROLE",
        "GRANT CREATE, USAGE ON SCHEMA public TO @",
    ] {
        sqlx::query(AssertSqlSafe(statement.replace('@', &role)))
            .execute(&mut *admin)
            .await
            .unwrap();
    }
    let options = (*pool.connect_options()).clone().username(&role);
    let plain = PgPoolOptions::new()
        .max_connections(3)
        .connect_with(options)
        .await
        .unwrap();
    let db = Db::from_pool(plain, Clock::system());
    db.migrate().await.unwrap();
    db.migrate().await.unwrap();

    let acme = tenant(&db, "acme").await;
    let other = tenant(&db, "other").await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 2).await;
    let claim = acme.claim(worker).await.unwrap();
    acme.fleet
        .settle_fetch(&claim, crate::samples::stored('a'))
        .await
        .unwrap();
    assert_eq!(
        acme.scoped.run(run).await.unwrap().unwrap().tally.complete,
        1
    );
    assert_eq!(other.scoped.runs(9).await.unwrap(), []);
    assert_eq!(db.fleet().tenants().await.unwrap().len(), 2);

    db.close().await;
    for statement in ["DROP OWNED BY @", "DROP ROLE @"] {
        sqlx::query(AssertSqlSafe(statement.replace('@', &role)))
            .execute(&mut *admin)
            .await
            .unwrap();
    }
}

#[sqlx::test(migrations = false)]
async fn several_processes_migrate_at_once(pool: PgPool) {
    let db = Db::from_pool(pool.clone(), Clock::system());
    let (a, b, c) = tokio::join!(db.migrate(), db.migrate(), db.migrate());
    for outcome in [a, b, c] {
        outcome.unwrap();
    }
    db.fleet()
        .add_tenant(&name("acme"), &sealer())
        .await
        .unwrap();
    let row = sqlx::query("SELECT count(*) AS count FROM tenants")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(row.get::<i64, _>("count"), 1);
}
