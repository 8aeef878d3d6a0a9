//! The connection to Postgres, and the two handles through which everything is asked.

use std::str::FromStr;
use std::time::Duration;

use domain::{Clock, TenantId};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgPool, Postgres, Transaction};
use tracing::Instrument;

use crate::{Actor, Bell, Error, People};

/// The schema, as the migrations that lead to it.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Connections that one process holds at most.
const CONNECTIONS: u32 = 16;

/// A connection that was idle for longer is asked whether it is still there before it is used.
const FRESH: Duration = Duration::from_secs(1);

/// How long a caller waits for a connection before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The database. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Db {
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
}

impl Db {
    /// Connects to the database at `url`.
    pub async fn connect(url: &str, clock: Clock) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("holdfast")
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, known| {
                Box::pin(async move {
                    if known.idle_for > FRESH {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(|connection, _| {
                Box::pin(async move {
                    // Planning the join that describes a claim takes ten times as long as running it, and every statement of
                    // ours is as good with one plan for all values. An index is worth its pages on any disk of today: they
                    // cost nearly the same in any order.
                    sqlx::raw_sql(
                        "SET plan_cache_mode = force_generic_plan; SET random_page_cost = 1.1",
                    )
                    .execute(connection)
                    .await
                    .map(drop)
                })
            })
            .connect_with(options)
            .await?;
        Ok(Self { pool, clock })
    }

    /// Uses connections that exist already, as tests do.
    pub fn from_pool(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock }
    }

    /// Begins a transaction that sees every tenant.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, Error> {
        self.begin_with("BEGIN".to_owned()).await
    }

    /// Begins a transaction with these statements, in one message.
    ///
    /// A task of its own waits for the answer. sqlx 0.9.0 knows of a transaction only once it is answered (launchbadge/sqlx#4393):
    /// whoever gave up before, as a request does whose client has gone, would put a connection back that is in a transaction,
    /// and what the next one wrote with it would never be committed.
    async fn begin_with(&self, begin: String) -> Result<Transaction<'static, Postgres>, Error> {
        let pool = self.pool.clone();
        // Statements of ours, in which nothing stands that anybody has said.
        let begin = async move { pool.begin_with(AssertSqlSafe(begin)).await };
        let begun = tokio::spawn(begin.in_current_span()).await;
        Ok(begun.map_err(|_lost| sqlx::Error::WorkerCrashed)??)
    }

    /// Brings the schema up to date. Several processes may do so at once.
    pub async fn migrate(&self) -> Result<(), Error> {
        Ok(MIGRATOR.run(&self.pool).await?)
    }

    /// Asks the database for an answer, to see whether it is there.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// The handle for everything that belongs to one tenant.
    pub fn tenant(&self, id: TenantId) -> Scoped {
        Scoped {
            db: self.clone(),
            tenant: id,
            actor: Actor::scheduler(),
        }
    }

    /// The handle for people, who belong to the installation.
    pub fn people(&self) -> People {
        People::of(self.clone())
    }

    /// The handle for what crosses tenants.
    pub fn fleet(&self) -> Fleet {
        Fleet {
            db: self.clone(),
            actor: Actor::scheduler(),
        }
    }

    /// Subscribes to what [`Scoped`] and [`Fleet`] announce.
    pub async fn listen(&self) -> Result<Bell, Error> {
        Bell::hang(&self.pool).await
    }

    /// Gives the connections back; further calls fail.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// One tenant's data: nothing of another tenant can be read or written through it.
#[derive(Debug, Clone)]
pub struct Scoped {
    pub(crate) db: Db,
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
}

impl Scoped {
    /// The same data on behalf of somebody, under whose name the audit log keeps what is done through it.
    #[must_use]
    pub fn acting(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }

    /// The tenant.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant
    }

    /// Begins a transaction that sees this tenant alone.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, Error> {
        // In one message: most transactions are one short question.
        let begin = format!(
            "BEGIN; SET LOCAL holdfast.tenant = '{}'; SET LOCAL ROLE holdfast_tenant",
            self.tenant.0
        );
        self.db.begin_with(begin).await
    }
}

/// What crosses tenants: the queue, the workers on it, and the quota that they share.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub(crate) db: Db,
    pub(crate) actor: Actor,
}

impl Fleet {
    /// The same on behalf of somebody, under whose name the audit log keeps what is done through it.
    #[must_use]
    pub fn acting(self, actor: Actor) -> Self {
        Self { actor, ..self }
    }
}

#[cfg(test)]
mod tests;
