use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, noon, sample, stored, tenant};

/// A run of three repositories, each with a snapshot that is a minute younger than the one before.
async fn three(acme: &Sample) {
    let worker = acme.worker().await;
    acme.listed_run(worker, 3).await;
    for (digit, minute) in [('a', 0), ('b', 1), ('c', 2)] {
        let claim = acme.claim(worker).await.unwrap();
        let crate::Settlement::Stored(mut one) = stored(digit) else {
            unreachable!()
        };
        one.taken_at = noon() + chrono::TimeDelta::minutes(minute);
        let settlement = crate::Settlement::Stored(one);
        acme.fleet.settle_fetch(&claim, settlement).await.unwrap();
    }
}

fn shorts(page: &SnapshotPage) -> Vec<&str> {
    page.snapshots
        .iter()
        .map(|one| one.short.as_str())
        .collect()
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_newest_come_first_and_a_page_follows_the_other(pool: PgPool) {
    let acme = sample(&pool).await;
    three(&acme).await;
    let all = SnapshotQuery::default();
    let first = acme.scoped.snapshot_page(&all, None, 2).await.unwrap();
    assert_eq!(shorts(&first), ["cccccccc", "bbbbbbbb"]);
    let rest = acme
        .scoped
        .snapshot_page(&all, first.next, 2)
        .await
        .unwrap();
    assert_eq!((shorts(&rest), rest.next), (vec!["aaaaaaaa"], None));

    let one = acme.scoped.snapshot(rest.snapshots[0].id).await.unwrap();
    assert_eq!(one.unwrap().restic_id, "a".repeat(64));
    let other = tenant(&acme.db, "other").await;
    assert_eq!(
        other.scoped.snapshot(rest.snapshots[0].id).await.unwrap(),
        None
    );
    let theirs = other.scoped.snapshot_page(&all, None, 9).await.unwrap();
    assert_eq!(theirs.snapshots, []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_name_a_repository_and_a_time_narrow_the_list(pool: PgPool) {
    let acme = sample(&pool).await;
    three(&acme).await;
    let named = SnapshotQuery {
        name: "Repository-002".to_owned(),
        organization: Some(acme.organization),
        ..SnapshotQuery::default()
    };
    let page = acme.scoped.snapshot_page(&named, None, 9).await.unwrap();
    assert_eq!(shorts(&page), ["bbbbbbbb"]);
    let of_it = SnapshotQuery {
        repository: Some(page.snapshots[0].repository),
        ..SnapshotQuery::default()
    };
    let same = acme.scoped.snapshot_page(&of_it, None, 9).await.unwrap();
    assert_eq!(shorts(&same), ["bbbbbbbb"]);
    let earlier = SnapshotQuery {
        before: Some(noon() + chrono::TimeDelta::minutes(1)),
        ..SnapshotQuery::default()
    };
    let page = acme.scoped.snapshot_page(&earlier, None, 9).await.unwrap();
    assert_eq!(shorts(&page), ["aaaaaaaa"]);
    acme.scoped
        .forget(acme.organization, acme.storage, &["a".repeat(64)])
        .await
        .unwrap();
    let page = acme.scoped.snapshot_page(&earlier, None, 9).await.unwrap();
    assert_eq!(page.snapshots, []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_repository_is_protected_while_a_snapshot_of_it_is_kept(pool: PgPool) {
    let acme = sample(&pool).await;
    let counted = async || {
        let tile = acme
            .scoped
            .tiles(domain::ForgeKind::GitHub, None, 1)
            .await
            .unwrap()
            .remove(0);
        (tile.protected, tile.repositories)
    };
    three(&acme).await;
    assert_eq!(counted().await, (3, 3));
    let forget = async |digit: &str| {
        let forgotten = [digit.repeat(64)];
        let forget = acme
            .scoped
            .forget(acme.organization, acme.storage, &forgotten);
        assert_eq!(forget.await.unwrap(), 1);
    };
    forget("a").await;
    assert_eq!(counted().await, (2, 3));

    let worker = acme.worker().await;
    acme.listed_run(worker, 3).await;
    for digit in ['d', 'e', 'f'] {
        let claim = acme.claim(worker).await.unwrap();
        let settled = acme.fleet.settle_fetch(&claim, stored(digit));
        settled.await.unwrap();
    }
    assert_eq!(counted().await, (3, 3));
    for digit in ["d", "e", "f"] {
        forget(digit).await;
    }
    assert_eq!(counted().await, (2, 3), "two have an older one");
}
