//! The prepared queries in `.sqlx`, which let the project build without a database.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use tempfile::TempDir;

use crate::process;
use crate::setup::postgres::{Binaries, Cluster};
use crate::workspace::Workspace;

/// What can be done to the schema.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Checks every query against the migrations and writes `.sqlx` anew.
    Prepare,
}

/// Runs one task.
pub(crate) fn run(workspace: &Workspace, task: &Task) -> Result<()> {
    match task {
        Task::Prepare => {
            let fresh = describe(workspace)?;
            let kept = workspace.root().join(".sqlx");
            if kept.exists() {
                std::fs::remove_dir_all(&kept)?;
            }
            std::fs::create_dir(&kept)?;
            for (name, content) in contents(fresh.path())? {
                std::fs::write(kept.join(name), content)?;
            }
            Ok(())
        }
    }
}

/// Fails if `.sqlx` is not what the migrations and the queries make of it.
pub(crate) fn check_prepared(workspace: &Workspace) -> Result<()> {
    let fresh = describe(workspace)?;
    if contents(fresh.path())? != contents(&workspace.root().join(".sqlx"))? {
        bail!(".sqlx does not fit the queries: run cargo xtask db prepare");
    }
    Ok(())
}

/// Lets the query macros ask a database that has just been migrated; their answers are in the folder.
fn describe(workspace: &Workspace) -> Result<TempDir> {
    let binaries = Binaries::find()?;
    let cluster = Cluster::start(&binaries)?;
    migrate(&binaries, &cluster, &workspace.root().join("migrations"))?;
    let answers = tempfile::tempdir()?;
    // The macros do not run again by themselves when only the schema has changed.
    let source = std::fs::File::options()
        .append(true)
        .open(workspace.root().join("crates/store/src/lib.rs"))?;
    source.set_modified(std::fs::metadata(answers.path())?.modified()?)?;
    process::succeed(
        workspace
            .cargo()
            .args(["check", "--workspace", "--all-targets"])
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", answers.path())
            .env("DATABASE_URL", cluster.url()),
    )
    .context("a query does not fit the schema")?;
    Ok(answers)
}

fn migrate(binaries: &Binaries, cluster: &Cluster, migrations: &Path) -> Result<()> {
    let psql = binaries.psql()?;
    for name in contents(migrations)?.keys() {
        process::succeed(
            Command::new(&psql)
                .args(["--no-psqlrc", "--quiet", "--single-transaction"])
                .args(["--set", "ON_ERROR_STOP=1", "--dbname", cluster.url()])
                .arg("--file")
                .arg(migrations.join(name))
                .stdout(Stdio::null()),
        )
        .with_context(|| format!("migrations/{} does not run", name.display()))?;
    }
    Ok(())
}

/// The files of a folder, in the order of their names.
fn contents(folder: &Path) -> Result<BTreeMap<OsString, Vec<u8>>> {
    std::fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name(), std::fs::read(entry.path())?))
        })
        .collect()
}
