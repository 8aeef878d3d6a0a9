//! What a pool is worth through real HTTP: the product against the simulated host, with four credentials, with one, and beside
//! policies that others have. A window of seconds stands for an hour.

mod naive;
mod product;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::setup::{postgres::Database, tools};
use crate::simulator::Simulator;
use crate::workspace::Workspace;
use naive::Policy;

/// The organization's login on the simulated host.
const ORGANIZATION: &str = "acme";
/// Its members: who has the main credential comes first.
const USERS: [&str; 4] = ["backup", "second", "third", "fourth"];
/// Requests a window and user. The tenth that is a person's is never touched.
const QUOTA: u64 = 40;
/// Seconds that stand for an hour.
const WINDOW: u32 = 5;
const REPOSITORIES: u32 = 90;
/// How many times the throughput of one credential four must have.
const TARGET: f64 = 3.8;

/// Measured options.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Leave the naive policies out.
    #[arg(long)]
    without_naive: bool,
}

/// One way to spend four quotas, or one.
#[derive(Debug, Clone, Copy)]
struct Measured {
    requests: u64,
    refused: u64,
    seconds: f64,
}

impl Measured {
    fn of(simulator: &Simulator, seconds: f64) -> Result<Self> {
        let statistics = simulator.statistics()?;
        let number = |name: &str| {
            statistics
                .get(name)
                .and_then(Value::as_u64)
                .unwrap_or_default()
        };
        Ok(Self {
            requests: number("requests"),
            refused: number("refused"),
            seconds,
        })
    }

    /// Requests a second that were not refused.
    fn throughput(&self) -> f64 {
        precise(self.requests - self.refused.min(self.requests)) / self.seconds.max(0.001)
    }

    fn document(&self) -> Value {
        json!({
            "requests": self.requests,
            "refused": self.refused,
            "seconds": (self.seconds * 10.0).round() / 10.0,
            "requests_per_s": (self.throughput() * 100.0).round() / 100.0,
        })
    }
}

/// Measures, prints one line of JSON, and fails if four credentials are not worth what they should be.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    tools::require_git()?;
    workspace.build()?;
    let database = Database::open()?;
    let folder = tempfile::tempdir()?;
    let measure = |name: &str, users: usize| -> Result<Measured> {
        let below = folder.path().join(name);
        std::fs::create_dir(&below)?;
        let simulator = host(workspace, &below)?;
        product::measure(
            workspace,
            &database,
            &simulator,
            folder.path(),
            &below,
            users,
        )
    };
    let four = measure("four", USERS.len())?;
    let one = measure("one", 1)?;
    let speedup = four.throughput() / one.throughput();
    let mut document = json!({
        "name": "spread",
        "four": four.document(),
        "one": one.document(),
        "speedup": (speedup * 100.0).round() / 100.0,
        "met": speedup >= TARGET && four.refused == 0 && one.refused == 0,
    });
    if !options.without_naive {
        for policy in Policy::ALL {
            let below = folder.path().join(policy.name());
            std::fs::create_dir(&below)?;
            let simulator = host(workspace, &below)?;
            let measured = naive::measure(policy, &simulator, four.requests)?;
            ensure!(
                measured.requests > 0,
                "the policy {} sent nothing",
                policy.name()
            );
            if let Some(document) = document.as_object_mut() {
                document.insert(policy.name().to_owned(), measured.document());
            }
        }
    }
    println!("{document}");
    let is_met = document.get("met") == Some(&Value::Bool(true));
    Ok(if is_met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A host with an organization that takes many windows, and its users.
fn host(workspace: &Workspace, folder: &Path) -> Result<Simulator> {
    let recipe = folder.join("recipe.json");
    let named: Vec<Value> = (0..REPOSITORIES)
        .map(|number| {
            json!({
                "name": repository(number),
                "commits": 2,
                "files": 1,
                "issues": 3,
                "pulls": 1,
                "comments_per_issue": 1,
                "labels": 2,
                "milestones": 1,
            })
        })
        .collect();
    let users: Vec<Value> = USERS
        .iter()
        .map(|login| json!({ "login": login, "quota": QUOTA, "graphql_quota": 100_000 }))
        .collect();
    let content = json!({
        "seed": 1,
        "organizations": [{ "login": ORGANIZATION, "named": named }],
        "users": users,
    });
    std::fs::write(&recipe, content.to_string())?;
    let arguments = [
        "--recipe".into(),
        recipe.into(),
        "--window".into(),
        WINDOW.to_string().into(),
    ];
    Simulator::start(workspace, folder, &arguments)
}

fn repository(number: u32) -> String {
    format!("small-{number:03}")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of requests are far below 2^53"
)]
fn precise(count: u64) -> f64 {
    count as f64
}
