//! The manual's ways through the console, clicked from their first word to a run that has spent what it may.

use std::time::Duration;

use forge_sim::gitlab::{self, Limits, ProjectRecipe, Recipe, UserRecipe};
use serde_json::{Value, json};

use super::drive;
use crate::world::World;

/// How long each answer of a forge takes, so that a run lasts while a person clicks.
const SLOW: Duration = Duration::from_millis(500);

/// Enough to do that a run spends requests, and little enough to wait for.
fn recipe() -> Value {
    json!({
        "more_tokens": 1,
        "repositories": [
            {"name": "one", "commits": 4, "issues": 30, "pulls": 2, "labels": 3, "releases": 1, "assets_per_release": 1, "asset_bytes": 2000},
            {"name": "two", "commits": 3, "issues": 12, "wiki": true},
        ],
    })
}

async fn empty() -> World {
    let world = World::start(recipe()).await;
    world.serve().await;
    world
}

#[tokio::test]
async fn an_account_added_and_switched_on_is_spent_by_the_next_run() {
    let world = empty().await;
    drive("seed", &world, json!({"javascript": true})).await;
    world.finish().await;
}

#[tokio::test]
async fn the_same_works_without_javascript() {
    let world = empty().await;
    drive("seed", &world, json!({"javascript": false})).await;
    world.finish().await;
}

/// A group of a GitLab in place of the usual organization.
async fn on_gitlab(script: &str, javascript: bool) {
    let users = ["backup-main", "backup-one"];
    let recipe = users
        .map(UserRecipe::member)
        .into_iter()
        .fold(Recipe::group("acme", 4), Recipe::with_user)
        .with_project(ProjectRecipe::rich("sub/rich"));
    let gitlab = gitlab::start(gitlab::Options {
        limits: Limits::api(2_000, 3_600),
        ..gitlab::Options::new(recipe)
    })
    .await
    .unwrap();
    let token = |user: &str| {
        (
            user.to_owned(),
            json!([gitlab.control().token(user).unwrap()]),
        )
    };
    let tokens: serde_json::Map<String, Value> = users.map(token).into_iter().collect();
    let world = empty().await;
    let more = json!({
        "javascript": javascript,
        "forge": gitlab.web(),
        "control": gitlab.control_url(),
        "tokens": tokens,
    });
    drive(script, &world, more).await;
    let log = gitlab.control().log();
    assert_eq!((log.refused(), log.unauthorized()), (0, 0));
    world.finish().await;
}

#[tokio::test]
async fn an_account_added_to_a_gitlab_group_is_spent_by_the_next_run() {
    on_gitlab("gitlab", true).await;
}

#[tokio::test]
async fn a_gitlab_group_needs_no_javascript() {
    on_gitlab("gitlab", false).await;
}

#[tokio::test]
async fn a_gitlab_group_is_registered_by_oauth_and_backed_up() {
    on_gitlab("gitlab_oauth", true).await;
}

#[tokio::test]
async fn an_account_added_and_not_switched_on_is_never_asked() {
    let world = empty().await;
    drive("unused", &world, json!({})).await;
    world.finish().await;
}

/// The same with the organization, a storage and a plan, made on the command line.
async fn registered(recipe: Value) -> World {
    let world = World::registered(recipe).await;
    world.serve().await;
    world
}

#[tokio::test]
async fn a_replaced_token_reaches_the_run_that_is_on() {
    let repositories: Vec<Value> = (0..40)
        .map(|number| json!({"name": format!("one-{number}"), "commits": 2, "issues": 3, "pulls": 2, "releases": 1}))
        .collect();
    let world = World::registered_with_latency(
        json!({"more_tokens": 1, "repositories": repositories}),
        SLOW,
    )
    .await;
    world.add_credential(1).await;
    world.switch_on(1).await;
    world.serve().await;
    drive("replace", &world, json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn of_two_admins_who_edit_one_plan_the_second_is_told() {
    let world = registered(recipe()).await;
    drive("two_admins", &world, json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn a_panel_closed_by_mistake_loses_nothing() {
    let world = registered(recipe()).await;
    drive("panel", &world, json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn what_a_snapshot_holds_can_be_looked_at_and_downloaded() {
    let world = registered(recipe()).await;
    world.run("nightly").await.expect(0);
    let refs = json!({"refs": world.repository("one").refs});
    drive("download", &world, refs).await;
    world.finish().await;
}

#[tokio::test]
async fn an_account_is_added_with_the_keyboard_alone() {
    let world = registered(recipe()).await;
    drive("keyboard", &world, json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn bad_input_is_answered_with_its_own_sentence() {
    let world = registered(recipe()).await;
    drive("bad_input", &world, json!({})).await;
    world.finish().await;
}
