//! Damaged objects: found, and healed from what the working folder still has.

use super::*;

/// The largest object of a folder of the repository: packs of data are larger than packs of folders.
fn largest(folder: &Path) -> PathBuf {
    let all = content(folder);
    all.into_iter()
        .max_by_key(|(_, content)| content.len())
        .unwrap()
        .0
}

fn smallest(folder: &Path) -> PathBuf {
    let all = content(folder);
    all.into_iter()
        .min_by_key(|(_, content)| content.len())
        .unwrap()
        .0
}

fn flip(path: &Path) {
    let mut content = fs::read(path).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(path, content).unwrap();
}

fn cut(path: &Path) {
    let content = fs::read(path).unwrap();
    fs::write(path, &content[..content.len() / 2]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_and_healed() {
    type Damage = (&'static str, &'static str, fn(&Path) -> PathBuf, fn(&Path));
    let remove: fn(&Path) = |path| fs::remove_file(path).unwrap();
    let cases: [Damage; 7] = [
        ("a bit of content", "data", largest, flip),
        ("a bit of a folder", "data", smallest, flip),
        ("content cut", "data", largest, cut),
        ("content gone", "data", largest, remove),
        ("a folder gone", "data", smallest, remove),
        ("the index gone", "index", largest, remove),
        ("a bit of the index", "index", largest, flip),
    ];
    for (name, folder, which, damage) in cases {
        let bench = Bench::local().await;
        let source = Source::new();
        let first = new(bench.snapshot(&source, None).await);
        damage(&which(&bench.repository().join(folder)));
        bench.storage.refresh().await.unwrap_or_default();
        let found = bench.storage.verify(None, true).await;
        assert!(
            found.is_err() || !found.unwrap().problems.is_empty(),
            "{name}: not found"
        );
        let target = bench.folder.path().join("damaged");
        assert!(
            bench
                .storage
                .restore(&first.id, &target, &quiet)
                .await
                .is_err(),
            "{name}: restored"
        );

        bench.storage.heal().await.unwrap();
        let second = archive(&bench.storage, source.tree(), Some(&first.id))
            .await
            .unwrap();
        assert!(!matches!(second, Archived::Needs(_)), "{name}: {second:?}");
        let found = bench.storage.verify(None, true).await.unwrap();
        assert_eq!(found.problems, Vec::<String>::new(), "{name}");
        let target = bench.folder.path().join("healed");
        bench
            .storage
            .restore(&first.id, &target, &quiet)
            .await
            .unwrap();
        assert_eq!(relative(&target), relative(source.folder.path()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_snapshot_is_named_and_stops_pruning() {
    let bench = Bench::local().await;
    let facts = new(bench.snapshot(&Source::new(), None).await);
    flip(&largest(&bench.repository().join("snapshots")));
    let failed = bench.storage.snapshots().await.unwrap_err();
    assert!(failed.to_string().contains(&facts.id), "{failed}");
    let found = bench.storage.verify(None, false).await.unwrap();
    assert!(
        found
            .problems
            .iter()
            .any(|problem| problem.contains(&facts.id)),
        "{found:?}"
    );
    let failed = bench.storage.prune().await.unwrap_err();
    assert!(failed.to_string().contains("nothing is pruned"), "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_manifest_does_not_know_is_found() {
    let bench = Bench::memory().await;
    let source = Source::new();
    source.write("metadata/extra.ndjson", b"{}\n");
    new(bench.snapshot(&source, None).await);
    source.write("metadata/labels.ndjson", b"{\"id\":8}\n");
    new(bench.snapshot(&source, None).await);
    let found = bench.storage.verify(None, true).await.unwrap();
    assert_eq!(found.problems.len(), 3, "{found:?}");
    let count = |words: &str| {
        found
            .problems
            .iter()
            .filter(|problem| problem.ends_with(words))
            .count()
    };
    assert_eq!(
        count("metadata/extra.ndjson is not in the manifest."),
        2,
        "{found:?}"
    );
    assert_eq!(
        count("metadata/labels.ndjson is not what the manifest says."),
        1,
        "{found:?}"
    );
}
