use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::{FetchState, RunState, TenantId};
use sqlx::PgPool;

use super::*;
use crate::samples::{noon, sample, stored, tenant};
use crate::{AuditFilter, Error, FetchKind, NewFetch, PlanChange, SnapshotFilter};

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn two_claimers_never_hold_one_fetch(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    acme.listed_run(worker, 40).await;
    let (fleet, now) = (acme.fleet.clone(), acme.now());
    let claimers: Vec<_> = (0..4)
        .map(|_| {
            let fleet = fleet.clone();
            tokio::spawn(async move {
                let mut held = Vec::new();
                while let Some(claim) = fleet.claim_fetch(worker, now).await.unwrap() {
                    held.push(claim.fetch);
                }
                held
            })
        })
        .collect();
    let mut all = Vec::new();
    for claimer in claimers {
        all.extend(claimer.await.unwrap());
    }
    assert_eq!(all.len(), 40);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 40);
    assert_eq!(fleet.heartbeat_fetches(worker).await.unwrap().len(), 40);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_is_claimed_says_how_much_its_plan_and_its_tenant_weigh(pool: PgPool) {
    let acme = sample(&pool).await;
    let weight = |text: &str| text.parse().unwrap();
    let change = PlanChange {
        weight: Some(weight("250")),
        ..PlanChange::default()
    };
    acme.scoped.edit_plan(acme.plan, change).await.unwrap();
    let tenant = acme.scoped.tenant_id();
    acme.fleet.weigh_tenant(tenant, weight("7")).await.unwrap();
    let worker = acme.worker().await;
    acme.listed_run(worker, 1).await;
    let claim = acme.claim(worker).await.unwrap();
    assert_eq!(
        (claim.tenant_weight, claim.plan_weight),
        (weight("7"), weight("250"))
    );
    let log = acme.scoped.audit(&AuditFilter::default(), None, 9).await;
    let actions: Vec<_> = log.unwrap().into_iter().map(|one| one.action).collect();
    assert!(actions.contains(&"tenant.edit".to_owned()), "{actions:?}");

    let nobody = acme.fleet.weigh_tenant(TenantId::new(), weight("7")).await;
    let refused = nobody.unwrap_err();
    assert!(matches!(refused, Error::Missing { .. }), "{refused:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn two_claimers_never_list_one_run(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    acme.scoped
        .request_run(acme.plan, Trigger::Person)
        .await
        .unwrap();
    let (a, b) = tokio::join!(acme.claim_run(worker), acme.claim_run(worker));
    assert!(a.is_some() != b.is_some());
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_a_dead_worker_held_goes_on_elsewhere_and_its_late_answer_is_refused(pool: PgPool) {
    let acme = sample(&pool).await;
    let (dead, alive) = (acme.worker().await, acme.worker().await);
    acme.listed_run(dead, 1).await;
    let lost = acme.claim(dead).await.unwrap();
    assert_eq!(acme.fleet.release_lost().await.unwrap(), 0);
    acme.silence(dead).await;
    assert_eq!(acme.fleet.live_workers().await.unwrap().len(), 1);
    let refused = acme.fleet.claim_fetch(dead, acme.now()).await.unwrap_err();
    assert!(matches!(refused, Error::LostWorker), "{refused:?}");
    assert_eq!(acme.fleet.release_lost().await.unwrap(), 1);
    let refused = acme.fleet.heartbeat(dead).await.unwrap_err();
    assert!(matches!(refused, Error::LostWorker), "{refused:?}");

    let claim = acme.claim(alive).await.unwrap();
    assert_eq!((claim.fetch, claim.fence > lost.fence), (lost.fetch, true));
    for late in [
        acme.fleet
            .settle_fetch(&lost, stored('a'))
            .await
            .unwrap_err(),
        acme.fleet
            .progress(&lost, &serde_json::json!({}))
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(late, Error::LostFence { .. }), "{late:?}");
    }
    assert_eq!(
        acme.scoped
            .snapshots(&SnapshotFilter::default())
            .await
            .unwrap(),
        []
    );
    acme.fleet
        .progress(&claim, &serde_json::json!({"done": 1}))
        .await
        .unwrap();
    let ended = acme.fleet.settle_fetch(&claim, stored('b')).await.unwrap();
    assert_eq!(ended, Some(RunState::Complete));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_lister_that_dies_is_replaced(pool: PgPool) {
    let acme = sample(&pool).await;
    let (dead, alive) = (acme.worker().await, acme.worker().await);
    acme.scoped
        .request_run(acme.plan, Trigger::Person)
        .await
        .unwrap();
    let lost = acme.claim_run(dead).await.unwrap();
    assert_eq!(acme.fleet.retire_worker(dead).await.unwrap(), 1);
    let claim = acme.claim_run(alive).await.unwrap();
    let late = acme.fleet.run_listed(&lost, &[]).await.unwrap_err();
    assert!(matches!(late, Error::LostFence { .. }), "{late:?}");

    let until = noon() + TimeDelta::minutes(20);
    acme.fleet
        .throttle_run(&claim, until, "Spent.")
        .await
        .unwrap();
    let view = acme.scoped.run(claim.run).await.unwrap().unwrap();
    assert_eq!(
        (view.state, view.throttled_until),
        (RunState::Throttled, Some(until))
    );
    assert_eq!(acme.claim_run(alive).await, None);
    acme.pass(20);
    let claim = acme.claim_run(alive).await.unwrap();
    let at = acme.now() + TimeDelta::minutes(1);
    acme.fleet.retry_run(&claim, at, "Time-out.").await.unwrap();
    assert_eq!(acme.claim_run(alive).await, None);
    acme.pass(1);
    let claim = acme.claim_run(alive).await.unwrap();
    assert_eq!(claim.failed_count, 1);
    acme.fleet
        .fail_run(&claim, "The account does not exist.")
        .await
        .unwrap();
    let view = acme.scoped.run(claim.run).await.unwrap().unwrap();
    assert_eq!(view.state, RunState::Failed);
    assert_eq!(view.cause.as_deref(), Some("The account does not exist."));
    assert!((view.throttled_s - 1200.0).abs() < 1e-6);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn settling_twice_is_settling_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 2).await;
    let claim = acme.claim(worker).await.unwrap();
    for _ in 0..2 {
        acme.fleet.settle_fetch(&claim, stored('a')).await.unwrap();
    }
    let view = acme.scoped.run(run).await.unwrap().unwrap();
    assert_eq!((view.tally.complete, view.bytes_added), (1, 10));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_next_run_knows_what_the_last_one_stored(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    acme.listed_run(worker, 2).await;
    for digit in ['a', 'b'] {
        let claim = acme.claim(worker).await.unwrap();
        assert_eq!(claim.previous, None);
        acme.fleet
            .settle_fetch(&claim, stored(digit))
            .await
            .unwrap();
    }
    let tenant = acme.scoped.tenant_id();
    let states = acme.fleet.plan_states(tenant, acme.plan).await.unwrap();
    assert_eq!(states.len(), 2);
    assert_eq!(states[0].marks, serde_json::json!({"git": "1"}));
    assert_eq!(states[0].swept_at, Some(noon()));

    acme.scoped
        .request_run(acme.plan, Trigger::Person)
        .await
        .unwrap();
    let run = acme.claim_run(worker).await.unwrap();
    let repositories = acme.repositories(2).await;
    let plan = [FetchKind::Unchanged, FetchKind::Sweep];
    let fetches: Vec<_> = std::iter::zip(repositories, plan)
        .map(|(repository, kind)| NewFetch {
            repository,
            kind,
            size: None,
        })
        .collect();
    acme.fleet.run_listed(&run, &fetches).await.unwrap();
    let claim = acme.claim(worker).await.unwrap();
    assert!(claim.sweep);
    assert_eq!(claim.previous.as_ref().unwrap().snapshot, "b".repeat(64));
    let ended = acme
        .fleet
        .settle_fetch(&claim, Settlement::Unchanged)
        .await
        .unwrap();
    assert_eq!(ended, Some(RunState::Complete));
    let fetches = acme.scoped.fetches(run.run).await.unwrap();
    assert_eq!(fetches[0].snapshot, Some("a".repeat(64)));
    assert!(
        fetches
            .iter()
            .all(|fetch| fetch.state == FetchState::Unchanged)
    );
    let filter = SnapshotFilter {
        run: Some(run.run),
        ..SnapshotFilter::default()
    };
    assert_eq!(acme.scoped.snapshots(&filter).await.unwrap().len(), 2);

    let forgotten = ["a".repeat(64)];
    assert_eq!(
        acme.scoped
            .forget(acme.organization, acme.storage, &forgotten)
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        acme.fleet
            .plan_states(tenant, acme.plan)
            .await
            .unwrap()
            .len(),
        1
    );
    acme.scoped
        .set_verified(acme.organization, acme.storage, &"b".repeat(64))
        .await
        .unwrap();
    let kept = acme
        .scoped
        .snapshots(&SnapshotFilter::default())
        .await
        .unwrap();
    assert_eq!((kept.len(), kept[0].verified_at), (1, Some(noon())));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_vanished_repository_is_marked_and_keeps_its_snapshot(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    acme.listed_run(worker, 2).await;
    let claim = acme.claim(worker).await.unwrap();
    acme.fleet.settle_fetch(&claim, stored('a')).await.unwrap();
    let tenant = acme.scoped.tenant_id();
    assert_eq!(
        acme.fleet
            .mark_gone(tenant, acme.organization, &[2])
            .await
            .unwrap(),
        1
    );
    let snapshots = acme
        .scoped
        .snapshots(&SnapshotFilter::default())
        .await
        .unwrap();
    assert!(snapshots[0].repository_gone);
    acme.repositories(2).await;
    let snapshots = acme
        .scoped
        .snapshots(&SnapshotFilter::default())
        .await
        .unwrap();
    assert!(!snapshots[0].repository_gone);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_tenant_with_the_fewest_fetches_under_way_is_served_first(pool: PgPool) {
    let large = sample(&pool).await;
    let small = tenant(&large.db, "small").await;
    let worker = large.worker().await;
    large.listed_run(worker, 20).await;
    large.pass(1);
    small.listed_run(worker, 3).await;
    let mut served = Vec::new();
    for _ in 0..6 {
        served.push(large.claim(worker).await.unwrap().tenant_name.to_string());
    }
    served.sort();
    assert_eq!(served, ["acme", "acme", "acme", "small", "small", "small"]);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_persons_run_goes_before_a_scheduled_one(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    acme.listed(worker, acme.plan, Trigger::Schedule(noon()), 5)
        .await;
    acme.pass(1);
    let urgent = acme.scoped.add_plan(acme.new_plan("urgent")).await.unwrap();
    acme.listed(worker, urgent, Trigger::Person, 2).await;
    let mut plans = Vec::new();
    for _ in 0..3 {
        plans.push(acme.claim(worker).await.unwrap().plan);
    }
    assert_eq!(plans, [urgent, urgent, acme.plan]);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_passing_failure_is_tried_again_when_it_is_due(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    acme.listed_run(worker, 1).await;
    let claim = acme.claim(worker).await.unwrap();
    let at = noon() + TimeDelta::minutes(5);
    let cause = "Connection reset.".to_owned();
    acme.fleet
        .settle_fetch(&claim, Settlement::Retry { at, cause })
        .await
        .unwrap();
    assert_eq!(acme.claim(worker).await, None);
    acme.pass(5);
    let claim = acme.claim(worker).await.unwrap();
    assert_eq!(claim.failed_count, 1);
    acme.fleet
        .settle_fetch(&claim, Settlement::Released)
        .await
        .unwrap();
    assert_eq!(acme.claim(worker).await.unwrap().failed_count, 1);
}
