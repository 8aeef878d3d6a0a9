//! Proves the pool: plays scenarios in virtual time through the desk, ledger and planner of the product, against an exact host,
//! and compares with a lower bound that is computed apart from them.
//!
//! Start reading at [`play`]; the format of a scenario is [`scenario`].
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "microseconds and requests of a simulation, far below 2^53"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "indexes of tables that are made once and never shortened"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks on its terminal"
)]

mod bound;
mod decisions;
mod draw;
mod host;
mod play;
mod report;
mod scenario;
mod time;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use scenario::Scenario;

/// Plays scenarios for the pool, and measures its decisions.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Plays scenarios in virtual time: one line of JSON each.
    Play {
        /// Files of scenarios.
        #[arg(required = true)]
        scenarios: Vec<PathBuf>,
    },
    /// Measures decisions a second with few and with many buckets.
    Decisions,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Play { scenarios } => Ok(play_all(&scenarios)),
        Task::Decisions => decisions::run(),
    };
    match done {
        Ok(is_met) => ExitCode::from(u8::from(!is_met)),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Plays all, also after one that cannot be played; answers whether every bar was met.
fn play_all(files: &[PathBuf]) -> bool {
    let mut is_met = true;
    for file in files {
        is_met &= play_one(file).unwrap_or_else(|error| {
            eprintln!(
                "{:#}",
                error.context(format!("{} cannot be played", file.display()))
            );
            false
        });
    }
    is_met
}

fn play_one(file: &PathBuf) -> Result<bool> {
    let text = std::fs::read_to_string(file).context("it cannot be read")?;
    let scenario = Scenario::read(&text)?;
    let report = report::Report::of(&scenario)?;
    println!("{}", serde_json::to_string(&report)?);
    for complaint in report.complaints(&scenario) {
        eprintln!("{}: {complaint}", report.name());
    }
    Ok(report.complaints(&scenario).is_empty())
}
