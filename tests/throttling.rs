//! A pool that is spent makes a run wait, which is neither a failure nor a warning, and costs no refused request.

use serde_json::json;

use crate::world::{World, login};

#[tokio::test]
async fn a_throttled_run_outlives_a_restart_and_ends_by_itself() {
    let world = World::registered(json!({
        "quota": 24,
        "window_seconds": 15,
        "repositories": [
            {"name": "one", "commits": 3, "issues": 700, "comments_per_issue": 1, "labels": 3, "milestones": 1},
            {"name": "two", "commits": 3, "issues": 900, "pulls": 5, "labels": 3},
        ],
    }))
    .await;
    world.serve().await;
    let waited = world
        .call(&["run", "nightly", "--wait", "--for", "6s"])
        .await
        .expect(4)
        .json();
    assert_eq!(waited["state"], "throttled", "{waited:#}");
    let until = waited["throttled_until"]
        .as_str()
        .expect("no end of the wait is told")
        .to_owned();
    let spent = world.statistics().requests;
    world.kill().await;

    world.serve().await;
    let again = world.call(&["runs"]).await.expect(0).json();
    assert_eq!(
        again[0]["throttled_until"].as_str(),
        Some(until.as_str()),
        "{again:#}"
    );
    let ended = world.run("nightly").await.expect(0).json();
    assert_eq!(
        ended["run"], waited["run"],
        "a second run was begun beside the waiting one"
    );
    assert!(ended["throttled_s"].as_f64().unwrap() > 1.0, "{ended:#}");
    let statistics = world.statistics();
    assert_eq!(statistics.refused, 0, "{statistics:?}");
    assert!(statistics.requests > spent);
    world.finish().await;
}

#[tokio::test]
async fn a_reserve_is_never_touched() {
    let world = World::registered(json!({
        "quota": 30,
        "window_seconds": 3600,
        "repositories": [{"name": "one", "commits": 3, "issues": 3500}],
    }))
    .await;
    world.serve().await;
    world.call(&["run", "nightly"]).await.expect(0);
    world.until_the_run_is("throttled").await;
    let counters = world.sim.control().counters(login(0)).unwrap();
    assert_eq!(
        counters.core.used, 24,
        "a tenth of 30 is left to the person, and one to whoever else comes in this window: {counters:?}"
    );
    world
        .call(&["cancel", &world.newest_run().await])
        .await
        .expect(0);
    world.finish().await;
}
