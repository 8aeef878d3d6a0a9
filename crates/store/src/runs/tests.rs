use chrono::TimeDelta;
use domain::{CredentialId, FetchState, Kind, Omission, Reason};
use sqlx::PgPool;

use super::*;
use crate::samples::{name, noon, sample, stored, tenant};
use crate::{Settlement, UsageRow, Work};

mod again;
mod lists;

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_plan_has_one_open_run(pool: PgPool) {
    let acme = sample(&pool).await;
    let (a, b, c) = tokio::join!(
        acme.scoped.request_run(acme.plan, Trigger::Person),
        acme.scoped
            .request_run(acme.plan, Trigger::Schedule(noon())),
        acme.scoped.request_run(acme.plan, Trigger::Person),
    );
    let first = a.unwrap();
    assert_eq!((b.unwrap(), c.unwrap()), (first, first));
    assert_eq!(
        acme.scoped.cancel_run(first).await.unwrap(),
        RunState::Cancelled
    );
    assert_eq!(
        acme.scoped.cancel_run(first).await.unwrap(),
        RunState::Cancelled
    );
    let next = acme
        .scoped
        .request_run(acme.plan, Trigger::Person)
        .await
        .unwrap();
    assert_ne!(next, first);
    let other = tenant(&acme.db, "other").await;
    let foreign = other
        .scoped
        .request_run(acme.plan, Trigger::Person)
        .await
        .unwrap_err();
    assert!(
        matches!(foreign, Error::Missing { what: "plan" }),
        "{foreign:?}"
    );
    assert_eq!(other.scoped.run(next).await.unwrap(), None);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_run_ends_with_its_last_fetch_as_its_worst(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 3).await;
    let omission = Omission {
        kind: Kind::Wiki,
        reason: Reason::Denied,
        detail: "no".to_owned(),
    };
    let Settlement::Stored(mut lacking) = stored('b') else {
        unreachable!()
    };
    lacking.omissions = vec![omission.clone()];
    let mut ended = Vec::new();
    for settlement in [
        stored('a'),
        Settlement::Stored(lacking),
        Settlement::Failed {
            cause: "The host does not answer.".to_owned(),
        },
    ] {
        let claim = acme.claim(worker).await.unwrap();
        let view = acme.scoped.run(run).await.unwrap().unwrap();
        assert_eq!((view.state, view.active.len()), (RunState::Running, 1));
        ended.push(acme.fleet.settle_fetch(&claim, settlement).await.unwrap());
    }
    assert_eq!(ended, [None, None, Some(RunState::Failed)]);
    let view = acme.scoped.run(run).await.unwrap().unwrap();
    assert_eq!(view.state, RunState::Failed);
    assert_eq!(
        view.cause.as_deref(),
        Some("1 of 3 repositories failed, first octo/repository-003: The host does not answer.")
    );
    assert_eq!(
        (
            view.tally.complete,
            view.tally.complete_with_omissions,
            view.tally.failed
        ),
        (1, 1, 1)
    );
    assert_eq!(view.bytes_added, 20);
    assert_eq!(view.ended_at, Some(noon()));
    let fetches = acme.scoped.fetches(run).await.unwrap();
    assert_eq!(fetches[1].state, FetchState::CompleteWithOmissions);
    assert_eq!(fetches[1].omissions, [omission]);
    assert_eq!(fetches[0].snapshot, Some("a".repeat(64)));

    let snapshots = acme.scoped.snapshots_by_prefix("AAAA").await.unwrap();
    assert_eq!(snapshots[0].id, "aaaaaaaa");
    assert_eq!(snapshots[0].counts, [(Kind::Issues, 3)].into());
    assert_eq!(
        acme.scoped
            .snapshots(&crate::SnapshotFilter::default())
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(acme.scoped.snapshots_by_prefix("%").await.unwrap(), []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn fetches_settled_at_the_same_moment_end_their_run_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    for _ in 0..10 {
        let run = acme.listed_run(worker, 6).await;
        let mut settling = Vec::new();
        for _ in 0..6 {
            let (fleet, claim) = (acme.fleet.clone(), acme.claim(worker).await.unwrap());
            settling.push(tokio::spawn(async move {
                let cause = "No.".to_owned();
                fleet
                    .settle_fetch(&claim, Settlement::Failed { cause })
                    .await
                    .unwrap()
            }));
        }
        let mut ended = 0;
        for settled in settling {
            ended += usize::from(settled.await.unwrap().is_some());
        }
        assert_eq!(ended, 1);
        assert_eq!(
            acme.scoped.run(run).await.unwrap().unwrap().state,
            RunState::Failed
        );
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_empty_organization_is_complete_at_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 0).await;
    assert_eq!(
        acme.scoped.run(run).await.unwrap().unwrap().state,
        RunState::Complete
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn waiting_times_that_overlap_count_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 2).await;
    let (a, b) = (
        acme.claim(worker).await.unwrap(),
        acme.claim(worker).await.unwrap(),
    );
    let at = |minutes| noon() + TimeDelta::minutes(minutes);
    acme.fleet.add_throttle(&a, at(0), at(10)).await.unwrap();
    acme.fleet.add_throttle(&b, at(5), at(15)).await.unwrap();
    acme.fleet.add_throttle(&b, at(20), at(90)).await.unwrap();
    acme.pass(30);
    let view = acme.scoped.run(run).await.unwrap().unwrap();
    assert!(
        (view.throttled_s - 25.0 * 60.0).abs() < 1e-6,
        "{}",
        view.throttled_s
    );

    for claim in [a, b] {
        let until = at(60);
        let cause = "Every credential is spent.".to_owned();
        acme.fleet
            .settle_fetch(&claim, Settlement::Throttled { until, cause })
            .await
            .unwrap();
    }
    let view = acme.scoped.run(run).await.unwrap().unwrap();
    assert_eq!(
        (view.state, view.throttled_until),
        (RunState::Throttled, Some(at(60)))
    );
    assert_eq!(view.cause.as_deref(), Some("Every credential is spent."));
    assert_eq!(acme.claim(worker).await, None);
    acme.pass(30);
    assert!(acme.claim(worker).await.is_some());
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_was_spent_is_summed_by_credential(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 1).await;
    let main: CredentialId = acme.scoped.credentials(acme.organization).await.unwrap()[0].id;
    let claim = acme.claim(worker).await.unwrap();
    let row = UsageRow {
        credential: main,
        requests: 3,
        refused: 1,
        not_modified: 1,
        points: 2,
        core: 0,
    };
    let listing = Work {
        fetch: None,
        ..Work::from(&claim)
    };
    for work in [Work::from(&claim), Work::from(&claim), listing, listing] {
        acme.fleet.add_usage(work, &[row]).await.unwrap();
    }
    let view = acme.scoped.run(run).await.unwrap().unwrap();
    assert_eq!(view.credentials.len(), 1);
    assert_eq!(view.credentials[0].name, name("main"));
    assert_eq!(
        (view.credentials[0].requests, view.credentials[0].points),
        (12, 8)
    );
    assert_eq!(view.active[0].credentials, [name("main")]);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_cancelled_run_ends_when_its_workers_have_stopped(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 3).await;
    let claim = acme.claim(worker).await.unwrap();
    assert_eq!(
        acme.scoped.cancel_run(run).await.unwrap(),
        RunState::Running
    );
    assert!(acme.scoped.run(run).await.unwrap().unwrap().cancelling);
    assert!(acme.fleet.heartbeat_fetches(worker).await.unwrap()[0].cancelling);
    assert_eq!(acme.claim(worker).await, None);
    let retry = Settlement::Retry {
        at: noon(),
        cause: String::new(),
    };
    let ended = acme.fleet.settle_fetch(&claim, retry).await.unwrap();
    assert_eq!(ended, Some(RunState::Cancelled));
    assert_eq!(
        acme.scoped.run(run).await.unwrap().unwrap().tally.cancelled,
        3
    );
}
