//! A simulated forge, an empty database, a storage in a temporary folder, and the command: everything that one test needs.
//!
//! Times are real, so nothing here sleeps: what takes time is waited for, with a deadline, by looking at its effect.

mod browser;
pub(crate) mod command;
mod database;
mod forge;
pub(crate) mod gitlab;
mod log;
mod server;
pub(crate) mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forge_sim::{Limits, Options, Recipe, RepositoryRecipe, UserRecipe};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool, Row};
use tempfile::TempDir;
use tokio::sync::Mutex;

pub(crate) use self::command::Answer;
use self::database::Database;
use self::log::Log;
use self::server::Server;

/// The organization that every world has.
pub(crate) const ORGANIZATION: &str = "acme";

/// Its users with a token. The first one registers the organization.
const USERS: [&str; 3] = ["backup-main", "backup-one", "backup-two"];

/// How long a run may take.
const RUN_DEADLINE: &str = "5m";

/// How often the database is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Runs to which something will happen yet.
const OPEN_RUNS: &str = "runs WHERE state IN ('queued', 'running', 'throttled')";

/// The login of one of the users.
pub(crate) fn login(user: usize) -> &'static str {
    USERS[user]
}

pub(crate) struct World {
    pub(crate) sim: forge_sim::Handle,
    pub(crate) database: Database,
    folder: TempDir,
    storage: PathBuf,
    /// Where the server, and it alone, sees a small file system.
    small_storage: Option<PathBuf>,
    log: Log,
    server: Mutex<Option<Server>>,
}

impl World {
    /// A forge and an empty database; nothing is registered.
    pub(crate) async fn start(recipe: Value) -> Self {
        Self::start_with_latency(recipe, Duration::ZERO).await
    }

    async fn start_with_latency(recipe: Value, latency: Duration) -> Self {
        let seed = recipe["seed"].as_u64().unwrap_or_default();
        let named: Vec<RepositoryRecipe> =
            serde_json::from_value(recipe["repositories"].clone()).unwrap();
        let mut limits = Limits::default();
        if let Some(seconds) = recipe["window_seconds"].as_i64() {
            limits.window_seconds = seconds;
        }
        let recipe = USERS
            .iter()
            .map(|login| UserRecipe {
                role: if recipe["owner"] == *login {
                    forge_sim::world::Role::Admin
                } else {
                    forge_sim::world::Role::Member
                },
                quota: recipe["quota"].as_u64(),
                more_tokens: usize::try_from(recipe["more_tokens"].as_u64().unwrap_or(0)).unwrap(),
                ..UserRecipe::member(login)
            })
            .fold(Recipe::named(ORGANIZATION, named), Recipe::with_user)
            .with_seed(seed);
        let options = Options {
            latency,
            limits,
            ..Options::new(recipe)
        };
        let folder = TempDir::new().unwrap();
        let world = Self {
            sim: forge_sim::start(options).await.unwrap(),
            database: Database::create().await,
            storage: folder.path().join("storage"),
            small_storage: None,
            log: Log::at(folder.path().join("log")),
            server: Mutex::new(None),
            folder,
        };
        for (number, login) in USERS.iter().enumerate() {
            fs::write(
                world.folder().join(format!("token-{number}")),
                world.sim.control().token(login).unwrap(),
            )
            .unwrap();
        }
        world.call(&["migrate"]).await.expect(0);
        world
    }

    /// The same with a tenant, a storage called `disk`, the organization and a plan called `nightly` over all of it.
    pub(crate) async fn registered(recipe: Value) -> Self {
        Self::registered_with_latency(recipe, Duration::ZERO).await
    }

    /// The same with a forge that takes its time.
    pub(crate) async fn registered_with_latency(recipe: Value, latency: Duration) -> Self {
        let world = Self::start_with_latency(recipe, latency).await;
        world.register().await;
        world
    }

    /// The same with a storage of a few megabytes, on a file system of its own.
    pub(crate) async fn with_small_storage(recipe: Value) -> Self {
        let mut world = Self::start(recipe).await;
        world.small_storage = Some(world.storage.clone());
        world.register().await;
        world
    }

    async fn register(&self) {
        self.add_tenant().await;
        fs::create_dir_all(&self.storage).unwrap();
        let storage = self.storage.to_str().unwrap();
        self.call(&["storage", "add", "disk", "local", storage])
            .await
            .expect(0);
        let host = self.host();
        let login = login(0);
        let token = self.token_file(0);
        self.call(&[
            "organization",
            "add",
            "--kind",
            "github",
            "--host",
            &host,
            "--name",
            ORGANIZATION,
            "--user",
            login,
            "--token-file",
            &token,
        ])
        .await
        .expect(0);
        self.call(&[
            "plan",
            "add",
            "nightly",
            "--organization",
            ORGANIZATION,
            "--storage",
            "disk",
            "--repositories",
            "all",
            "--retention",
            "forever",
        ])
        .await
        .expect(0);
    }

    pub(crate) async fn add_tenant(&self) {
        self.call(&["tenant", "add", "first"]).await.expect(0);
    }

    pub(crate) async fn add_credential(&self, user: usize) {
        let (login, token) = (login(user), self.token_file(user));
        self.call(&[
            "credential",
            "add",
            ORGANIZATION,
            "--name",
            login,
            "--user",
            login,
            "--token-file",
            &token,
        ])
        .await
        .expect(0);
    }

    /// Lets the plan use an additional credential.
    pub(crate) async fn switch_on(&self, user: usize) {
        self.call(&[
            "plan",
            "edit",
            "nightly",
            "--additional-credentials",
            "on",
            "--use",
            login(user),
        ])
        .await
        .expect(0);
    }

