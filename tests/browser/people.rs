//! Who gets in, who does not, and how.

use serde_json::json;

use super::drive;
use crate::world::World;

/// Nothing on the forge matters here.
async fn quiet() -> World {
    let world = World::registered(json!({"repositories": [{"name": "one", "commits": 1}]})).await;
    world.serve().await;
    world
}

#[tokio::test]
async fn the_code_that_the_server_prints_opens_an_installation_once() {
    let world = World::start(json!({"repositories": []})).await;
    world.serve().await;
    drive("set_up", &world, json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn a_session_that_is_over_leads_back_after_signing_in() {
    let world = quiet().await;
    drive("session", &world, json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_a_recovery_code_stands_in_once() {
    let world = quiet().await;
    drive("second_factor", &world, json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn an_invited_member_does_what_the_role_allows() {
    let world = quiet().await;
    drive("members", &world, json!({})).await;
    world.finish().await;
}

#[tokio::test]
async fn another_tenant_sees_nothing() {
    let world = quiet().await;
    drive("stranger", &world, json!({})).await;
    world.finish().await;
}
