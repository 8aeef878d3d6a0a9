use domain::{Health, RunState};
use forge_sim::{Effect, Fault, Mutation, Profile, Recipe, UserRecipe};
use sqlx::PgPool;

use crate::world::{LOGIN, Setting, World};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_credential_that_dies_in_mid_run_is_set_aside_and_the_run_completes(pool: PgPool) {
    let recipe =
        Recipe::organization(LOGIN, 6, Profile::Small).with_user(UserRecipe::member("second"));
    let world = World::make(&pool, Setting::of(recipe)).await;
    let second = world.add_credential("second").await;
    let plan = world.add_plan(&[second]).await;
    let revoke = Effect::Mutate {
        mutation: Mutation::RevokeTokens {
            login: "main".to_owned(),
        },
    };
    world
        .simulator
        .control()
        .fault(Fault::new("/repos/*", revoke).of("main").after(5).times(1));
    let scheduler = world.start("a", 4).await;
    let ended = world.run(plan).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    world
        .eventually("the dead credential is marked", async || {
            let credentials = world
                .scoped
                .credentials(world.organization.id)
                .await
                .unwrap();
            credentials.iter().all(|one| {
                matches!(one.health, Health::Dead { .. }) == (one.name.as_str() == "main")
            })
        })
        .await;
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn without_a_living_credential_the_run_fails_with_a_sentence(pool: PgPool) {
    let recipe = Recipe::organization(LOGIN, 2, Profile::Tiny);
    let world = World::make(&pool, Setting::of(recipe)).await;
    let plan = world.add_plan(&[]).await;
    world
        .simulator
        .control()
        .mutate(&Mutation::RevokeTokens {
            login: "main".to_owned(),
        })
        .unwrap();
    let scheduler = world.start("a", 4).await;
    let ended = world.run(plan).await;
    assert_eq!(ended.state, RunState::Failed, "{ended:#?}");
    assert!(ended.cause.unwrap().contains("credential"));
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_token_that_cannot_be_opened_sets_nothing_aside_but_its_credential(pool: PgPool) {
    let recipe =
        Recipe::organization(LOGIN, 2, Profile::Tiny).with_user(UserRecipe::member("second"));
    let world = World::make(&pool, Setting::of(recipe)).await;
    let second = world.add_credential("second").await;
    let plan = world.add_plan(&[second]).await;
    sqlx::query(
        "UPDATE secrets SET sealed = sealed || '\\x00' WHERE id = (SELECT secret_id FROM credentials WHERE id = $1)",
    )
    .bind(second.0)
    .execute(&pool)
    .await
    .unwrap();
    let scheduler = world.start("a", 4).await;
    let ended = world.run(plan).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    let credentials = world.scoped.credentials(world.organization.id).await;
    for credential in credentials.unwrap() {
        let is_dead = matches!(&credential.health, Health::Dead { reason } if reason.contains("cannot be opened"));
        assert_eq!(is_dead, credential.id == second, "{credential:#?}");
    }
    scheduler.drain().await;
}
