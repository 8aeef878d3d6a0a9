//! What was backed up comes back equal to its source, with Holdfast and without it.

use std::path::Path;

use serde_json::{Value, json};

use crate::world::World;
use crate::world::source::{lines, refs};

fn varied() -> Value {
    json!({"repositories": [
        {"name": "full", "commits": 40, "issues": 130, "pulls": 25, "comments_per_issue": 2, "reviews_per_pull": 2,
         "review_comments_per_pull": 1, "labels": 9, "milestones": 3, "releases": 3, "assets_per_release": 2,
         "asset_bytes": 50_000, "lfs_objects": 3, "wiki": true},
        {"name": "tiny", "commits": 1},
        {"name": "empty", "commits": 0},
        {"name": "closed", "commits": 3, "private": true, "archived": true, "labels": 2},
    ]})
}

#[tokio::test]
async fn a_restored_repository_equals_its_source() {
    let world = World::registered(varied()).await;
    world.serve().await;
    let run = world.run("nightly").await.expect(0).json();
    assert_eq!(run["state"], "complete", "{run:#}");
    for name in ["full", "tiny", "empty", "closed"] {
        let target = world.restore(name).await;
        assert_eq!(
            refs(&target.join("git")).await,
            world.repository(name).refs,
            "refs of {name}"
        );
    }
    let full = world.folder().join("restored-full");
    let source = world.repository("full");
    let counts = source.counts;
    for (kind, count) in [
        ("issues", counts.issues + counts.pulls),
        ("pull_requests", counts.pulls),
        ("issue_comments", counts.issue_comments),
        ("reviews", counts.pulls),
        ("review_comments", counts.review_comments),
        ("labels", counts.labels),
        ("milestones", counts.milestones),
        ("releases", counts.releases),
    ] {
        assert_eq!(
            lines(&full.join("metadata").join(format!("{kind}.ndjson"))),
            count,
            "{kind}"
        );
    }
    assert_eq!(files_below(&full.join("assets")), source.assets.len());
    assert_eq!(files_below(&full.join("lfs")), source.lfs_objects.len());
    assert!(!refs(&full.join("wiki")).await.is_empty());
    world.finish().await;
}

#[tokio::test]
async fn an_unchanged_organization_costs_three_requests() {
    let repositories: Vec<_> = (0..100)
        .map(|number| json!({"name": format!("quiet-{number}"), "commits": 1, "issues": 1}))
        .collect();
    let world = World::registered(json!({ "repositories": repositories })).await;
    world.serve().await;
    world.run("nightly").await.expect(0);
    world.reset_statistics();
    let again = world.run("nightly").await.expect(0).json();
    assert_eq!(again["tally"]["unchanged"], 100, "{again:#}");
    let requests = world.statistics().requests;
    assert!(
        requests <= 3,
        "{requests} requests for 100 unchanged repositories"
    );
    world.finish().await;
}

#[tokio::test]
async fn a_repository_that_went_away_keeps_its_snapshots() {
    let world = World::registered(varied()).await;
    world.serve().await;
    world.run("nightly").await.expect(0);
    let before = world.snapshot_ids().await;
    world.delete_repository("tiny");
    world.run("nightly").await.expect(0);
    assert!(before.is_subset(&world.snapshot_ids().await));
    let target = world.restore("tiny").await;
    assert!(!refs(&target.join("git")).await.is_empty());
    world.finish().await;
}

#[tokio::test]
async fn a_credential_that_no_plan_uses_spends_nothing() {
    let world = World::registered(varied()).await;
    world.add_credential(1).await;
    world.add_credential(2).await;
    world.switch_on(1).await;
    world.set_quota(0, 25);
    world.reset_statistics();
    world.serve().await;
    world.run("nightly").await.expect(0);
    let spent = world.statistics();
    assert!(
        world.requests_of(0) > 0 && world.requests_of(1) > 0,
        "{spent:?}"
    );
    assert_eq!(world.requests_of(2), 0, "{spent:?}");
    assert_eq!(spent.refused, 0, "{spent:?}");
    world.finish().await;
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files_below(&path) } else { 1 }
        })
        .sum()
}
