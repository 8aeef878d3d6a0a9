//! Running again what failed.

use domain::{FetchState, Kind, Omission, Reason, RepositoryId};
use sqlx::PgPool;

use super::super::*;
use crate::samples::{Sample, noon, sample, stored, tenant};
use crate::{FetchKind, NewFetch, Settlement};

/// A run of three repositories: one stored, one with an omission, one failed.
async fn mixed(acme: &Sample) -> (RunId, Vec<RepositoryId>) {
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 3).await;
    let Settlement::Stored(mut lacking) = stored('b') else {
        unreachable!()
    };
    lacking.omissions = vec![Omission {
        kind: Kind::Wiki,
        reason: Reason::Denied,
        detail: "The host refused it.".to_owned(),
    }];
    let mut unfinished = Vec::new();
    for settlement in [
        stored('a'),
        Settlement::Stored(lacking),
        Settlement::Failed {
            cause: "The host does not answer.".to_owned(),
        },
    ] {
        let claim = acme.claim(worker).await.unwrap();
        if settlement != stored('a') {
            unfinished.push(claim.repository);
        }
        acme.fleet.settle_fetch(&claim, settlement).await.unwrap();
    }
    (run, unfinished)
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_failed_or_lacks_something_is_run_again_and_nothing_else(pool: PgPool) {
    let acme = sample(&pool).await;
    let (run, unfinished) = mixed(&acme).await;
    let again = acme.scoped.request_failed_again(run).await.unwrap();
    let view = acme.scoped.run(again).await.unwrap().unwrap();
    assert_eq!(view.retry_of, Some(run));
    assert_eq!(view.requested_by.as_deref(), Some("Holdfast"));
    let worker = acme.worker().await;
    let claim = acme.claim_run(worker).await.unwrap();
    assert_eq!(claim.only, Some(unfinished));

    let refused = acme.scoped.request_failed_again(run).await.unwrap_err();
    assert!(matches!(refused, Error::RunOpen), "{refused:?}");
    let other = tenant(&acme.db, "other").await;
    let refused = other.scoped.request_failed_again(run).await.unwrap_err();
    assert!(
        matches!(refused, Error::Missing { what: "task" }),
        "{refused:?}"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn where_nothing_failed_nothing_is_run_again(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 1).await;
    let refused = acme.scoped.request_failed_again(run).await.unwrap_err();
    assert!(
        matches!(refused, Error::NothingFailed),
        "it is still open: {refused:?}"
    );
    let claim = acme.claim(worker).await.unwrap();
    acme.fleet.settle_fetch(&claim, stored('a')).await.unwrap();
    let refused = acme.scoped.request_failed_again(run).await.unwrap_err();
    assert!(matches!(refused, Error::NothingFailed), "{refused:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_schedule_is_not_served_by_a_part_of_the_plan(pool: PgPool) {
    let acme = sample(&pool).await;
    let (run, unfinished) = mixed(&acme).await;
    let due = Trigger::Schedule(noon());

    // Not listed yet: it does the whole plan instead, and whoever was listing loses the claim.
    let again = acme.scoped.request_failed_again(run).await.unwrap();
    let worker = acme.worker().await;
    let lost = acme.claim_run(worker).await.unwrap();
    assert_eq!(
        acme.scoped.request_run(acme.plan, due).await.unwrap(),
        again
    );
    assert!(matches!(
        acme.fleet.run_listed(&lost, &[]).await,
        Err(Error::LostFence { .. })
    ));
    let claim = acme.claim_run(worker).await.unwrap();
    assert_eq!((claim.run, claim.only.clone()), (again, None));
    acme.fleet.run_listed(&claim, &[]).await.unwrap();

    // Listed already: the whole plan follows.
    let again = acme.scoped.request_failed_again(run).await.unwrap();
    let claim = acme.claim_run(worker).await.unwrap();
    let fetch = NewFetch {
        repository: unfinished[0],
        kind: FetchKind::Changed,
        size: None,
    };
    acme.fleet.run_listed(&claim, &[fetch]).await.unwrap();
    assert_eq!(
        acme.scoped.request_run(acme.plan, due).await.unwrap(),
        again
    );
    let claim = acme.claim(worker).await.unwrap();
    acme.fleet.settle_fetch(&claim, stored('c')).await.unwrap();
    let follower = acme.claim_run(worker).await.unwrap();
    assert_eq!((follower.only, follower.trigger), (None, due));
    assert_ne!(follower.run, again);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_log_tells_the_whole_story_once(pool: PgPool) {
    let acme = sample(&pool).await;
    let (run, _) = mixed(&acme).await;
    let log = acme.scoped.run_log(run, 0, 100).await.unwrap();
    let sentences: Vec<&str> = log.iter().map(|line| line.sentence.as_str()).collect();
    assert_eq!(
        sentences,
        [
            "Asked for by Holdfast.",
            "Listing the repositories of octo.",
            "octo is listed: 3 repositories to back up, 0 of them unchanged since their newest snapshot.",
            "octo/repository-001: done, 10 B added.",
            "octo/repository-002: done with omissions, 10 B added. wiki: The host refused it.",
            "octo/repository-003: failed. The host does not answer.",
            "Ended: failed. Repositories: 1 stored, 1 stored with omissions, 1 failed.",
        ]
    );
    assert_eq!(log[6].tone, Tone::Bad);
    let rest = acme.scoped.run_log(run, log[4].number, 1).await.unwrap();
    assert_eq!(rest, log[5..6]);
    let newest = acme.scoped.newest_of_run_log(run, 2).await.unwrap();
    assert_eq!(newest, [log[6].clone(), log[5].clone()]);
    let other = tenant(&acme.db, "other").await;
    assert_eq!(other.scoped.run_log(run, 0, 100).await.unwrap(), []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_asks_for_attention_stands_first(pool: PgPool) {
    let acme = sample(&pool).await;
    let (run, _) = mixed(&acme).await;
    let first = acme
        .scoped
        .fetch_page(run, &crate::FetchFilter::default(), None, 2)
        .await
        .unwrap();
    let states: Vec<_> = first.fetches.iter().map(|fetch| fetch.state).collect();
    assert_eq!(
        states,
        [FetchState::Failed, FetchState::CompleteWithOmissions]
    );
    let rest = acme
        .scoped
        .fetch_page(run, &crate::FetchFilter::default(), first.next, 2)
        .await
        .unwrap();
    assert_eq!(rest.fetches[0].state, FetchState::Complete);
    assert_eq!((rest.fetches.len(), rest.next), (1, None));
    for (state, expected) in [(FetchState::Complete, 1), (FetchState::Unchanged, 0)] {
        let filter = crate::FetchFilter {
            state: Some(state),
            name: String::new(),
        };
        let page = acme.scoped.fetch_page(run, &filter, None, 9).await.unwrap();
        assert_eq!(page.fetches.len(), expected);
        assert!(page.fetches.iter().all(|fetch| fetch.state == state));
    }
    let named = crate::FetchFilter {
        name: "REPOSITORY-002".to_owned(),
        state: None,
    };
    let named = acme.scoped.fetch_page(run, &named, None, 9).await.unwrap();
    assert_eq!(named.fetches.len(), 1);
}
