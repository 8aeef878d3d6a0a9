//! What a second process is worth: one `holdfast worker` more on the same database and the same pool.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

use super::registered;
use crate::admin::Admin;
use crate::setup::{postgres::Database, tools};
use crate::signals::Interrupt;
use crate::simulator::Simulator;
use crate::workspace::Workspace;

/// The organization's login on the simulated host.
const ORGANIZATION: &str = "acme";
/// Its members: who has the main credential comes first.
const USERS: [&str; 4] = ["backup", "second", "third", "fourth"];
/// Repositories that one process fetches at once: so few that it waits for the host and not for the machine.
const CONCURRENCY: &str = "2";
/// How many times the throughput of one process two must have where no quota is the limit.
const TARGET: f64 = 1.8;

/// A host whose answers take their time and whose quota is ample.
const AMPLE: [&str; 6] = [
    "--repositories",
    "40",
    "--quota",
    "100000",
    "--latency-ms",
    "500",
];
/// A host where quota is the limit: a window of seconds stands for an hour.
const SCARCE: [&str; 6] = ["--repositories", "40", "--quota", "40", "--window", "5"];

#[derive(Debug)]
struct Measured {
    requests: u64,
    refused: u64,
    seconds: f64,
}

impl Measured {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of requests are far below 2^53"
    )]
    fn throughput(&self) -> f64 {
        self.requests as f64 / self.seconds.max(0.001)
    }

    fn document(&self) -> Value {
        json!({
            "requests": self.requests,
            "refused": self.refused,
            "seconds": (self.seconds * 10.0).round() / 10.0,
        })
    }
}

/// Measures, prints one line of JSON, and fails if the second process is not worth what it should be.
pub(super) fn run(workspace: &Workspace) -> Result<ExitCode> {
    tools::require_git()?;
    workspace.build()?;
    let database = Database::open()?;
    let folder = tempfile::tempdir()?;
    let measure = |name: &str, host: [&str; 6], processes: usize| {
        let below = folder.path().join(name);
        std::fs::create_dir(&below)?;
        run_with(workspace, &database, folder.path(), &below, host, processes)
    };
    let one = measure("one", AMPLE, 1)?;
    let two = measure("two", AMPLE, 2)?;
    let throttled = measure("throttled", SCARCE, 2)?;
    let speedup = two.throughput() / one.throughput();
    let refused = one.refused + two.refused + throttled.refused;
    let is_met = speedup >= TARGET && refused == 0;
    let document = json!({
        "name": "workers",
        "one": one.document(),
        "two": two.document(),
        "speedup": (speedup * 100.0).round() / 100.0,
        "two_throttled": throttled.document(),
        "met": is_met,
    });
    println!("{document}");
    Ok(if is_met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One run of so many processes; from the command to its end.
fn run_with(
    workspace: &Workspace,
    database: &Database,
    common: &Path,
    folder: &Path,
    host: [&str; 6],
    processes: usize,
) -> Result<Measured> {
    let mut arguments: Vec<OsString> = host.map(Into::into).to_vec();
    arguments.extend(["--organization".into(), ORGANIZATION.into()]);
    arguments.extend(["--profile".into(), "small".into()]);
    for user in USERS {
        arguments.extend(["--user".into(), user.into()]);
    }
    let simulator = Simulator::start(workspace, folder, &arguments)?;
    let program = workspace.program("holdfast");
    let mut admin = Admin::new(program, common, database.url(), Interrupt::listen()?);
    admin.set("HOLDFAST_CONCURRENCY", CONCURRENCY);
    let (_server, _) = admin.serve(&folder.join("serve.log"))?;
    let mut workers = Vec::new();
    for number in 1..processes {
        let log = folder.join(format!("worker-{number}.log"));
        let data = folder.join(format!("worker-{number}"));
        workers.push(admin.work(&common.join("data/master.key"), &data, &log)?);
    }
    registered::tenant(&mut admin)?;
    registered::organization(&admin, &simulator, ORGANIZATION, USERS.len(), folder)?;
    simulator.reset_statistics()?;
    let start = Instant::now();
    admin.ask(&["run", ORGANIZATION, "--wait"])?;
    let seconds = start.elapsed().as_secs_f64();
    let statistics = simulator.statistics()?;
    let number = |name: &str| statistics.get(name).and_then(Value::as_u64);
    Ok(Measured {
        requests: number("requests").unwrap_or_default(),
        refused: number("refused").unwrap_or_default(),
        seconds,
    })
}
