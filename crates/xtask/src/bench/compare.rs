//! The same simulated organization, backed up by Holdfast and by others.

mod by_hand;
mod ours;
mod scene;
mod table;
mod theirs;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::setup::{assets, postgres::Database, tools};
use crate::workspace::Workspace;
use ours::Ours;
use scene::Scene;
use table::{Measured, Table};
use theirs::{Extent, Theirs};

/// Requests that a first run of one large repository may take, assets aside.
const LARGE_TARGET: u64 = 60;

/// Requests that a run over a hundred unchanged repositories may take.
const UNCHANGED_TARGET: u64 = 3;

/// How much longer than git and restic by hand a first run of many small repositories may take.
const TIME_TARGET: f64 = 1.5;

/// What to compare.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leave python-github-backup out, which is slow.
    #[arg(long)]
    without_theirs: bool,
    /// Measure release builds.
    #[arg(long)]
    release: bool,
}

/// Measures, prints a table, and ends with one line of JSON.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    tools::require_git()?;
    let restic = tools::require("restic", "restic")?;
    let assets = assets::prepare()?;
    let workspace = workspace.clone().profile(options.release);
    workspace.build()?;
    let database = Database::open()?;
    let folder = tempfile::tempdir()?;
    let mut table = Table::default();

    let setting = Setting {
        workspace: &workspace,
        database: &database,
        assets: &assets,
        folder: folder.path(),
        without_theirs: options.without_theirs,
    };
    let large = beside(&setting, &scene::large(), &mut table)?;
    let small = beside(&setting, &scene::small(), &mut table)?;

    let (ours, ratio) = against_the_clock(&setting, &restic, &mut table)?;

    println!("{}", table.text());
    println!(
        "python-github-backup reads each issue's timeline and events too, which Holdfast does not yet; git and restic by hand keep no metadata."
    );
    let targets = [
        (
            "requests_large_first",
            Value::from(large.first.requests),
            large.first.requests <= LARGE_TARGET,
        ),
        (
            "requests_100_unchanged",
            Value::from(small.unchanged.requests),
            small.unchanged.requests <= UNCHANGED_TARGET,
        ),
        (
            "time_ratio_300_small",
            Value::from(ratio),
            ratio <= TIME_TARGET,
        ),
        (
            "refused",
            Value::from(large.refused() + small.refused() + ours.refused),
            large.refused() + small.refused() + ours.refused == 0,
        ),
    ];
    let met = targets.iter().all(|(_, _, met)| *met);
    let report: serde_json::Map<String, Value> = targets
        .into_iter()
        .map(|(name, value, met)| (name.to_owned(), json!({ "value": value, "met": met })))
        .collect();
    println!("{}", Value::Object(report));
    Ok(if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A first run of many small repositories, and how much longer it takes than the same by hand. By hand comes before and after,
/// and the mean counts, so that a machine that grows slower or faster meanwhile favours neither.
fn against_the_clock(
    setting: &Setting<'_>,
    restic: &Path,
    table: &mut Table,
) -> Result<(Measured, f64)> {
    let many = scene::many();
    let below = setting.folder.join(many.name);
    std::fs::create_dir(&below)?;
    let simulator = many.start(setting.workspace, &below)?;
    let by_hand = |turn: &str, table: &mut Table| -> Result<f64> {
        let place = below.join(turn);
        std::fs::create_dir(&place)?;
        let (git, restic) = by_hand::measure(&simulator, restic, &place)?;
        table.add(many.name, turn, "git clone x16 + restic", &git.and(&restic));
        Ok(git.seconds + restic.seconds)
    };
    let before = by_hand("before", table)?;
    let ours = Ours::start(
        setting.workspace,
        setting.database,
        &simulator,
        setting.folder,
        &below,
    )?
    .measure(&simulator)?;
    table.add(many.name, "first", "holdfast", &ours);
    let after = by_hand("after", table)?;
    let ratio = 2.0 * ours.seconds / (before + after);
    Ok((ours, ratio))
}

/// What all measurements have in common.
struct Setting<'a> {
    workspace: &'a Workspace,
    database: &'a Database,
    assets: &'a Path,
    folder: &'a Path,
    without_theirs: bool,
}

/// Three runs of Holdfast.
struct Three {
    first: Measured,
    unchanged: Measured,
    changed: Measured,
}

impl Three {
    fn refused(&self) -> u64 {
        self.first.refused + self.unchanged.refused + self.changed.refused
    }
}

/// A first, an unchanged and a slightly changed run of all.
fn beside(setting: &Setting<'_>, scene: &Scene, table: &mut Table) -> Result<Three> {
    let below = setting.folder.join(scene.name);
    std::fs::create_dir(&below)?;
    let simulator = scene.start(setting.workspace, &below)?;
    let ours = Ours::start(
        setting.workspace,
        setting.database,
        &simulator,
        setting.folder,
        &below,
    )?;
    let theirs = Extent::BOTH
        .into_iter()
        .filter(|_| !setting.without_theirs)
        .map(|extent| {
            let started = Theirs::start(extent, scene, setting.workspace, setting.assets, &below)?;
            Ok((extent, started))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut measure = |run: &str| -> Result<Measured> {
        let measured = ours.measure(&simulator)?;
        table.add(scene.name, run, "holdfast", &measured);
        for (extent, theirs) in &theirs {
            table.add(scene.name, run, extent.row(), &theirs.measure()?);
        }
        Ok(measured)
    };
    let first = measure("first")?;
    let unchanged = measure("unchanged")?;
    let hosts = theirs.iter().map(|(_, theirs)| theirs.simulator());
    for host in hosts.chain([&simulator]) {
        scene.change(host)?;
    }
    Ok(Three {
        first,
        unchanged,
        changed: measure("changed")?,
    })
}
