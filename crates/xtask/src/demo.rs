//! The main job of the product before one's eyes: an organization is backed up through a pool of credentials, verified and
//! restored, with real parts and a simulated host.

mod compare;
mod host;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;

use crate::admin::Admin;
use crate::files;
use crate::setup::{postgres::Database, tools};
use crate::signals::Interrupt;
use crate::simulator::Simulator;
use crate::workspace::Workspace;
use host::{ORGANIZATION, REPOSITORIES, RESTORED, USERS};
use report::{Expected, Report, Spent};

/// How the demo goes.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// End when all is done instead of going on serving until Ctrl-C.
    #[arg(long)]
    exit: bool,
}

/// Runs the demo; the exit code says whether everything was as it should be.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    tools::require_git()?;
    eprintln!("Building; the first time takes a few minutes.");
    workspace.build()?;
    let interrupt = Interrupt::listen()?;
    let folder = fresh_folder(workspace)?;
    let database = Database::open()?;
    let simulator = host::start(workspace, &folder)?;
    eprintln!(
        "A simulated GitHub with {} repositories listens on {}.",
        REPOSITORIES,
        simulator.web()
    );
    let mut admin = Admin::new(
        workspace.program("holdfast"),
        &folder,
        database.url(),
        interrupt.clone(),
    );
    let (server, address) = admin.serve(&folder.join("serve.log"))?;
    let report = drive(&mut admin, &simulator, &folder)?;
    server.check()?;
    let faults = report.faults(&Expected {
        repositories: REPOSITORIES,
        restored: RESTORED,
        used: [USERS[0], USERS[1]],
        unused: USERS[2],
    });
    for fault in &faults {
        eprintln!("NOT AS IT SHOULD BE: {fault}");
    }
    if !options.exit {
        eprintln!(
            "\nServing on {address} until Ctrl-C; everything is below {}.",
            folder.display()
        );
    }
    println!("{}", serde_json::to_string(&report)?);
    if !options.exit
        && let Ok(status) = server.wait(|| interrupt.asked())
    {
        bail!("holdfast serve ended by itself with {status}");
    }
    Ok(if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Nothing of an earlier demo is left.
fn fresh_folder(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target().join("demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// What an admin does, from the first command to the comparison.
fn drive(admin: &mut Admin, simulator: &Simulator, folder: &Path) -> Result<Report> {
    let storage = folder.join("storage");
    register(admin, simulator, &storage)?;
    let ended = admin.run(&["run", "nightly", "--wait"])?;
    if ended.code() != Some(0) {
        eprintln!("The run ended with {ended}.");
    }
    let run = newest_run(admin)?;
    admin.succeed(&["verify", "--read-data"])?;
    let snapshots = admin.ask(&["snapshots"])?;
    let snapshots = snapshots.as_array().cloned().unwrap_or_default();
    let mut restored_equal = 0;
    let world = simulator.world()?;
    for source in host::worth_restoring(&world) {
        let full_name = source.full_name.as_str();
        let target = folder.join("restored").join(&source.name);
        let snapshot = snapshots
            .iter()
            .find(|one| text(one, "repository") == full_name)
            .with_context(|| format!("there is no snapshot of {full_name}"))?;
        let target_text = target.display().to_string();
        admin.succeed(&["restore", text(snapshot, "snapshot"), "--to", &target_text])?;
        let differences = compare::differences(&target, source)?;
        if differences.is_empty() {
            restored_equal += 1;
            eprintln!("{full_name} as restored equals its source.");
        } else {
            eprintln!(
                "{full_name} as restored differs:\n  {}",
                differences.join("\n  ")
            );
        }
    }
    admin.succeed(&["credential", "list", ORGANIZATION])?;
    Ok(Report {
        state: text(&run, "state").to_owned(),
        repositories: number(&run, "repositories"),
        snapshots: snapshots.len(),
        restored_equal,
        throttled_s: run
            .get("throttled_s")
            .and_then(Value::as_f64)
            .unwrap_or_default(),
        bytes_stored: files::size(&storage)?,
        credentials: spent(&run, &admin.ask(&["credential", "list", ORGANIZATION])?),
    })
}

/// Tenant, storage, organization with its main credential, two more credentials, and a plan that has one of them switched on.
fn register(admin: &mut Admin, simulator: &Simulator, storage: &Path) -> Result<()> {
    // A database that was given may hold an earlier demo.
    let tenant = format!("demo-{:08x}", fastrand::u32(..));
    admin.succeed(&["tenant", "add", &tenant])?;
    admin.act_for(&tenant);
    let storage = storage.display().to_string();
    admin.succeed(&["storage", "add", "vault", "local", &storage])?;
    let users: Vec<(&str, String)> = simulator
        .users()
        .iter()
        .map(|user| (user.login.as_str(), user.token_file.display().to_string()))
        .collect();
    let [(main, main_file), additional @ ..] = users.as_slice() else {
        bail!("the simulator has no users");
    };
    admin.succeed(&[
        "organization",
        "add",
        "--kind",
        "github",
        "--host",
        simulator.web(),
        "--name",
        ORGANIZATION,
        "--user",
        main,
        "--token-file",
        main_file,
    ])?;
    for (user, file) in additional {
        admin.succeed(&[
            "credential",
            "add",
            ORGANIZATION,
            "--user",
            user,
            "--token-file",
            file,
        ])?;
    }
    admin.succeed(&[
        "plan",
        "add",
        "nightly",
        "--organization",
        ORGANIZATION,
        "--repositories",
        "all",
        "--storage",
        "vault",
        "--schedule",
        "30 2 * * *",
        "--time-zone",
        "Europe/Berlin",
        "--retention",
        "daily=14,monthly=12",
        "--additional-credentials",
        "on",
        "--use",
        USERS[1],
    ])
}

fn newest_run(admin: &Admin) -> Result<Value> {
    let runs = admin.ask(&["runs", "--limit", "1"])?;
    runs.get(0).cloned().context("there is no run")
}

/// Every credential of the organization, those included that no plan may use.
fn spent(run: &Value, credentials: &Value) -> Vec<Spent> {
    let used = run.get("credentials").and_then(Value::as_array);
    credentials
        .as_array()
        .into_iter()
        .flatten()
        .map(|credential| {
            let name = text(credential, "name");
            let used = used.and_then(|used| used.iter().find(|one| text(one, "name") == name));
            Spent {
                name: name.to_owned(),
                requests: used.map_or(0, |one| number(one, "requests")),
                refused: used.map_or(0, |one| number(one, "refused")),
            }
        })
        .collect()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, field: &str) -> u64 {
    value.get(field).and_then(Value::as_u64).unwrap_or_default()
}
