use domain::RunState;
use forge_sim::{Limits, Profile, Quota, Recipe, UserRecipe};
use sqlx::PgPool;

use crate::world::{LOGIN, Setting, World};

/// Windows so short that a test sees several.
fn short_windows(setting: Setting) -> Setting {
    Setting {
        limits: Limits {
            window_seconds: 4,
            ..setting.limits
        },
        ..setting
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_run_that_has_spent_its_quota_is_parked_and_goes_on_by_itself(pool: PgPool) {
    let recipe = Recipe::organization(LOGIN, 6, Profile::Small);
    let world = World::make(&pool, short_windows(Setting::of(recipe))).await;
    world
        .simulator
        .control()
        .set_quota(
            "main",
            Quota {
                core: 12,
                graphql: 50,
            },
        )
        .unwrap();
    let plan = world.add_plan(&[]).await;
    let scheduler = world.start("a", 4).await;
    let run = world.request(plan).await;
    let waiting = world
        .until(run, |view| {
            view.tally.throttled > 0 || view.state.is_final()
        })
        .await;
    assert!(!waiting.state.is_final(), "{waiting:#?}");
    let ended = world.until_ended(run).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    assert!(ended.throttled_s > 0.0);
    assert_eq!(world.refused(), 0);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn two_workers_share_the_work_and_the_quota_without_a_refusal(pool: PgPool) {
    let recipe = Recipe::organization(LOGIN, 12, Profile::Small)
        .with_user(UserRecipe::member("second").with_quota(30));
    let world = World::make(&pool, short_windows(Setting::of(recipe))).await;
    world
        .simulator
        .control()
        .set_quota("main", Quota::both(30))
        .unwrap();
    let second = world.add_credential("second").await;
    let plan = world.add_plan(&[second]).await;
    let workers = [world.start("a", 3).await, world.start("b", 3).await];
    let run = world.request(plan).await;
    world
        .eventually("both work", async || {
            let view = world.view(run).await;
            assert!(!view.state.is_final(), "one did it all: {view:#?}");
            workers.iter().all(|worker| worker.status().fetches > 0)
        })
        .await;
    let ended = world.until_ended(run).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    assert_eq!(world.snapshots().await.len(), 12);
    assert_eq!(world.refused(), 0);
    assert_eq!(ended.credentials.len(), 2);
    assert!(
        ended
            .credentials
            .iter()
            .all(|one| one.requests > 0 && one.refused == 0)
    );
    for worker in &workers {
        worker.drain().await;
    }
    assert!(world.db.fleet().live_workers().await.unwrap().is_empty());
}
