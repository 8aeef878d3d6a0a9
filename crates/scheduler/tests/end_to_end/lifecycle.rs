use chrono::TimeDelta;
use domain::{Clock, RunState, Schedule, Selection};
use forge_sim::{Effect, Fault, Profile, Recipe};
use sqlx::PgPool;

use crate::world::{LOGIN, Setting, World};

/// A host so slow that a test finds its run at work.
fn slow(world: &World) {
    let effect = Effect::Latency { milliseconds: 1000 };
    world
        .simulator
        .control()
        .fault(Fault::new("/repos/*", effect));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_cancelled_run_stops_at_once(pool: PgPool) {
    let recipe = Recipe::organization(LOGIN, 8, Profile::Small);
    let world = World::make(&pool, Setting::of(recipe)).await;
    slow(&world);
    let plan = world.add_plan(&[]).await;
    let scheduler = world.start("a", 2).await;
    let run = world.request(plan).await;
    world.until(run, |view| view.tally.running == 2).await;
    world.scoped.cancel_run(run).await.unwrap();
    let ended = world.until_ended(run).await;
    assert_eq!(ended.state, RunState::Cancelled, "{ended:#?}");
    assert_eq!(ended.tally.cancelled + ended.tally.complete, 8);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_drained_worker_gives_its_work_back_and_the_next_one_finishes_it(pool: PgPool) {
    let recipe = Recipe::organization(LOGIN, 6, Profile::Small);
    let world = World::make(&pool, Setting::of(recipe)).await;
    slow(&world);
    let plan = world.add_plan(&[]).await;
    let first = world.start("a", 3).await;
    let run = world.request(plan).await;
    world.until(run, |view| view.tally.running > 0).await;
    first.drain().await;
    let put_back = world.view(run).await;
    assert_eq!(put_back.tally.running, 0, "{put_back:#?}");
    assert_eq!(put_back.tally.failed, 0);
    assert!(!put_back.state.is_final());

    world.simulator.control().clear_faults();
    let second = world.start("a", 3).await;
    let ended = world.until_ended(run).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    second.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_run_is_parked_at_its_windows_end_and_goes_on_in_the_next(pool: PgPool) {
    let recipe = Recipe::organization(LOGIN, 6, Profile::Small);
    let now = Clock::system().now();
    let clock = Clock::manual(now);
    let world = World::make(
        &pool,
        Setting {
            clock: clock.clone(),
            ..Setting::of(recipe)
        },
    )
    .await;
    slow(&world);
    let nightly = Schedule::parse("0 2 * * *", "UTC", Some(60), now).unwrap();
    let due = nightly.next_after(now).unwrap();
    world
        .add_plan_for(Selection::All, Some(nightly.clone()), &[])
        .await;
    let scheduler = world.start("a", 2).await;
    assert!(world.scoped.runs(1).await.unwrap().is_empty());

    clock.advance(due - now + TimeDelta::seconds(1));
    scheduler.ring();
    world
        .eventually("the schedule fires", async || {
            !world.scoped.runs(1).await.unwrap().is_empty()
        })
        .await;
    let run = world.scoped.runs(1).await.unwrap()[0].id;
    world.until(run, |view| view.tally.running == 2).await;
    clock.advance(TimeDelta::minutes(61));
    scheduler.ring();
    let parked = world
        .until(run, |view| view.state == RunState::Throttled)
        .await;
    assert_eq!(parked.tally.failed, 0, "{parked:#?}");
    assert_eq!(parked.throttled_until, nightly.next_after(due));

    world.simulator.control().clear_faults();
    clock.advance(TimeDelta::hours(23));
    scheduler.ring();
    let ended = world.until_ended(run).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    assert_eq!(world.scoped.runs(10).await.unwrap().len(), 1);
    scheduler.drain().await;
}
