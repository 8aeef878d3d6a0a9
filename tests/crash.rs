//! A process that dies at any moment loses nothing that was reported and wastes next to no quota.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;

use crate::world::World;

/// How often the server is killed.
const KILLS: u64 = 50;

/// What an answer of the forge takes, so that a run is long enough to be killed several times.
const LATENCY: Duration = Duration::from_millis(40);

/// Requests that a killed process may have sent in vain: those in flight, of which a bucket allows ten at first and one more after
/// each round that the host has served, and the free question about the bucket's quota after a start.
const WASTE_PER_KILL: u64 = 12 + 1;

fn busy_organization() -> serde_json::Value {
    let repositories: Vec<_> = (0..14)
        .map(|number| {
            json!({
                "name": format!("repository-{number}"),
                "commits": 20 + number * 10,
                "issues": 220 + number * 40,
                "pulls": 12,
                "comments_per_issue": 1,
                "reviews_per_pull": 1,
                "labels": 5,
                "milestones": 2,
                "releases": 2,
                "assets_per_release": 1,
                "asset_bytes": 200_000,
            })
        })
        .collect();
    json!({ "repositories": repositories })
}

#[tokio::test]
async fn fifty_kills_lose_nothing_and_spend_nothing_twice() {
    let calm = World::registered(busy_organization()).await;
    calm.serve().await;
    calm.run("nightly").await.expect(0);
    let first = calm.statistics().requests;
    calm.touch_every_repository();
    calm.run("nightly").await.expect(0);
    let further = calm.statistics().requests - first;
    calm.finish().await;

    let world = World::registered_with_latency(busy_organization(), LATENCY).await;
    let mut random = fastrand::Rng::with_seed(1912);
    let mut reported = BTreeSet::new();
    let mut runs = 1;
    let mut in_mid_run = 0;
    world.call(&["run", "nightly"]).await.expect(0);
    for kill in 0..KILLS {
        world.serve().await;
        let moment = Duration::from_millis(random.u64(20..1500));
        let ended = tokio::time::timeout(moment, world.until_no_run_is_open())
            .await
            .is_ok();
        world.kill().await;
        let snapshots = world.snapshot_ids().await;
        assert!(
            reported.is_subset(&snapshots),
            "kill {kill}: a reported snapshot is lost"
        );
        reported = snapshots;
        if ended {
            world.touch_every_repository();
            world.call(&["run", "nightly"]).await.expect(0);
            runs += 1;
        } else {
            in_mid_run += 1;
        }
    }
    world.serve().await;
    world.run("nightly").await.expect(0);
    let spent = world.statistics().requests;
    assert!(
        in_mid_run >= KILLS / 2,
        "only {in_mid_run} of {KILLS} kills hit a run"
    );
    let undisturbed = first + further * (runs - 1);
    let allowed = undisturbed + KILLS * WASTE_PER_KILL;
    assert!(
        spent <= allowed,
        "{spent} requests, {undisturbed} without {KILLS} kills: more than {allowed}"
    );
    println!(
        "{in_mid_run} of {KILLS} kills in mid-run, {runs} runs: {spent} requests, {undisturbed} without kills"
    );
    assert!(reported.is_subset(&world.snapshot_ids().await));
    world.call(&["verify", "--read-data"]).await.expect(0);
    restic_accepts(&world).await;
    world.finish().await;
}

/// The stock `restic`, knowing only the organization's password, reads every byte.
async fn restic_accepts(world: &World) {
    let (repository, password) = world.restic_access().await;
    let output = Command::new("restic")
        .args(["--repo", &repository, "check", "--read-data", "--no-cache"])
        .env("RESTIC_PASSWORD", password)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("restic is not installed: run the tests with `cargo xtask test`");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
