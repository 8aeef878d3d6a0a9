//! The console of a large installation, read by many at once while a run is on.

mod installation;
mod readers;
mod tables;
mod visitor;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;

use crate::setup::{postgres::Database, tools};
use crate::workspace::Workspace;
use installation::Installation;
use readers::Times;

/// The page that every other one is compared with: it does next to nothing.
const HEALTH: &str = "/health";

/// How slow the slowest of a hundred views of a list may be.
const TARGET: Duration = Duration::from_millis(50);

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measure release builds; the target is meant for them.
    #[arg(long)]
    release: bool,
    /// How many read at once.
    #[arg(long, default_value_t = 50)]
    readers: u32,
    /// How many pages each of them opens per second; with none, the next as soon as the last has come.
    #[arg(long)]
    pace: Option<f64>,
    /// How long each page is read.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// Prints one line of JSON for each page, and one at the end.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    tools::require_git()?;
    let workspace = workspace.clone().profile(options.release);
    workspace.build()?;
    let server = Database::open()?;
    let scratch = server.scratch("bench")?;
    let installation = Installation::start(&workspace, &scratch)?;
    let visitor = installation.visitor()?;
    let pages = installation::lists(&visitor)?;
    for page in &pages {
        visitor.open(page)?;
    }
    installation.start_run()?;
    let scans = tables::scans(&scratch)?;

    let load = readers::Load {
        readers: options.readers,
        pace: options.pace,
        duration: Duration::from_secs_f64(options.seconds),
    };
    let health = load.on(&visitor, HEALTH)?;
    show(HEALTH, &health, &health);
    let mut slow = Vec::new();
    for page in &pages {
        let times = load.on(&visitor, page)?;
        show(page, &times, &health);
        if times.percentile(99) > TARGET {
            slow.push(page.clone());
        }
    }
    if !installation.is_running()? {
        bail!("the run ended before the pages were read: make it longer");
    }
    let scanned = tables::scanned_since(&scratch, &scans)?;
    println!(
        "{}",
        json!({ "slow": slow, "read_without_index": scanned, "target_ms": TARGET.as_millis() })
    );
    Ok(if slow.is_empty() && scanned.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show(page: &str, times: &Times, health: &Times) {
    let ratio = |percent| {
        times.percentile(percent).as_secs_f64() / health.percentile(percent).as_secs_f64()
    };
    println!(
        "{}",
        json!({
            "page": page,
            "views": times.count(),
            "views_per_second": round(times.per_second()),
            "p50_ms": round(times.percentile(50).as_secs_f64() * 1000.0),
            "p99_ms": round(times.percentile(99).as_secs_f64() * 1000.0),
            "p50_of_health": round(ratio(50)),
            "p99_of_health": round(ratio(99)),
        })
    );
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
