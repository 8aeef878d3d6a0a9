//! A group of a GitLab: what its backup costs, and how close it comes to what a throttle allows.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::admin::Admin;
use crate::setup::{postgres::Database, tools};
use crate::signals::Interrupt;
use crate::simulator::Simulator;
use crate::workspace::Workspace;

const GROUP: &str = "acme";
const USER: &str = "group_1_bot";
/// What an unchanged run may cost.
const UNCHANGED_TARGET: f64 = 0.1;
/// How much longer than its quota a throttled run may take.
const THROTTLE_TARGET: f64 = 1.1;
/// The throttle: so many requests a minute.
const THROTTLE: f64 = 60.0;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Projects of the group.
    #[arg(long, default_value_t = 200)]
    projects: usize,
    /// Projects of the group on a host that lets 60 requests a minute through; 0 leaves that part out.
    #[arg(long, default_value_t = 20)]
    throttled: usize,
    /// Measure release builds.
    #[arg(long)]
    release: bool,
}

/// Prints one line of JSON for each run, and one at the end.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    tools::require_git()?;
    let workspace = workspace.clone().profile(options.release);
    workspace.build()?;
    let server = Database::open()?;
    let mut met = true;
    {
        let site = Site::start(&workspace, &server, options.projects, false)?;
        let first = site.measure("first")?;
        let second = site.measure("unchanged")?;
        met &= second.per_project < UNCHANGED_TARGET && first.refused + second.refused == 0;
    }
    if options.throttled > 0 {
        let site = Site::start(&workspace, &server, options.throttled, true)?;
        let first = site.measure("throttled")?;
        let ratio = first.seconds / first.quota_seconds;
        println!("{}", json!({ "of_quota_time": round(ratio) }));
        met &= ratio <= THROTTLE_TARGET && first.refused == 0;
    }
    println!("{}", json!({ "met": met }));
    Ok(if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// An installation with a plan for one group.
struct Site {
    admin: Admin,
    simulator: Simulator,
    projects: usize,
    // Ends before the folder goes.
    _server: crate::process::Supervised,
    _scratch: crate::setup::postgres::Scratch,
    _folder: tempfile::TempDir,
}

struct Measured {
    per_project: f64,
    refused: u64,
    seconds: f64,
    /// How long the throttle alone would make so many requests take.
    quota_seconds: f64,
}

impl Site {
    fn start(
        workspace: &Workspace,
        database: &Database,
        projects: usize,
        throttled: bool,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let scratch = database.scratch("bench")?;
        let simulator = host(workspace, folder.path(), projects, throttled)?;
        let mut admin = Admin::new(
            workspace.program("holdfast"),
            folder.path(),
            scratch.url(),
            Interrupt::listen()?,
        );
        let (server, _) = admin.serve(&folder.path().join("serve.log"))?;
        admin.ask(&["tenant", "add", "bench"])?;
        admin.act_for("bench");
        let storage = folder.path().join("storage").display().to_string();
        admin.ask(&["storage", "add", "vault", "local", &storage])?;
        let user = simulator.users().first().context("there is no user")?;
        let token_file = user.token_file.display().to_string();
        admin.ask(&[
            "organization",
            "add",
            "--kind",
            "gitlab",
            "--host",
            simulator.web(),
            "--name",
            GROUP,
            "--user",
            USER,
            "--token-file",
            &token_file,
        ])?;
        let plan = ["plan", "add", "all", "--organization", GROUP];
        admin.ask(&[&plan[..], &["--repositories", "all", "--storage", "vault"]].concat())?;
        Ok(Self {
            admin,
            simulator,
            projects,
            _server: server,
            _scratch: scratch,
            _folder: folder,
        })
    }

    /// One run, from the command to its end.
    fn measure(&self, name: &str) -> Result<Measured> {
        self.simulator.reset_statistics()?;
        let into_window = into_window()?;
        let start = Instant::now();
        self.admin.ask(&["run", "all", "--wait"])?;
        let seconds = start.elapsed().as_secs_f64();
        let arrived = self.simulator.statistics()?;
        let count = |name: &str| {
            arrived
                .get(name)
                .and_then(Value::as_u64)
                .unwrap_or_default()
        };
        let requests = count("requests");
        let windows = (as_float(requests) / THROTTLE).ceil();
        let measured = Measured {
            per_project: as_float(requests) / as_float(self.projects as u64),
            refused: count("refused"),
            seconds,
            quota_seconds: ((windows - 1.0) * 60.0 - into_window).max(1.0),
        };
        println!(
            "{}",
            json!({
                "run": name,
                "projects": self.projects,
                "requests": requests,
                "requests_per_project": round(measured.per_project),
                "git_requests": count("git"),
                "refused": measured.refused,
                "seconds": round(seconds),
            })
        );
        Ok(measured)
    }
}

fn host(
    workspace: &Workspace,
    folder: &Path,
    projects: usize,
    throttled: bool,
) -> Result<Simulator> {
    let recipe = folder.join("recipe.json");
    let project = |number: usize| {
        json!({
            "name": format!("project-{number:03}"),
            "commits": 3,
            "issues": 2,
            "merge_requests": 1,
            "notes": 1,
            "things": 1,
        })
    };
    let content = json!({
        "group": GROUP,
        "named": (0..projects).map(project).collect::<Vec<_>>(),
        "users": [{ "username": USER, "bot": true }],
    });
    std::fs::write(&recipe, content.to_string())?;
    let mut arguments: Vec<OsString> = vec!["--gitlab".into(), recipe.into()];
    if throttled {
        arguments.extend(["--throttle".into(), format!("{THROTTLE}=60").into()]);
    }
    Simulator::start(workspace, folder, &arguments)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench are small")]
fn as_float(count: u64) -> f64 {
    count as f64
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// Seconds since the host's window of a minute began.
#[expect(
    clippy::disallowed_methods,
    reason = "the host's windows are those of the system's clock"
)]
fn into_window() -> Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() % 60.0)
}
