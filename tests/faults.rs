//! Each thing that goes wrong has the state, the exit code and the sentence that tell the truth.

use forge_sim::{Cut, Effect, Fault};
use serde_json::{Value, json};

use crate::world::{Answer, World, login};

fn plain() -> Value {
    json!({"repositories": [
        {"name": "one", "commits": 5, "issues": 120, "pulls": 3, "labels": 3, "milestones": 1, "comments_per_issue": 1,
         "releases": 1, "assets_per_release": 1, "asset_bytes": 100_000},
        {"name": "two", "commits": 5, "issues": 3, "labels": 1},
    ]})
}

/// A registered organization whose plan may use a second credential, under one fault.
async fn world_with(fault: Fault) -> World {
    let world = World::registered(plain()).await;
    world.add_credential(1).await;
    world.switch_on(1).await;
    world.fault(fault);
    world.serve().await;
    world
}

/// Runs the plan and expects this state, this exit code and, in what the run says, all the words.
async fn runs(world: &World, state: &str, code: i32, words: &[&str]) -> Answer {
    let answer = world.run("nightly").await.expect(code);
    let run = answer.json();
    assert_eq!(run["state"], state, "{run:#}");
    let id = run["run"].as_str().unwrap();
    let said = world.call(&["runs", id]).await.expect(0).json().to_string();
    for word in words {
        assert!(
            said.contains(word),
            "the run does not say \"{word}\": {said}"
        );
    }
    answer
}

fn on(path: &str, effect: Effect) -> Fault {
    Fault::new(path, effect)
}

#[tokio::test]
async fn a_secondary_limit_pauses_one_credential_and_not_the_run() {
    for retry_after in [Some(3600), None] {
        let effect = Effect::SecondaryLimit {
            status: 403,
            retry_after,
        };
        let world = world_with(on("/rep*/issues", effect).times(1)).await;
        runs(&world, "complete", 0, &[]).await;
        let statistics = world.statistics();
        assert_eq!(
            statistics.refused, 1,
            "the limited credential was not left alone: {statistics:?}"
        );
        world.finish().await;
    }
}

#[tokio::test]
async fn a_token_revoked_in_mid_run_is_parked_and_the_others_go_on() {
    let world = World::registered(plain()).await;
    world.add_credential(1).await;
    world.switch_on(1).await;
    world.fault(on("*", Effect::BadCredentials).of(login(1)).after(1));
    world.serve().await;
    runs(&world, "complete", 0, &[]).await;
    let credentials = world
        .call(&["credential", "list", "acme"])
        .await
        .expect(0)
        .json()
        .to_string();
    // Whichever of them notices first says why.
    let of_api = credentials.contains("Bad credentials");
    let of_git = credentials.contains("git over HTTPS answered 401");
    assert!(
        credentials.contains("dead") && (of_api || of_git),
        "{credentials}"
    );
    world.finish().await;
}

#[tokio::test]
async fn a_pool_without_a_living_credential_fails_the_run() {
    let world = World::registered(plain()).await;
    world.fault(on("*", Effect::BadCredentials).after(2));
    world.serve().await;
    runs(&world, "failed", 1, &["Bad credentials"]).await;
    world.finish().await;
}

#[tokio::test]
async fn a_forbidden_kind_of_data_is_an_omission() {
    let world = world_with(on("/rep*/labels", Effect::ResourceNotAccessible)).await;
    runs(
        &world,
        "complete_with_omissions",
        3,
        &["labels", "Resource not accessible"],
    )
    .await;
    let snapshots = world.snapshot_ids().await;
    assert_eq!(snapshots.len(), 2, "an omission cost a whole snapshot");
    world.finish().await;
}

#[tokio::test]
async fn a_git_endpoint_that_fails_is_never_called_complete() {
    let world = world_with(on("/acme/one.git/*", Effect::Status { status: 500 })).await;
    runs(&world, "failed", 1, &["acme/one", "git", "500"]).await;
    assert_eq!(
        world.snapshot_ids().await.len(),
        1,
        "the other repository was not backed up"
    );
    world.finish().await;
}

#[tokio::test]
async fn an_asset_cut_in_half_is_fetched_again() {
    for how in [Cut::Declared, Cut::Honest] {
        let world = world_with(on("/assets/*", Effect::Cut { how }).times(1)).await;
        runs(&world, "complete", 0, &[]).await;
        world.call(&["verify", "--read-data"]).await.expect(0);
        world.finish().await;
    }
}

