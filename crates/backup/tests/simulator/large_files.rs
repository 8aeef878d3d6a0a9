//! LFS objects and assets: checked as they come, fetched once, and never lost.

use domain::{Kind, Reason};
use forge_sim::{Cut, Effect, Fault, Mutation, RepositoryRecipe};

use crate::world::{World, rich};

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_that_is_cut_is_fetched_again() {
    let world = World::new(vec![rich("tools")]).await;
    for how in [Cut::Declared, Cut::Chunked, Cut::Honest] {
        world
            .control()
            .fault(Fault::new("/assets/*", Effect::Cut { how }).times(1));
    }
    let snapshot = world.take("tools", None).await.unwrap();
    assert_eq!(snapshot.taken.omissions, []);
    assert_eq!(snapshot.taken.counts[&Kind::Assets], 4);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_that_always_comes_cut_is_named_and_fetched_next_time() {
    let world = World::new(vec![rich("tools")]).await;
    world
        .control()
        .fault(Fault::new("/assets/*", Effect::Cut { how: Cut::Honest }));
    let first = world.take("tools", None).await.unwrap();
    assert_eq!(
        first.taken.omissions.len(),
        4,
        "{:?}",
        first.taken.omissions
    );
    for omission in &first.taken.omissions {
        assert_eq!(
            (omission.kind, omission.reason),
            (Kind::Assets, Reason::Corrupt)
        );
        assert!(omission.detail.contains(" of 10000 bytes"), "{omission:?}");
    }
    world.verify().await;
    world.control().clear_faults();
    let second = world.take("tools", Some(&first)).await.unwrap();
    assert_eq!(second.taken.omissions, []);
    assert_eq!(second.taken.counts[&Kind::Assets], 4);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_new_assets_are_fetched() {
    let world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    assert!(
        !world.path("staging/assets").exists(),
        "stored assets need no room here"
    );
    world.mutate(&Mutation::AddRelease {
        repository: "acme/tools".into(),
        tag: "v99".into(),
        assets: 1,
        asset_bytes: 5_000,
    });
    let second = world.take("tools", Some(&first)).await.unwrap();
    assert_eq!(world.control().statistics().downloads, 1);
    assert_eq!(second.taken.counts[&Kind::Assets], 5);
    world.verify().await;
    let restored = world.restore(&second).await;
    let manifest = restored.manifest();
    assert!(
        manifest
            .assets
            .keys()
            .all(|path| restored.folder.join(path).is_file())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_the_storage_lost_is_fetched_again() {
    let world = World::new(vec![RepositoryRecipe {
        asset_bytes: 2_000_000,
        ..rich("tools")
    }])
    .await;
    let first = world.take("tools", None).await.unwrap();
    // The largest packs hold the assets.
    let packs = world.path("storage/acme/data");
    let mut files: Vec<_> = walk(&packs);
    files.sort_by_key(|path| std::cmp::Reverse(path.metadata().unwrap().len()));
    std::fs::remove_file(&files[0]).unwrap();
    world.storage.heal().await.unwrap();
    assert!(
        !world
            .storage
            .verify(None, false)
            .await
            .unwrap()
            .problems
            .is_empty()
    );
    let second = world.take("tools", Some(&first)).await.unwrap();
    assert!(world.control().statistics().downloads > 0);
    assert_eq!(second.taken.omissions, []);
    world.verify().await;
    world.restore(&first).await;
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_lfs_object_that_cannot_be_had_is_named() {
    let world = World::new(vec![rich("tools")]).await;
    world
        .control()
        .fault(Fault::new("/lfs/*", Effect::Status { status: 404 }).times(1));
    let first = world.take("tools", None).await.unwrap();
    assert_eq!(
        first.taken.omissions.len(),
        1,
        "{:?}",
        first.taken.omissions
    );
    let omission = &first.taken.omissions[0];
    assert_eq!(
        (omission.kind, omission.reason),
        (Kind::Lfs, Reason::NotFound)
    );
    assert_eq!(first.taken.counts[&Kind::Lfs], 2);
    world.control().clear_faults();
    let second = world.take("tools", Some(&first)).await.unwrap();
    assert_eq!(
        (
            second.taken.omissions.len(),
            second.taken.counts[&Kind::Lfs]
        ),
        (0, 3)
    );
    world.verify().await;
}