    /// Calls the command with `--json`.
    pub(crate) async fn call(&self, arguments: &[&str]) -> Answer {
        let environment = self.environment();
        let environment: Vec<(&str, &str)> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let mut all = vec!["--json"];
        all.extend_from_slice(arguments);
        command::call(&environment, &all)
            .output()
            .await
            .unwrap()
            .into()
    }

    /// Runs a plan and waits for its end.
    pub(crate) async fn run(&self, plan: &str) -> Answer {
        self.call(&["run", plan, "--wait", "--for", RUN_DEADLINE])
            .await
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DATABASE_URL", self.database.url.clone()),
            ("HOLDFAST_DATA", self.data_folder().display().to_string()),
            ("HOLDFAST_LISTEN", "127.0.0.1:0".to_owned()),
            ("HOLDFAST_LOG", "trace".to_owned()),
            ("HOME", self.folder().display().to_string()),
        ]
    }

    // What the world is made of.

    pub(crate) fn host(&self) -> String {
        self.sim.web().to_owned()
    }

    pub(crate) fn token(&self, user: usize) -> String {
        self.sim.control().token(USERS[user]).unwrap()
    }

    /// Every token that works, by login.
    pub(crate) fn tokens(&self) -> BTreeMap<&'static str, Vec<String>> {
        USERS
            .iter()
            .map(|login| (*login, self.sim.control().tokens(login)))
            .collect()
    }

    pub(crate) fn token_file(&self, user: usize) -> String {
        self.folder()
            .join(format!("token-{user}"))
            .display()
            .to_string()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data_folder(&self) -> PathBuf {
        self.folder().join("data")
    }

    pub(crate) fn storage_folder(&self) -> PathBuf {
        self.storage.clone()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    // What Holdfast has stored.

    pub(crate) async fn snapshots(&self) -> Vec<Value> {
        let snapshots = self.call(&["snapshots"]).await.expect(0).json();
        snapshots.as_array().unwrap().clone()
    }

    pub(crate) async fn snapshot_ids(&self) -> BTreeSet<String> {
        self.snapshots()
            .await
            .iter()
            .map(|snapshot| snapshot["restic_id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Restores the newest snapshot of a repository.
    pub(crate) async fn restore(&self, name: &str) -> PathBuf {
        let full_name = format!("{ORGANIZATION}/{name}");
        let snapshots = self.snapshots().await;
        let id = snapshots
            .iter()
            .filter(|snapshot| snapshot["repository"] == full_name)
            .max_by_key(|snapshot| snapshot["taken_at"].as_str().unwrap().to_owned())
            .and_then(|snapshot| snapshot["snapshot"].as_str())
            .unwrap_or_else(|| panic!("no snapshot of {full_name}: {snapshots:#?}"))
            .to_owned();
        let target = self.folder().join(format!("restored-{name}"));
        self.call(&["restore", &id, "--to", target.to_str().unwrap()])
            .await
            .expect(0);
        target
    }

    /// What the stock `restic` needs: the repository and its password.
    pub(crate) async fn restic_access(&self) -> (String, String) {
        let access = self
            .call(&["storage", "password", ORGANIZATION, "--show"])
            .await
            .expect(0)
            .json();
        (
            access[0]["RESTIC_REPOSITORY"].as_str().unwrap().to_owned(),
            access[0]["RESTIC_PASSWORD"].as_str().unwrap().to_owned(),
        )
    }

    pub(crate) async fn newest_run(&self) -> String {
        let runs = self.call(&["runs"]).await.expect(0).json();
        runs[0]["run"].as_str().unwrap().to_owned()
    }

    /// Waits for the newest run to be in a state, for as long as the caller likes.
    pub(crate) async fn until_the_run_is(&self, state: &str) {
        let mut look = tokio::time::interval(LOOK);
        while self.call(&["runs"]).await.expect(0).json()[0]["state"] != state {
            look.tick().await;
        }
    }

    /// Waits for the end of every run, for as long as the caller likes.
    pub(crate) async fn until_no_run_is_open(&self) {
        let database = self.database.look().await;
        let mut look = tokio::time::interval(LOOK);
        while row_count(&database, OPEN_RUNS).await > 0 {
            look.tick().await;
        }
    }

    /// Rows of tenant tables, printed, that hold a text.
    pub(crate) async fn database_rows_with(&self, text: &str) -> Vec<String> {
        let database = self.database.look().await;
        let mut found = Vec::new();
        for table in tables(&database).await {
            let sql = format!(
                "SELECT t::text AS row FROM {table} AS t WHERE position($1 IN t::text) > 0"
            );
            for row in sqlx::query(AssertSqlSafe(sql))
                .bind(text)
                .fetch_all(&database)
                .await
                .unwrap()
            {
                found.push(format!("{table}: {}", row.get::<String, _>("row")));
            }
        }
        found
    }

    /// Ends the test: stops the server and checks what must hold after any test.
    pub(crate) async fn finish(self) {
        self.stop().await;
        let database = self.database.look().await;
        assert_eq!(
            row_count(&database, "fetches WHERE state = 'running'").await,
            0,
            "an orphaned fetch"
        );
        database.close().await;
        assert!(
            !self.log.text().contains("panicked at"),
            "a task panicked:\n{}",
            self.log.tail()
        );
        for user in 0..USERS.len() {
            // Its token may have been revoked meanwhile.
            let token = fs::read_to_string(self.token_file(user)).unwrap();
            assert!(
                !self.log.text().contains(&token),
                "a token stands in the log"
            );
        }
        self.database.remove().await;
    }
}

async fn tables(database: &PgPool) -> Vec<String> {
    sqlx::query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(database)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

/// Counts the rows of a table, or of a table and a condition.
pub(crate) async fn row_count(database: &PgPool, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(database)
        .await
        .unwrap()
}
