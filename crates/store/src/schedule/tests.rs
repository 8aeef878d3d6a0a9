use domain::RunState;
use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, noon, sample};
use crate::{NewPlan, Settlement};

async fn scheduled(acme: &Sample, cron: &str, window_minutes: Option<u32>) -> PlanId {
    let new = NewPlan {
        schedule: Some(acme.schedule(cron, window_minutes)),
        ..acme.new_plan("scheduled")
    };
    acme.scoped.add_plan(new).await.unwrap()
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_schedule_fires_once_with_two_schedulers_and_over_restarts(pool: PgPool) {
    let acme = sample(&pool).await;
    scheduled(&acme, "0 13 * * *", None).await;
    assert_eq!(acme.fleet.fire_due_schedules(acme.now()).await.unwrap(), []);
    acme.pass(61);
    let now = acme.now();
    let (a, b, c) = tokio::join!(
        acme.fleet.fire_due_schedules(now),
        acme.fleet.fire_due_schedules(now),
        acme.fleet.fire_due_schedules(now),
    );
    let fired: Vec<_> = [a.unwrap(), b.unwrap(), c.unwrap()].concat();
    assert_eq!(fired.len(), 1);

    let restarted = crate::Db::from_pool(pool.clone(), acme.clock.clone()).fleet();
    assert_eq!(restarted.fire_due_schedules(acme.now()).await.unwrap(), []);
    acme.scoped.cancel_run(fired[0]).await.unwrap();
    assert_eq!(restarted.fire_due_schedules(acme.now()).await.unwrap(), []);
    acme.pass(24 * 60);
    assert_eq!(
        restarted
            .fire_due_schedules(acme.now())
            .await
            .unwrap()
            .len(),
        1
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn firings_missed_while_nobody_looked_count_as_one(pool: PgPool) {
    let acme = sample(&pool).await;
    let plan = scheduled(&acme, "0 * * * *", None).await;
    acme.pass(7 * 60 + 30);
    let fired = acme.fleet.fire_due_schedules(acme.now()).await.unwrap();
    assert_eq!(fired.len(), 1);
    let run = acme.scoped.run(fired[0]).await.unwrap().unwrap();
    assert_eq!(
        run.trigger,
        Trigger::Schedule(noon() + chrono::TimeDelta::hours(7))
    );
    let next = acme.scoped.plan(plan).await.unwrap().unwrap().next_due_at;
    assert_eq!(next, Some(noon() + chrono::TimeDelta::hours(8)));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn at_the_windows_end_a_run_is_parked_and_the_next_firing_goes_on_with_it(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let plan = scheduled(&acme, "0 13 * * *", Some(60)).await;
    acme.pass(60);
    assert_eq!(
        acme.fleet
            .fire_due_schedules(acme.now())
            .await
            .unwrap()
            .len(),
        1
    );
    let run = acme
        .listed(worker, plan, Trigger::Schedule(acme.now()), 3)
        .await;
    let claim = acme.claim(worker).await.unwrap();
    acme.pass(60);
    assert_eq!(acme.claim(worker).await, None);
    assert_eq!(acme.fleet.park_ended_windows(acme.now()).await.unwrap(), 2);
    assert_eq!(acme.fleet.park_ended_windows(acme.now()).await.unwrap(), 0);
    let parked = Settlement::Parked {
        cause: "The window has ended.".to_owned(),
    };
    acme.fleet
        .settle_fetch(&claim, parked.clone())
        .await
        .unwrap();
    let view = acme.scoped.run(run).await.unwrap().unwrap();
    assert_eq!((view.state, view.tally.throttled), (RunState::Throttled, 3));
    assert_eq!(
        view.throttled_until,
        Some(noon() + chrono::TimeDelta::hours(25))
    );

    acme.pass(23 * 60);
    assert_eq!(
        acme.fleet.fire_due_schedules(acme.now()).await.unwrap(),
        [run]
    );
    let claim = acme.claim(worker).await.unwrap();
    acme.pass(61);
    assert_eq!(acme.claim(worker).await, None);

    acme.fleet.settle_fetch(&claim, parked).await.unwrap();
    acme.scoped
        .request_run(plan, Trigger::Person)
        .await
        .unwrap();
    assert!(acme.claim(worker).await.is_some());
}
