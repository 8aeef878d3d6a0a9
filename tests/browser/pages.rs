//! What holds for every page, whatever it is about.

use forge_sim::Mutation;
use forge_sim::gitlab::{self, Recipe, UserRecipe};
use serde_json::json;

use super::drive;
use crate::world::{ORGANIZATION, World};

/// The tenant that [`World::registered`] makes, which the set-up page takes over.
const TENANT: &str = "first";

/// A tenant with a past: complete tasks, one with omissions, one that waits, credentials that work and one that does not.
async fn lived_in() -> World {
    let world = World::registered(json!({
        "owner": "backup-two",
        "repositories": [
            {"name": "one", "commits": 4, "issues": 6, "pulls": 2, "labels": 3, "wiki": true},
            {"name": "two", "commits": 3, "releases": 1, "assets_per_release": 1, "asset_bytes": 2000},
            {"name": "three", "commits": 2, "archived": true},
        ],
    }))
    .await;
    world.add_credential(1).await;
    world.add_credential(2).await;
    world.switch_on(1).await;
    group(&world).await;
    world.serve().await;
    world.run("nightly").await.expect(0);
    world.mutate(&Mutation::BlockRepository {
        repository: format!("{ORGANIZATION}/three"),
        reason: Some("tos".to_owned()),
    });
    world.touch_every_repository();
    world.run("nightly").await.expect(3);
    world.mutate(&Mutation::RevokeTokens {
        login: "backup-one".to_owned(),
    });
    world.set_quota(0, 1);
    world
        .call(&["run", "nightly", "--wait", "--for", "2s"])
        .await
        .expect(4);
    // Another tenant, which nobody owns yet.
    world.call(&["tenant", "add", "second"]).await.expect(0);
    world
}

/// A group of a GitLab that is gone by now, with an account that no plan uses and whose token could be rotated.
async fn group(world: &World) {
    let users = ["group-main", "group-one"];
    let scopes = ["read_api", "read_user", "read_repository", "self_rotate"];
    let recipe = Recipe::group("acme", 0)
        .with_user(UserRecipe::member(users[0]))
        .with_user(UserRecipe::member(users[1]).with_scopes(&scopes));
    let gitlab = gitlab::start(gitlab::Options::new(recipe)).await.unwrap();
    world.register_group(&gitlab, &users).await;
}

async fn looks(look: &str) {
    let world = lived_in().await;
    let more = json!({"look": look, "tenant": TENANT, "addresses": web::addresses()});
    drive("looks", &world, more).await;
    world.finish().await;
}

#[tokio::test]
async fn every_page_is_accessible_in_light() {
    looks("light").await;
}

#[tokio::test]
async fn every_page_is_accessible_in_the_dark() {
    looks("dark").await;
}

#[tokio::test]
async fn every_page_is_accessible_and_fits_on_a_phone() {
    looks("phone").await;
}

#[tokio::test]
async fn a_first_view_costs_150_kilobytes_and_a_later_one_12() {
    let world = lived_in().await;
    drive("budget", &world, json!({"tenant": TENANT})).await;
    world.finish().await;
}

#[tokio::test]
async fn every_form_answers_to_bad_input_with_a_sentence() {
    let world = lived_in().await;
    drive("bad_forms", &world, json!({"tenant": TENANT})).await;
    world.finish().await;
}
