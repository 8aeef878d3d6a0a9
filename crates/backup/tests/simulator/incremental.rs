//! Later fetches read what has changed, and nothing else.

use std::fs;

use backup::manifest::State;
use backup::snapshot::wiki_digest;
use domain::{Content, Kind, Part};
use forge_sim::{Mutation, RepositoryRecipe};

use crate::world::{World, rich, storage};

fn name() -> String {
    "acme/tools".into()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_repository_makes_no_snapshot_and_no_request() {
    let world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    let second = world.take("tools", Some(&first)).await.unwrap();
    assert!(!second.taken.new);
    assert_eq!(second.taken.snapshot, first.taken.snapshot);
    assert_eq!(second.taken.tree, first.taken.tree);
    assert_eq!(second.taken.manifest_sha256, first.taken.manifest_sha256);
    assert_eq!(second.taken.counts, first.taken.counts);
    assert_eq!(second.taken.wiki, first.taken.wiki);
    assert_eq!(world.requests(), 0);
    assert_eq!(world.storage.snapshots().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wiki_is_compared_without_a_request() {
    let world = World::new(vec![rich("tools"), RepositoryRecipe::small("plain")]).await;
    let repository = world.repository("tools").await;
    let client = world.client(Some(repository.id));
    let before = wiki_digest(&client, &repository).await.unwrap();
    let first = world.take("tools", None).await.unwrap();
    assert_eq!(first.taken.wiki, before);
    assert!(before.is_some());
    world.mutate(&Mutation::PushWiki { repository: name() });
    let after = wiki_digest(&client, &repository).await.unwrap();
    assert_ne!(after, before);
    let mut job = world.job(&repository, Some(&first));
    job.wiki_known = after.clone();
    let second = world.run(job).await.unwrap();
    assert!(second.taken.new);
    assert_eq!(second.taken.wiki, after);
    let plain = world.repository("plain").await;
    assert_eq!(
        wiki_digest(&world.client(Some(plain.id)), &plain)
            .await
            .unwrap(),
        None
    );
    assert_eq!(world.requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_comment_costs_few_requests() {
    let world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    world.mutate(&Mutation::AddComment {
        repository: name(),
        number: 1,
        body: "a late remark".into(),
    });
    let second = world.take("tools", Some(&first)).await.unwrap();
    let routes = world.control().statistics().by_route;
    assert!(second.taken.new);
    assert!(world.requests() <= 3, "{routes:?}");
    let restored = world.restore(&second).await;
    let comments = restored.lines("issue_comments");
    assert_eq!(comments.len(), world.source("tools").counts.issue_comments);
    assert!(
        comments
            .iter()
            .any(|comment| comment["body"] == "a late remark")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_issue_leaves_the_newest_snapshot_only() {
    let world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    let number = world
        .restore(&first)
        .await
        .lines("issues")
        .iter()
        .find_map(|issue| {
            issue
                .get("pull_request")
                .is_none()
                .then(|| issue["number"].as_u64())
                .flatten()
        });
    world.mutate(&Mutation::DeleteIssue {
        repository: name(),
        number: number.unwrap(),
    });
    let second = world.take("tools", Some(&first)).await.unwrap();
    assert_eq!(
        second.taken.counts[&Kind::Issues],
        first.taken.counts[&Kind::Issues] - 1
    );
    let old = world.restore(&first).await;
    assert_eq!(
        old.lines("issues").len() as u64,
        first.taken.counts[&Kind::Issues]
    );
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_reads_everything_and_finds_nothing_new() {
    let world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    let repository = world.repository("tools").await;
    let mut job = world.job(&repository, Some(&first));
    job.sweep = true;
    let second = world.run(job).await.unwrap();
    assert!(!second.taken.new);
    assert!(world.requests() >= 8);
    assert_eq!(world.control().statistics().downloads, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_working_folder_is_brought_back_from_the_storage() {
    let world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    fs::remove_dir_all(world.path("staging")).unwrap();
    let second = world.take("tools", Some(&first)).await.unwrap();
    assert!(!second.taken.new, "{second:?}");
    assert_eq!(world.requests(), 0);
    fs::remove_dir_all(world.path("staging")).unwrap();
    world.mutate(&Mutation::Push {
        repository: name(),
        branch: None,
        commits: 2,
        forced: false,
    });
    let third = world.take("tools", Some(&second)).await.unwrap();
    assert!(third.taken.new);
    assert_eq!(world.restore(&third).await.refs("git"), {
        let mut refs = world.source("tools").refs;
        refs.retain(|name, _| name.starts_with("refs/") && !name.ends_with("/merge"));
        refs
    });
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_storage_gets_a_whole_snapshot() {
    let mut world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    (world.storage, world.keys) = storage(&world.path("other")).await;
    let second = world.take("tools", None).await.unwrap();
    assert!(second.taken.new);
    assert_eq!(second.taken.tree, first.taken.tree);
    world.verify().await;
    world.restore(&second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_took_from_the_working_folder_is_read_again() {
    let world = World::new(vec![rich("tools")]).await;
    let first = world.take("tools", None).await.unwrap();
    fs::remove_dir_all(world.path("staging/git")).unwrap();
    fs::remove_file(world.path("staging/metadata/issues.ndjson")).unwrap();
    let second = world.take("tools", Some(&first)).await.unwrap();
    assert_eq!(second.taken.counts, first.taken.counts);
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_asked_for_is_no_omission_and_comes_in_full_when_it_is() {
    let world = World::new(vec![rich("tools")]).await;
    let repository = world.repository("tools").await;
    let mut job = world.job(&repository, None);
    job.kinds = Content::without(Part::ALL).kinds();
    let code = world.run(job).await.unwrap();
    assert_eq!(world.requests(), 0, "git costs no request");
    assert!(code.taken.omissions.is_empty());
    let restored = world.restore(&code).await;
    let manifest = restored.manifest();
    assert_eq!(manifest.coverage[&Kind::Git].state, State::Complete);
    assert_eq!(manifest.coverage[&Kind::Issues].state, State::NotAsked);
    assert!(restored.lines("issues").is_empty());

    let whole = world.take("tools", Some(&code)).await.unwrap();
    let first = world.take("tools", None).await.unwrap();
    assert_eq!(whole.taken.counts, first.taken.counts);
    assert_eq!(whole.taken.manifest_sha256, first.taken.manifest_sha256);
}
