use chrono::TimeDelta;
use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, noon, sample, stored, tenant};
use crate::{FetchKind, FetchSize, NewFetch, Settlement, Trigger, UsageRow};

/// A run of two repositories of 10 and 30 expected requests, and one that has not changed.
async fn listed(acme: &Sample, worker: domain::WorkerId) -> RunId {
    let run = acme.scoped.request_run(acme.plan, Trigger::Person).await;
    let claim = acme.claim_run(worker).await.unwrap();
    let repositories = acme.repositories(3).await;
    let sizes = [
        (FetchKind::Sweep, 10),
        (FetchKind::Sweep, 30),
        (FetchKind::Unchanged, 7),
    ];
    let fetches: Vec<NewFetch> = std::iter::zip(repositories, sizes)
        .map(|(repository, (kind, expected))| NewFetch {
            repository,
            kind,
            size: Some(FetchSize {
                pages: expected / 2,
                expected,
            }),
        })
        .collect();
    acme.fleet.run_listed(&claim, &fetches).await.unwrap();
    run.unwrap()
}

async fn spend(acme: &Sample, claim: &crate::ClaimedFetch, core: u64) {
    let credentials = acme.scoped.credentials(acme.organization).await.unwrap();
    let row = UsageRow {
        credential: credentials[0].id,
        requests: core + 3,
        refused: 0,
        not_modified: 1,
        points: core + 2,
        core,
    };
    acme.fleet.add_usage(claim, &[row]).await.unwrap();
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_run_says_what_is_left_and_each_fetch_teaches_what_it_took(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = listed(&acme, worker).await;
    let claim = acme.claim(worker).await.unwrap();
    spend(&acme, &claim, 4).await;
    let works = acme.fleet.open_work().await.unwrap();
    assert_eq!(works.len(), 1);
    let work = &works[0];
    assert_eq!(
        (work.run, work.plan, work.is_urgent),
        (run, acme.plan, true)
    );
    assert_eq!(work.credentials.len(), 1);
    assert_eq!((work.done, work.before), ((0, 0), None));
    let mut open: Vec<_> = work
        .open
        .iter()
        .map(|fetch| (fetch.expected, fetch.spent))
        .collect();
    open.sort_unstable();
    assert_eq!(
        open,
        [(10, 4), (30, 0)],
        "what has not changed takes nothing"
    );

    spend(&acme, &claim, 8).await;
    acme.fleet.settle_fetch(&claim, stored('a')).await.unwrap();
    let work = acme.fleet.open_work().await.unwrap().remove(0);
    assert_eq!((work.done, work.open.len()), ((10, 12), 1));
    let costs = acme
        .fleet
        .repository_costs(acme.scoped.tenant_id(), acme.organization)
        .await
        .unwrap();
    let learnt: Vec<_> = costs
        .iter()
        .map(|cost| (cost.sweep, cost.pages, cost.requests))
        .collect();
    assert_eq!(learnt, [(true, 5.0, 12.0)]);

    let claim = acme.claim(worker).await.unwrap();
    let ended = acme.fleet.settle_fetch(&claim, Settlement::Unchanged).await;
    assert!(ended.unwrap().is_some());
    assert_eq!(acme.fleet.open_work().await.unwrap(), []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_was_foretold_first_stays_beside_what_is_foretold_now(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = listed(&acme, worker).await;
    let row = |spent, left, minutes: Option<i64>| ForecastRow {
        tenant: acme.scoped.tenant_id(),
        run,
        spent,
        left,
        active_s: approximate(spent),
        ends_at: minutes.map(|minutes| noon() + TimeDelta::minutes(minutes)),
    };
    for row in [row(0, 40, None), row(10, 30, Some(9)), row(30, 14, Some(7))] {
        acme.fleet.put_forecasts(&[row]).await.unwrap();
        acme.pass(1);
    }
    let seen = acme.scoped.forecasts(&[run]).await.unwrap()[0];
    assert_eq!((seen.made_at, seen.requests), (noon(), 40));
    assert_eq!(seen.ends_at, Some(noon() + TimeDelta::minutes(9)));
    assert_eq!((seen.spent, seen.left, seen.a_minute), (30, 14, Some(60)));
    assert_eq!(seen.expected_end_at, Some(noon() + TimeDelta::minutes(7)));

    let other = tenant(&acme.db, "other").await;
    assert_eq!(other.scoped.forecasts(&[run]).await.unwrap(), []);

    for digit in ['a', 'b'] {
        let claim = acme.claim(worker).await.unwrap();
        spend(&acme, &claim, 21).await;
        let settlement = stored(digit);
        acme.fleet.settle_fetch(&claim, settlement).await.unwrap();
    }
    let seen = acme.scoped.forecasts(&[run]).await.unwrap()[0];
    assert_eq!((seen.spent, seen.left), (42, 0), "what it really took");
    acme.fleet.put_forecasts(&[row(1, 1, None)]).await.unwrap();
    let after = acme.scoped.forecasts(&[run]).await.unwrap()[0];
    assert_eq!(after, seen, "of what has ended nothing is foretold");

    let expected = acme.scoped.expected(Some(acme.plan), acme.organization, 9);
    assert_eq!(
        expected.await.unwrap(),
        Some(Expected {
            requests: 30,
            runs: 1,
            a_minute: Some(60),
        })
    );
    let fresh = acme.scoped.expected(None, acme.organization, 9).await;
    assert_eq!(
        fresh.unwrap(),
        Some(Expected {
            requests: 189,
            runs: 0,
            a_minute: None,
        }),
        "21 for each of nine"
    );
    let theirs = other.scoped.expected(None, other.organization, 9).await;
    assert_eq!(theirs.unwrap(), None, "nobody has read one there");
}

fn approximate(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
