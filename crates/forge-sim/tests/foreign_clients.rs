//! Unmodified clients of other people list and page against the simulator.

use std::process::Command;

use forge_sim::{Limits, Options, Quota};
use serde_json::{Value, json};

use crate::assets;
use crate::harness::{Sim, recipe};

fn script(name: &str) -> String {
    format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a client, which prints what it saw as JSON in its last line.
async fn run(mut command: Command, sim: &Sim) -> Value {
    command
        .env("BASE_URL", sim.handle.api())
        .env("TOKEN", sim.token("ann"))
        .env("NO_PROXY", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn python() -> Command {
    let mut command = Command::new("python3");
    command
        .arg(script("list.py"))
        .env("PYTHONPATH", assets::python())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn octokit() -> Command {
    let mut command = Command::new("node");
    command.arg(script("list.mjs")).env(
        "OCTOKIT",
        assets::npm("octokit").join("dist-bundle/index.js"),
    );
    command
}

/// What every client should have seen of the rich repository.
fn expected(sim: &Sim) -> Value {
    let world = sim.control().world();
    let counts = world.repository("acme/rich").unwrap().counts;
    json!({
        "login": "ann",
        "repositories": world.repositories().count(),
        "issues": counts.issues + counts.pulls,
        "issue_comments": counts.issue_comments,
        "pulls": counts.pulls,
        "reviews": counts.reviews,
        "review_comments": counts.review_comments,
        "labels": counts.labels,
        "milestones": counts.milestones,
        "releases": counts.releases,
        "assets": counts.assets,
        "missing": 404,
        "unchanged": 304,
    })
}

#[tokio::test]
async fn pygithub_sees_the_whole_world() {
    let sim = Sim::start().await;
    assert_eq!(run(python(), &sim).await, expected(&sim));
}

#[tokio::test]
async fn octokit_sees_the_whole_world() {
    let sim = Sim::start().await;
    assert_eq!(run(octokit(), &sim).await, expected(&sim));
}

#[tokio::test]
async fn both_recognize_a_used_up_limit() {
    let limits = Limits {
        user: Quota::both(1),
        ..Limits::default()
    };
    for client in [python(), octokit()] {
        let sim = Sim::with(Options {
            limits: limits.clone(),
            ..Options::new(recipe())
        })
        .await;
        let mut client = client;
        client.env("EXPECT", "limit");
        assert_eq!(run(client, &sim).await, json!({ "limited": true }));
    }
}
