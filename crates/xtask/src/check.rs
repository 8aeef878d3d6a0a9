//! Everything that a change must pass, in the order in which a mistake is found soonest.

mod licences;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{db, process, test, tidy};

/// Stops at the first thing that is wrong.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    step("format");
    process::succeed(workspace.cargo().args(["fmt", "--all", "--check"]))
        .context("run cargo fmt")?;
    step("tidy");
    tidy::run(workspace)?;
    step("licences");
    licences::run(workspace)?;
    step("lints");
    process::succeed(workspace.cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    step("documentation");
    process::succeed(
        workspace
            .cargo()
            .args(["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    step("prepared queries");
    db::check_prepared(workspace)?;
    step("tests");
    test::run(workspace, &[])
}

fn step(name: &str) {
    eprintln!("== {name}");
}
