//! Measurements of the product against what else there is.

mod compare;
mod console;
mod gitlab;
mod pool;
mod registered;
mod spread;
mod workers;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::workspace::Workspace;

/// What can be measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Requests, time and bytes beside those of python-github-backup, and of git and restic by hand.
    Compare(compare::Options),
    /// How fast the console's pages are where there is much to show and a run is on, and whether every query has its index.
    Console(console::Options),
    /// Scenarios of credential pools in virtual time, against the best possible: one line of JSON each.
    Pool(pool::Options),
    /// Decisions of the pool a second, with few buckets and with many.
    Decisions,
    /// Four credentials through real HTTP against one, and against the policies of others; takes some minutes.
    Spread(spread::Options),
    /// A run of two processes against that of one, and whether two that share a throttled pool are ever refused; takes some minutes.
    Workers,
    /// Requests for each project of a GitLab group, on a first and on an unchanged run; and how a throttle is lived with.
    Gitlab(gitlab::Options),
}

/// Runs one bench; the exit code says whether its targets were met.
pub(crate) fn run(workspace: &Workspace, task: &Task) -> Result<ExitCode> {
    match task {
        Task::Compare(options) => compare::run(workspace, options),
        Task::Console(options) => console::run(workspace, options),
        Task::Pool(options) => pool::run(workspace, options),
        Task::Decisions => pool::decisions(workspace),
        Task::Spread(options) => spread::run(workspace, options),
        Task::Workers => workers::run(workspace),
        Task::Gitlab(options) => gitlab::run(workspace, options),
    }
}
