//! All tests, with everything that they need.

use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{assets, browser, postgres::Database, tools};
use crate::workspace::Workspace;

/// Programs that tests call, and the packages that bring them.
const PROGRAMS: [(&str, &str); 4] = [
    ("restic", "restic"),
    ("jq", "jq"),
    ("mount", "mount"),
    ("unshare", "util-linux"),
];

/// Sets up, builds the programs that the tests start, and lets `cargo test` speak for itself.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    tools::require_git()?;
    for (program, package) in PROGRAMS {
        tools::require(program, package)?;
    }
    let assets = assets::prepare()?;
    let browser = browser::require()?;
    workspace.build()?;
    let database = Database::open()?;
    let status = workspace
        .cargo()
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(arguments)
        .env("DATABASE_URL", database.url())
        .env("HOLDFAST_TEST_ASSETS", assets)
        .env("HOLDFAST_TEST_BROWSER", browser)
        .status()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
