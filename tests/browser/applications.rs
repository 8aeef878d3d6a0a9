//! Applications, from the service operator who makes them to a run that spends their quota, and whatever must not work.

use serde_json::{Value, json};

use super::drive;
use crate::world::World;

/// One of the forge's users owns the organization there.
fn recipe() -> Value {
    json!({
        "owner": "backup-main",
        "repositories": [
            {"name": "one", "commits": 4, "issues": 30, "pulls": 2, "labels": 3, "private": true},
            {"name": "two", "commits": 3, "issues": 12},
        ],
    })
}

async fn drive_in_empty(script: &str, more: Value) {
    let world = World::start(recipe()).await;
    world.serve().await;
    drive(script, &world, more).await;
    world.finish().await;
}

#[tokio::test]
async fn an_app_installed_as_number_three_and_switched_on_is_spent_by_the_next_run() {
    drive_in_empty("applications", json!({"javascript": true})).await;
}

#[tokio::test]
async fn the_same_works_without_javascript() {
    drive_in_empty("applications", json!({"javascript": false})).await;
}

#[tokio::test]
async fn an_organization_is_registered_by_oauth_and_backed_up() {
    drive_in_empty("oauth", json!({})).await;
}

#[tokio::test]
async fn what_is_not_proven_adds_nothing() {
    drive_in_empty("app_refusals", json!({})).await;
}
