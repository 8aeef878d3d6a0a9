//! All tests, with everything that they need.

use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{assets, postgres::Database, tools};
use crate::workspace::Workspace;

/// Sets up, builds the programs that the tests start, and lets `cargo test` speak for itself.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    tools::require_git()?;
    tools::require("restic", "restic")?;
    let assets = assets::prepare()?;
    workspace.build()?;
    let database = Database::open()?;
    let status = workspace
        .cargo()
        .args(["test", "--workspace"])
        .args(arguments)
        .env("DATABASE_URL", database.url())
        .env("HOLDFAST_TEST_ASSETS", assets)
        .status()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
