//! What the host forgets, the backup keeps.

use forge_sim::{Mutation, RepositoryRecipe};

use crate::world::{World, git};

fn push(forced: bool, branch: Option<&str>) -> Mutation {
    Mutation::Push {
        repository: "acme/tools".into(),
        branch: branch.map(str::to_owned),
        commits: 2,
        forced,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_push_loses_nothing() {
    let world = World::new(vec![RepositoryRecipe::small("tools")]).await;
    // Commits that nothing but the default branch leads to.
    world.mutate(&push(false, None));
    let first = world.take("tools", None).await.unwrap();
    let branch = format!("refs/heads/{}", world.source("tools").default_branch);
    let old = world.source("tools").refs[&branch].clone();
    world.mutate(&push(true, None));
    let second = world.take("tools", Some(&first)).await.unwrap();
    let restored = world.restore(&second).await;
    let refs = restored.refs("git");
    assert_ne!(refs[&branch], old);
    let kept: Vec<_> = refs
        .iter()
        .filter(|(name, _)| name.starts_with("refs/backup/"))
        .collect();
    assert_eq!(kept.len(), 1, "{refs:?}");
    assert_eq!(*kept[0].1, old);
    assert!(kept[0].0.ends_with(&branch["refs/".len()..]), "{kept:?}");
    git(
        &restored.folder.join("git"),
        &["cat-file", "-e", &format!("{old}^{{tree}}")],
    );

    let third = world.take("tools", Some(&second)).await.unwrap();
    assert!(!third.taken.new, "what is kept does not change by itself");
    world.mutate(&push(false, None));
    let fourth = world.take("tools", Some(&third)).await.unwrap();
    let refs = world.restore(&fourth).await.refs("git");
    assert_eq!(
        refs.keys()
            .filter(|name| name.starts_with("refs/backup/"))
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_only_grows_keeps_nothing_aside() {
    let world = World::new(vec![RepositoryRecipe::small("tools")]).await;
    let mut last = world.take("tools", None).await.unwrap();
    for _ in 0..3 {
        world.mutate(&push(false, Some("grown")));
        last = world.take("tools", Some(&last)).await.unwrap();
    }
    let refs = world.restore(&last).await.refs("git");
    assert!(refs.contains_key("refs/heads/grown"));
    assert!(
        !refs.keys().any(|name| name.starts_with("refs/backup/")),
        "{refs:?}"
    );
    assert_eq!(world.storage.snapshots().await.unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_repository_stays_in_the_backup() {
    let world = World::new(vec![RepositoryRecipe::small("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    let before = world.restore(&first).await.refs("git");
    world.mutate(&Mutation::EmptyRepository {
        repository: "acme/tools".into(),
    });
    let second = world.take("tools", Some(&first)).await.unwrap();
    let restored = world.restore(&second).await;
    let after = restored.refs("git");
    for object in before.values() {
        git(&restored.folder.join("git"), &["cat-file", "-e", object]);
    }
    assert!(
        after.keys().any(|name| name.starts_with("refs/backup/")),
        "{after:?}"
    );
    world.verify().await;
}