#[tokio::test]
async fn an_asset_that_is_always_cut_is_an_omission() {
    let world = world_with(on("/assets/*", Effect::Cut { how: Cut::Honest })).await;
    runs(&world, "complete_with_omissions", 3, &["assets", "corrupt"]).await;
    world.heal();
    world.touch_every_repository();
    runs(&world, "complete", 0, &[]).await;
    let target = world.restore("one").await;
    assert!(
        target.join("assets").is_dir(),
        "the asset was not repaired by a healthy run"
    );
    world.finish().await;
}

#[tokio::test]
async fn a_cut_body_is_read_again() {
    for how in [Cut::Declared, Cut::Chunked, Cut::Honest, Cut::Reset] {
        let world = world_with(on("/rep*/issues*", Effect::Cut { how }).times(2)).await;
        runs(&world, "complete", 0, &[]).await;
        let target = world.restore("one").await;
        let issues = crate::world::source::lines(&target.join("metadata/issues.ndjson"));
        assert_eq!(issues, 123);
        world.finish().await;
    }
}

#[tokio::test]
async fn a_renamed_repository_stays_the_same_repository() {
    let world = world_with(on("/nothing", Effect::Status { status: 500 })).await;
    runs(&world, "complete", 0, &[]).await;
    world.rename_repository("one", "uno");
    runs(&world, "complete", 0, &[]).await;
    let snapshots = world.snapshots().await;
    let forge_ids: std::collections::BTreeSet<_> = snapshots
        .iter()
        .filter(|snapshot| {
            ["acme/one", "acme/uno"].contains(&snapshot["repository"].as_str().unwrap())
        })
        .map(|snapshot| snapshot["forge_id"].as_i64())
        .collect();
    assert_eq!(forge_ids.len(), 1, "{snapshots:#?}");
    world.finish().await;
}

#[tokio::test]
async fn a_blocked_repository_is_an_omission_with_the_hosts_reason() {
    let effect = Effect::Blocked {
        reason: "dmca".into(),
    };
    let world = World::registered(plain()).await;
    let id = world.repository("one").id;
    world.fault(on(&format!("/repositories/{id}*"), effect.clone()));
    world.fault(on("/repos/acme/one*", effect.clone()));
    world.fault(on("/acme/one.git/*", Effect::Status { status: 403 }));
    world.serve().await;
    runs(&world, "complete_with_omissions", 3, &["blocked"]).await;
    world.finish().await;
}

#[tokio::test]
async fn a_repository_that_vanished_is_said_to_have_vanished() {
    let world = world_with(on("/nothing", Effect::Status { status: 500 })).await;
    world
        .call(&[
            "plan",
            "edit",
            "nightly",
            "--repositories",
            "acme/one,acme/two",
        ])
        .await
        .expect(0);
    runs(&world, "complete", 0, &[]).await;
    let before = world.snapshot_ids().await;
    world.delete_repository("two");
    runs(&world, "failed", 1, &["acme/two", "are kept"]).await;
    assert!(before.is_subset(&world.snapshot_ids().await));
    world.finish().await;
}

#[tokio::test]
async fn a_storage_that_is_not_there_is_not_made_anew() {
    let world = World::registered(plain()).await;
    world.serve().await;
    runs(&world, "complete", 0, &[]).await;
    let away = world.folder().join("away");
    std::fs::rename(world.storage_folder(), &away).unwrap();
    world.touch_every_repository();
    runs(&world, "failed", 1, &["storage", "not there"]).await;
    assert!(
        !world.storage_folder().join("acme").exists(),
        "a new storage stands where the old one was"
    );
    std::fs::remove_dir_all(world.storage_folder()).ok();
    std::fs::rename(&away, world.storage_folder()).unwrap();
    runs(&world, "complete", 0, &[]).await;
    world.finish().await;
}

#[tokio::test]
async fn a_full_storage_fails_the_run_and_says_so() {
    let world = World::with_small_storage(json!({"repositories": [
        {"name": "large", "commits": 3, "releases": 1, "assets_per_release": 3, "asset_bytes": 8_000_000},
        {"name": "tiny", "commits": 1},
    ]}))
    .await;
    world.serve().await;
    runs(&world, "failed", 1, &["full"]).await;
    world.finish().await;
}

#[tokio::test]
async fn a_run_outlives_an_absence_of_the_database() {
    let world = World::registered_with_latency(plain(), std::time::Duration::from_millis(30)).await;
    world.serve().await;
    world.call(&["run", "nightly"]).await.expect(0);
    world.until_requests(6).await;
    world.database.go_away().await;
    world.log().until(0, "The database").await;
    world.database.come_back().await;
    runs(&world, "complete", 0, &[]).await;
    world.finish().await;
}
