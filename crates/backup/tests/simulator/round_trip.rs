//! What is taken is what comes back.

use std::collections::BTreeMap;

use backup::manifest::State;
use domain::Kind;
use forge_sim::RepositoryRecipe;
use sha2::{Digest, Sha256};

use crate::world::{Restored, World, rich};

/// Compares a restored snapshot with the repository as it really is.
fn assert_equal(world: &World, name: &str, restored: &Restored) {
    let source = world.source(name);
    let mut refs = source.refs.clone();
    refs.retain(|name, _| !name.starts_with("refs/pull/") || !name.ends_with("/merge"));
    refs.retain(|name, _| name.starts_with("refs/"));
    assert_eq!(restored.refs("git"), refs);
    match &source.wiki_refs {
        Some(wiki) => {
            let wiki: BTreeMap<_, _> = wiki
                .clone()
                .into_iter()
                .filter(|(name, _)| name.starts_with("refs/"))
                .collect();
            assert_eq!(restored.refs("wiki"), wiki);
        }
        None => assert!(!restored.folder.join("wiki").exists()),
    }
    let counts = source.counts;
    for (kind, count) in [
        ("labels", counts.labels),
        ("milestones", counts.milestones),
        ("issues", counts.issues + counts.pulls),
        ("issue_comments", counts.issue_comments),
        ("pull_requests", counts.pulls),
        ("reviews", counts.pulls),
        ("review_comments", counts.review_comments),
        ("releases", counts.releases),
    ] {
        assert_eq!(restored.lines(kind).len(), count, "{kind}");
    }
    for (oid, size) in &source.lfs_objects {
        let path = format!("lfs/{}/{}/{oid}", &oid[..2], &oid[2..4]);
        let content = std::fs::read(restored.folder.join(path)).unwrap();
        assert_eq!(content.len() as u64, *size);
        assert_eq!(hex::encode(Sha256::digest(content)), *oid);
    }
    let mut assets: Vec<_> = source.assets.values().cloned().collect();
    let manifest = restored.manifest();
    let mut restored_assets: Vec<_> = manifest
        .assets
        .keys()
        .map(|path| {
            hex::encode(Sha256::digest(
                std::fs::read(restored.folder.join(path)).unwrap(),
            ))
        })
        .collect();
    assets.sort();
    restored_assets.sort();
    assert_eq!(restored_assets, assets);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rich_repository_comes_back_whole() {
    let world = World::new(vec![rich("tools")]).await;
    let snapshot = world.take("tools", None).await.unwrap();
    assert!(snapshot.taken.new && snapshot.taken.bytes_added > 0);
    assert_eq!(snapshot.taken.omissions, []);
    world.verify().await;
    let restored = world.restore(&snapshot).await;
    assert_equal(&world, "tools", &restored);
    let manifest = restored.manifest();
    assert!(
        manifest
            .coverage
            .values()
            .all(|coverage| coverage.state == State::Complete),
        "{manifest:?}"
    );
    assert_eq!(snapshot.taken.counts[&Kind::Assets], 4);
    assert_eq!(snapshot.taken.counts[&Kind::Lfs], 3);
    let settings = std::fs::read_to_string(restored.folder.join("metadata/settings.json")).unwrap();
    assert!(settings.contains("\"full_name\":\"acme/tools\""));
    assert!(!settings.contains("\"permissions\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_repository_has_a_snapshot_too() {
    let empty = RepositoryRecipe {
        name: "empty".into(),
        ..RepositoryRecipe::default()
    };
    let world = World::new(vec![empty]).await;
    let snapshot = world.take("empty", None).await.unwrap();
    assert_eq!(snapshot.taken.omissions, []);
    world.verify().await;
    let restored = world.restore(&snapshot).await;
    assert_equal(&world, "empty", &restored);
    assert_eq!(restored.manifest().coverage[&Kind::Git].count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_without_wiki_lacks_nothing() {
    let world = World::new(vec![RepositoryRecipe::small("plain")]).await;
    let snapshot = world.take("plain", None).await.unwrap();
    assert_eq!(snapshot.taken.omissions, []);
    assert_eq!(snapshot.taken.wiki, None);
    let restored = world.restore(&snapshot).await;
    assert_eq!(
        restored.manifest().coverage[&Kind::Wiki].state,
        State::Absent
    );
    assert_equal(&world, "plain", &restored);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_known_to_be_empty_cost_no_request() {
    let world = World::new(vec![RepositoryRecipe::tiny("tiny")]).await;
    world.take("tiny", None).await.unwrap();
    let routes = world.control().statistics().by_route;
    assert!(world.requests() <= 1, "{routes:?}");
}
