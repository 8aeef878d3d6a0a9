//! The second lock, tried with the first one left open: statements that name no tenant, in every table of tenants.

use domain::TenantId;
use sqlx::postgres::PgQueryResult;
use sqlx::{AssertSqlSafe, PgPool};

use crate::Scoped;
use crate::samples::{sample, tenant};

/// The tables that have a tenant, whatever migration has made them.
async fn tables(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
         WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
         ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

async fn run(pool: &PgPool, statement: String) {
    sqlx::query(AssertSqlSafe(statement))
        .execute(pool)
        .await
        .unwrap();
}

/// Takes away what would keep an invented row out: only row-level security is to be tried.
async fn loosen(pool: &PgPool, tables: &[String]) {
    let constraints: Vec<(String, String)> = sqlx::query_as(
        "SELECT r.relname::text, c.conname::text FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
         WHERE c.contype IN ('c', 'f') AND r.relname = ANY($1)",
    )
    .bind(tables)
    .fetch_all(pool)
    .await
    .unwrap();
    for (table, name) in constraints {
        let drop = format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS \"{name}\" CASCADE");
        run(pool, drop).await;
    }
}

/// An INSERT of a row that belongs to a tenant, with something in every column that needs something.
async fn invented(pool: &PgPool, table: &str, tenant: TenantId) -> String {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
         WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND a.attname <> 'tenant_id'",
    )
    .bind(table)
    .fetch_all(pool)
    .await
    .unwrap();
    let mut names = vec!["tenant_id".to_owned()];
    let mut values = vec![format!("'{}'", tenant.0)];
    for (name, kind) in columns {
        names.push(name);
        values.push(match kind.as_str() {
            "uuid" => "gen_random_uuid()".to_owned(),
            "timestamp with time zone" => "now()".to_owned(),
            "boolean" => "true".to_owned(),
            "jsonb" | "text[]" | "uuid[]" => format!("'{{}}'::{kind}"),
            "bytea" => "'\\x00'".to_owned(),
            "text" => "'x'".to_owned(),
            _ => format!("9::{kind}"),
        });
    }
    format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        names.join(", "),
        values.join(", ")
    )
}

async fn forgetful(scoped: &Scoped, statement: String) -> Result<PgQueryResult, sqlx::Error> {
    let mut tx = scoped.begin().await.unwrap();
    sqlx::query(AssertSqlSafe(statement))
        .execute(&mut *tx)
        .await
}

async fn seen(scoped: &Scoped, table: &str, whose: TenantId) -> i64 {
    let mut tx = scoped.begin().await.unwrap();
    let statement = format!("SELECT count(*) FROM {table} WHERE tenant_id = $1");
    sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(whose.0)
        .fetch_one(&mut *tx)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_statement_that_forgets_its_tenant_reaches_nobody_elses_rows_in_any_table(pool: PgPool) {
    let acme = sample(&pool).await;
    let (ours, theirs) = (acme.scoped.clone(), tenant(&acme.db, "other").await.scoped);
    let tables = tables(&pool).await;
    assert!(tables.len() >= 20, "{tables:?}");
    loosen(&pool, &tables).await;
    for table in &tables {
        let insert = invented(&pool, table, theirs.tenant_id()).await;
        let refused = forgetful(&ours, insert.clone())
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("row-level security"), "{table}: {refused}");
        run(&pool, insert).await;

        assert_eq!(seen(&ours, table, theirs.tenant_id()).await, 0, "{table}");
        let own = seen(&theirs, table, theirs.tenant_id()).await;
        assert!(own > 0, "{table} shows its tenant's rows");

        for statement in [
            format!("UPDATE {table} SET tenant_id = tenant_id"),
            format!("DELETE FROM {table}"),
        ] {
            let ours = seen(&ours, table, ours.tenant_id()).await;
            match forgetful(&acme.scoped, statement).await {
                Ok(done) => assert_eq!(i64::try_from(done.rows_affected()), Ok(ours), "{table}"),
                Err(refused) => {
                    let refused = refused.to_string();
                    assert!(refused.contains("permission denied"), "{table}: {refused}");
                }
            }
        }
        assert_eq!(
            seen(&theirs, table, theirs.tenant_id()).await,
            own,
            "{table}"
        );
    }
}

/// The proof above can fail: with the second lock taken off, the same statement reaches the other tenant.
#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn without_row_level_security_the_same_statement_would_reach_them(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    run(
        &pool,
        "ALTER TABLE plans DISABLE ROW LEVEL SECURITY".to_owned(),
    )
    .await;
    assert_eq!(
        seen(&acme.scoped, "plans", other.scoped.tenant_id()).await,
        1
    );
}
