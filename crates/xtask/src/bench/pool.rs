//! The pool, proven in virtual time: starts the program that plays scenarios through the real core.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

const PROGRAM: &str = "pool-bench";

/// Which scenarios.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Files of scenarios; those of the project if none is given.
    scenarios: Vec<PathBuf>,
}

/// Plays scenarios and prints one line of JSON each; fails where a bar is not met.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let mut scenarios = options.scenarios.clone();
    if scenarios.is_empty() {
        scenarios = ours(workspace)?;
    }
    let mut command = program(workspace)?;
    command.arg("play").args(scenarios);
    answer(&mut command)
}

/// Measures decisions a second.
pub(crate) fn decisions(workspace: &Workspace) -> Result<ExitCode> {
    answer(program(workspace)?.arg("decisions"))
}

fn ours(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let folder = workspace.root().join("tests/scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    Ok(files)
}

/// The program, built for speed: alone, because it needs next to nothing of the rest.
fn program(workspace: &Workspace) -> Result<Command> {
    let mut build = workspace.cargo();
    build.args(["build", "--quiet", "--release", "--package", PROGRAM]);
    process::succeed(&mut build).context("the program that plays scenarios does not build")?;
    Ok(Command::new(
        workspace.target().join("release").join(PROGRAM),
    ))
}

fn answer(command: &mut Command) -> Result<ExitCode> {
    let status = command
        .status()
        .context("the program that plays scenarios does not start")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
