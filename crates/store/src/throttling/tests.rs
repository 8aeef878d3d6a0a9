use domain::Subject;
use domain::exchange::Exchange;
use sqlx::PgPool;

use super::*;
use crate::history::{BucketEvent, BucketEventKind, SpendingRow};
use crate::samples::{Sample, credential, noon, sample, tenant};
use crate::{Trigger, Work};

fn key(user: i64) -> BucketKey {
    BucketKey {
        host: "github.com".to_owned(),
        subject: Subject::User(user),
    }
}

async fn busy(sample: &Sample, user: i64, requests: u64) -> RunId {
    let run = sample
        .scoped
        .request_run(sample.plan, Trigger::Person)
        .await
        .unwrap();
    let credentials = sample.scoped.credentials(sample.organization).await;
    let row = SpendingRow {
        tenant: sample.scoped.tenant_id(),
        run,
        credential: credentials.unwrap()[0].id,
        key: key(user),
        resource: Resource::core(),
        at: sample.now(),
        requests,
        refused: 1,
        waits: 2,
    };
    sample.fleet.add_history(&[row], &[]).await.unwrap();
    run
}

async fn tell(sample: &Sample, user: i64) {
    let worker = sample.worker().await;
    let row = Exchange {
        key: key(user),
        resource: Resource::core(),
        reading: Some(domain::Reading {
            limit: 5_000,
            remaining: 4_000,
            reset_at: sample.now() + TimeDelta::minutes(30),
        }),
        spent: 0,
        want: 0,
        reserve_percent: 10,
        backoff: Some((sample.now() + TimeDelta::minutes(1), "slow down".to_owned())),
        returned: false,
    };
    sample.fleet.exchange(worker, &[row]).await.unwrap();
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_tenant_sees_the_buckets_that_its_own_credentials_use_and_nobody_elses_plans(
    pool: PgPool,
) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    other
        .scoped
        .add_credential(
            &other.sealer,
            other.organization,
            credential("theirs", Role::Additional, 77),
        )
        .await
        .unwrap();
    tell(&acme, 1).await;
    tell(&acme, 77).await;
    let ours = busy(&acme, 1, 30).await;
    let theirs = busy(&other, 1, 12).await;
    let slowed = BucketEvent {
        key: key(77),
        resource: None,
        at: noon(),
        kind: BucketEventKind::BackedOff {
            until: noon() + TimeDelta::minutes(1),
            reason: "slow down".to_owned(),
        },
    };
    acme.fleet
        .add_history(&[], std::slice::from_ref(&slowed))
        .await
        .unwrap();

    let seen = acme.scoped.throttling(None, 10).await.unwrap();
    assert_eq!(seen.credentials.len(), 1);
    let budgets: Vec<_> = seen.budgets.iter().map(|one| &one.key).collect();
    assert_eq!(budgets, [&key(1)], "{:?}", seen.budgets);
    assert_eq!(seen.budgets[0].left, Some((4_000, 5_000)));
    assert_eq!(
        (seen.budgets[0].requests, seen.budgets[0].refused),
        (42, 2),
        "a host counts whoever asks"
    );
    let runs: Vec<_> = seen.spenders.iter().map(|one| one.run).collect();
    assert_eq!(runs, [ours], "whose the rest is stays unsaid");
    assert_eq!(seen.spenders[0].requests, 30);
    assert_eq!(
        seen.runs.iter().map(|run| run.id).collect::<Vec<_>>(),
        [ours]
    );
    assert_eq!(seen.events, [], "that bucket is the other tenant's");

    let seen = other.scoped.throttling(None, 10).await.unwrap();
    assert_eq!(seen.budgets.len(), 2);
    assert_eq!(seen.spenders[0].run, theirs);
    assert_eq!(seen.events, [ThrottleEvent::Bucket(slowed)]);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_organization_is_seen_alone(pool: PgPool) {
    let acme = sample(&pool).await;
    busy(&acme, 1, 30).await;
    let elsewhere = OrganizationId::new();
    let seen = acme.scoped.throttling(Some(elsewhere), 10).await.unwrap();
    assert!(seen.credentials.is_empty() && seen.runs.is_empty() && seen.spenders.is_empty());
    let here = acme.scoped.throttling(Some(acme.organization), 10).await;
    assert_eq!(here.unwrap().runs.len(), 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_wait_and_its_end_are_events_of_the_run(pool: PgPool) {
    let acme = sample(&pool).await;
    let run = busy(&acme, 1, 30).await;
    let work = Work {
        tenant: acme.scoped.tenant_id(),
        run,
        fetch: None,
    };
    acme.fleet
        .add_throttle(work, noon(), noon() + TimeDelta::seconds(75))
        .await
        .unwrap();
    acme.pass(2);
    let seen = acme.scoped.throttling(None, 10).await.unwrap();
    let ThrottleEvent::Run {
        run: of,
        plan_name,
        line,
    } = &seen.events[0]
    else {
        panic!("{:?}", seen.events);
    };
    assert_eq!((*of, plan_name.as_str()), (run, "nightly"));
    assert_eq!(
        line.sentence,
        "Goes on: there is quota again after 1 min 15 s."
    );
    assert_eq!(seen.events_of_hour, 1);
    acme.pass(60);
    let seen = acme.scoped.throttling(None, 10).await.unwrap();
    assert_eq!((seen.events.len(), seen.events_of_hour), (1, 0));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_was_spent_counts_as_present_for_two_minutes_at_most(pool: PgPool) {
    let acme = sample(&pool).await;
    busy(&acme, 1, 30).await;
    tell(&acme, 1).await;
    acme.pass(1);
    let seen = acme.scoped.throttling(None, 10).await.unwrap();
    assert_eq!((seen.spenders.len(), seen.budgets[0].waits), (1, 2));
    acme.pass(1);
    let seen = acme.scoped.throttling(None, 10).await.unwrap();
    assert_eq!((seen.spenders.len(), seen.budgets[0].waits), (0, 0));
}
