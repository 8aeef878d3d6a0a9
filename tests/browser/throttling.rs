//! The limits of credentials, watched while they are spent.

use std::time::Duration;

use serde_json::{Value, json};

use super::drive;
use crate::world::{ORGANIZATION, World, login};

/// The forge's windows, in place of an hour.
const WINDOW_SECONDS: i64 = 15;

/// What each of the credentials may ask for in a window.
const QUOTA: u64 = 20;

/// How long each answer of the forge takes.
const LATENCY: Duration = Duration::from_millis(20);

/// A plan has read everything once, so that it is known what that takes and how long windows are; another one is to read everything
/// too.
async fn world() -> World {
    let repositories: Vec<Value> = (0..20)
        .map(|number| json!({"name": format!("one-{number}"), "commits": 2, "issues": 320, "labels": 2}))
        .collect();
    let world = World::registered_with_latency(
        json!({"quota": QUOTA, "window_seconds": WINDOW_SECONDS, "repositories": repositories}),
        LATENCY,
    )
    .await;
    world.add_credential(1).await;
    world.switch_on(1).await;
    world.serve().await;
    world.run("nightly").await.expect(0);
    world
        .call(&[
            "plan",
            "add",
            "weekly",
            "--organization",
            ORGANIZATION,
            "--storage",
            "disk",
            "--repositories",
            "all",
            "--retention",
            "forever",
            "--additional-credentials",
            "on",
            "--use",
            login(1),
        ])
        .await
        .expect(0);
    world
}

#[tokio::test]
async fn a_pool_that_runs_dry_is_watched_without_a_reload_and_its_end_is_foretold() {
    let world = world().await;
    drive("throttling", &world, json!({})).await;
    assert_eq!(world.statistics().refused, 0);
    world.finish().await;
}
