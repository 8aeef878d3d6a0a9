//! Interrupted fetches go on where they were.

use std::collections::BTreeMap;

use backup::Error;
use domain::Kind;
use forge::Options;
use forge_sim::{Cut, Effect, Fault, Quota, Recipe, RepositoryRecipe, UserRecipe};

use crate::world::World;

fn busy() -> RepositoryRecipe {
    RepositoryRecipe {
        issues: 25,
        pulls: 15,
        comments_per_issue: 1,
        labels: 30,
        ..RepositoryRecipe::small("tools")
    }
}

async fn small_pages(quota: u64) -> World {
    let recipe = Recipe::named("acme", vec![busy()]).with_user(UserRecipe::member("ada"));
    let options = Options {
        page_size: 5,
        ..Options::default()
    };
    let world = World::with(recipe, options).await;
    let quota = Quota {
        core: quota,
        graphql: 5_000,
    };
    world.control().set_quota("ada", quota).unwrap();
    world
}

fn core(world: &World) -> u64 {
    world
        .control()
        .statistics()
        .by_resource
        .get("core")
        .copied()
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_fetch_goes_on_without_reading_a_page_twice() {
    let whole = small_pages(5_000).await;
    whole.take("tools", None).await.unwrap();
    let needed = core(&whole);
    assert!(needed > 30, "{needed}");

    let world = small_pages(5_000).await;
    let repository = world.repository("tools").await;
    // The pool learns of the small window from the first answer.
    world
        .control()
        .set_quota(
            "ada",
            Quota {
                core: 12,
                graphql: 5_000,
            },
        )
        .unwrap();
    world.advance(3_700);
    let mut spent = 0;
    let mut rounds = 0;
    let snapshot = loop {
        world.control().reset_statistics();
        match world.run(world.job(&repository, None)).await {
            Ok(snapshot) => {
                spent += core(&world);
                break snapshot;
            }
            Err(Error::Forge(forge::Error::Throttled { .. })) => {
                spent += core(&world);
                assert_eq!(world.control().statistics().refused, 0);
                rounds += 1;
                assert!(rounds < 20);
                world.advance(3_700);
            }
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(rounds >= 2, "{rounds}");
    assert_eq!(
        spent, needed,
        "no page was asked for twice in {rounds} interruptions"
    );
    assert_eq!(snapshot.taken.omissions, []);
    assert_eq!(snapshot.taken.counts[&Kind::Issues], 40);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_fetch_stores_nothing_and_goes_on_later() {
    let mut world = small_pages(5_000).await;
    let repository = world.repository("tools").await;
    let job = world.job(&repository, None);
    let cancel = world.cancel.clone();
    let client = world.client(Some(repository.id));
    let ended = backup::snapshot::take(job, &client, &world.storage, &|progress| {
        if progress.kind == Some(Kind::Issues) {
            cancel.cancel();
        }
    })
    .await;
    assert_eq!(ended.unwrap_err(), Error::Cancelled);
    assert_eq!(world.storage.snapshots().await.unwrap(), []);
    world.cancel = tokio_util::sync::CancellationToken::new();
    let snapshot = world.run(world.job(&repository, None)).await.unwrap();
    assert_eq!(snapshot.taken.counts[&Kind::Issues], 40);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_kind_does_not_have_the_others_read_again() {
    let world = small_pages(5_000).await;
    let repository = world.repository("tools").await;
    world
        .control()
        .fault(Fault::new("/acme/*.git/*", Effect::Status { status: 500 }));
    let failed = world.run(world.job(&repository, None)).await.unwrap_err();
    assert!(
        matches!(&failed, Error::Git { transient: true, detail } if detail.contains("500")),
        "{failed:?}"
    );
    assert_eq!(world.storage.snapshots().await.unwrap(), []);
    world.control().clear_faults();
    world.control().reset_statistics();
    let snapshot = world.run(world.job(&repository, None)).await.unwrap();
    let routes: BTreeMap<String, u64> = world.control().statistics().by_route;
    assert_eq!(core(&world), 0, "{routes:?}");
    assert_eq!(snapshot.taken.omissions, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_page_is_asked_for_again() {
    let world = small_pages(5_000).await;
    world
        .control()
        .fault(Fault::new("/repos/acme/tools/issues", Effect::Cut { how: Cut::Honest }).times(1));
    let snapshot = world.take("tools", None).await.unwrap();
    assert_eq!(snapshot.taken.omissions, []);
    assert_eq!(snapshot.taken.counts[&Kind::Issues], 40);
}
