//! An empty database for one test, on the server that `DATABASE_URL` names.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgPool};

pub(crate) struct Database {
    pub(crate) url: String,
    name: String,
    server: PgConnectOptions,
}

impl Database {
    pub(crate) async fn create() -> Self {
        let server_url = std::env::var("DATABASE_URL")
            .expect("DATABASE_URL names no Postgres: run the tests with `cargo xtask test`");
        let name = format!("holdfast_test_{}", uuid::Uuid::now_v7().simple());
        let server = PgConnectOptions::from_str(&server_url).unwrap();
        let mut connection = server.connect().await.unwrap();
        connection
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .unwrap();
        Self {
            url: with_database(&server_url, &name),
            name,
            server,
        }
    }

    /// A connection for looking at what the command under test has stored.
    pub(crate) async fn look(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(2)
            .connect_with(self.server.clone().database(&self.name))
            .await
            .unwrap()
    }

    /// Cuts every connection and accepts no new one, as a server that restarts.
    pub(crate) async fn go_away(&self) {
        self.allow_connections(false).await;
        let mut connection = self.server.connect().await.unwrap();
        sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
            .bind(&self.name)
            .execute(&mut connection)
            .await
            .unwrap();
    }

    pub(crate) async fn come_back(&self) {
        self.allow_connections(true).await;
    }

    async fn allow_connections(&self, allow: bool) {
        let mut connection = self.server.connect().await.unwrap();
        let sql = format!("ALTER DATABASE {} ALLOW_CONNECTIONS {allow}", self.name);
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    pub(crate) async fn remove(&self) {
        let mut connection = self.server.connect().await.unwrap();
        connection
            .execute(AssertSqlSafe(format!(
                "DROP DATABASE IF EXISTS {} WITH (FORCE)",
                self.name
            )))
            .await
            .unwrap();
    }
}

/// Puts another database name into a Postgres URL, keeping host, user and parameters.
fn with_database(url: &str, name: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL has a scheme");
    let (address, parameters) = match rest.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (rest, String::new()),
    };
    let authority = address.split('/').next().unwrap_or_default();
    format!("{scheme}://{authority}/{name}{parameters}")
}
