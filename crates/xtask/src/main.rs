//! Automation of the project: runs the demo, the tests and the checks, and sets up whatever of the machine they need.
//!
//! Knows no crate of the project: it starts their programs, and reads what they print.
//! Start reading at [`demo`] for the main job of the product, at [`setup`] for what is set up and how.
//!
//! Invariants:
//! - every process that it starts ends with it, on Linux even after `kill -9`: see [`process`];
//! - it writes below the cache folder, the target folder and the system's temporary folder, and nowhere else, except for
//!   packages of the system when it runs as root and they are missing.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks on its terminal"
)]

mod admin;
mod bench;
mod check;
mod db;
mod demo;
mod environment;
mod files;
mod process;
mod screenshots;
mod setup;
mod signals;
mod simulator;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Automation of the project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Backs up a simulated organization, verifies and restores it, and goes on serving until Ctrl-C.
    Demo(demo::Options),
    /// Sets up what the tests need and runs them all; further arguments go to `cargo test`.
    Test {
        /// Such as a filter, or `-- --nocapture`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Everything that a change must pass: format, lints, tidy, licences, documentation, prepared queries, tests.
    Check,
    /// The rules of the house that no compiler knows: who may depend on whom, and how files are laid out.
    Tidy,
    /// Work on the database schema.
    #[command(subcommand)]
    Db(db::Task),
    /// Measures the product against what else there is.
    #[command(subcommand)]
    Bench(bench::Task),
    /// Takes a picture of every page of the console, light, dark and on a phone.
    Screenshots(screenshots::Options),
}

fn main() -> ExitCode {
    run(Arguments::parse().task).unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

fn run(task: Task) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match task {
        Task::Demo(options) => demo::run(&workspace, &options),
        Task::Test { arguments } => test::run(&workspace, &arguments),
        Task::Check => check::run(&workspace),
        Task::Tidy => tidy::run(&workspace).map(|()| ExitCode::SUCCESS),
        Task::Db(task) => db::run(&workspace, &task).map(|()| ExitCode::SUCCESS),
        Task::Bench(task) => bench::run(&workspace, &task),
        Task::Screenshots(options) => screenshots::run(&workspace, &options),
    }
}
