//! One suite over every kind of storage, and what only one kind can do wrong.

mod damage;
mod peer;
mod shelf;
mod stock;
mod strict;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use object_store::memory::InMemory;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::archive::Facts;
use super::*;
use crate::manifest::{FILE, Manifest, Records};
use crate::{Progress, digest};

/// A storage of one kind, and what keeps it alive.
struct Bench {
    name: &'static str,
    storage: Storage,
    keys: Keys,
    folder: TempDir,
    peer: Option<peer::Peer>,
}

impl Bench {
    async fn local() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("storage")).unwrap();
        let location = local(&folder.path().join("storage"));
        let keys = Storage::create(&location, "acme").await.unwrap();
        let storage = Storage::open(&location, "acme", &keys, None).await.unwrap();
        Self {
            name: "folder",
            storage,
            keys,
            folder,
            peer: None,
        }
    }

    async fn s3() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let peer = peer::Peer::start(&folder.path().join("s3")).await;
        let keys = Storage::create(&peer.location(), "acme/1").await.unwrap();
        let cache = Some(folder.path().join("cache"));
        let storage = Storage::open(&peer.location(), "acme/1", &keys, cache)
            .await
            .unwrap();
        Self {
            name: "s3",
            storage,
            keys,
            folder,
            peer: Some(peer),
        }
    }

    async fn memory() -> Self {
        let (storage, keys) = over(Arc::new(InMemory::new())).await;
        Self {
            name: "memory",
            storage,
            keys,
            folder: tempfile::tempdir().unwrap(),
            peer: None,
        }
    }

    async fn all() -> [Self; 3] {
        [Self::memory().await, Self::local().await, Self::s3().await]
    }

    /// The folder of the repository, of a local storage.
    fn repository(&self) -> PathBuf {
        self.folder.path().join("storage/acme")
    }

    async fn snapshot(&self, source: &Source, parent: Option<&str>) -> Archived {
        archive(&self.storage, source.tree(), parent).await.unwrap()
    }
}

fn local(path: &Path) -> Location {
    Location::Local {
        path: path.to_owned(),
    }
}

/// A repository in any object store.
async fn over(store: Arc<dyn object_store::ObjectStore>) -> (Storage, Keys) {
    blocking(move || {
        let objects = || Objects::over(Arc::clone(&store), "a test's storage");
        let keys = init(&Arc::new(Backend::new(objects())))?;
        let storage = Storage::over(Arc::new(Backend::new(objects())), keys.master.clone(), None)?;
        Ok((storage, keys))
    })
    .await
    .unwrap()
}

async fn archive(storage: &Storage, tree: Tree, parent: Option<&str>) -> Result<Archived, Error> {
    let labelling = Labelling {
        host: "acme".into(),
        label: "github.com/7".into(),
        tags: vec!["run:1".into(), "repo:acme/tools".into()],
        taken_at: "2026-01-02T03:04:05Z".parse().unwrap(),
    };
    let parent = parent.map(str::to_owned);
    storage
        .archive(tree, labelling, parent, CancellationToken::new(), &|_| {})
        .await
}

fn new(archived: Archived) -> Facts {
    match archived {
        Archived::New(facts) => facts,
        other => panic!("{other:?}"),
    }
}

fn quiet(_: Progress) {}

/// A small source with a manifest that fits: files of metadata, one of them large.
struct Source {
    folder: TempDir,
}

impl Source {
    fn new() -> Self {
        let source = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        source.write("metadata/labels.ndjson", b"{\"id\":1}\n");
        let noise: Vec<u8> = (0..3_000_000_u64)
            .map(|n| (n.wrapping_mul(n ^ 0x5bd1_e995) >> 13).to_le_bytes()[0])
            .collect();
        source.write("metadata/issues.ndjson", &noise);
        source.describe();
        source
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes the manifest for what is there.
    fn describe(&self) {
        let repository = serde_json::from_value(serde_json::json!({
            "id": 7, "node_id": "R_7", "name": "acme/tools", "default_branch": null, "private": false,
            "archived": false, "fork": false, "empty": true, "disabled": false, "locked": false, "has_wiki": false,
            "has_issues": true, "disk_kib": 0, "pushed_at": null, "marks": {},
        }));
        let mut manifest = Manifest::new("github.com".into(), &repository.unwrap());
        for kind in [domain::Kind::Labels, domain::Kind::Issues] {
            let path = format!("metadata/{kind}.ndjson");
            let digest = digest::of_file(&self.path(&path)).unwrap();
            manifest.metadata.insert(
                kind,
                Records {
                    path,
                    count: 1,
                    digest,
                },
            );
        }
        self.write(FILE, &manifest.to_bytes().unwrap());
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::default();
        tree.add_file(FILE, &self.path(FILE)).unwrap();
        tree.add_folder("metadata", &self.path("metadata")).unwrap();
        tree
    }
}

/// All files below a folder with their content.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                all.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

fn relative(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let strip = |(path, content): (PathBuf, Vec<u8>)| {
        (path.strip_prefix(folder).unwrap().to_owned(), content)
    };
    content(folder).into_iter().map(strip).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_in_comes_out_of_every_storage() {
    for bench in Bench::all().await {
        let source = Source::new();
        let facts = new(bench.snapshot(&source, None).await);
        assert!(
            facts.bytes_added > 0 && facts.bytes_total > 3_000_000,
            "{facts:?}"
        );
        let listed = bench.storage.snapshots().await.unwrap();
        assert_eq!(listed.len(), 1, "{}", bench.name);
        assert_eq!(listed[0].id, facts.id);
        assert_eq!(listed[0].tree, facts.tree);
        assert_eq!(listed[0].label, "github.com/7");
        assert_eq!(listed[0].files, 3);
        assert_eq!(
            listed[0].taken_at,
            "2026-01-02T03:04:05Z"
                .parse::<chrono::DateTime<chrono::Utc>>()
                .unwrap()
        );
        assert!(listed[0].tags.contains(&"repo:acme/tools".to_owned()));
        for read_data in [false, true] {
            let found = bench.storage.verify(None, read_data).await.unwrap();
            assert_eq!(
                (found.snapshots, found.problems),
                (1, vec![]),
                "{}",
                bench.name
            );
        }
        let target = bench.folder.path().join("restored");
        let restored = bench
            .storage
            .restore(&facts.id, &target, &quiet)
            .await
            .unwrap();
        assert_eq!(restored.files, 3);
        assert_eq!(
            relative(&target),
            relative(source.folder.path()),
            "{}",
            bench.name
        );
        assert!(bench.storage.size().await.unwrap() > 0);
        let refused = bench
            .storage
            .restore(&facts.id, &target, &quiet)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("not empty"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_source_makes_no_snapshot() {
    for bench in Bench::all().await {
        let source = Source::new();
        let first = new(bench.snapshot(&source, None).await);
        // The index was loaded before the first snapshot was written, and must still know it.
        let again = bench.snapshot(&source, Some(&first.id)).await;
        assert_eq!(
            again,
            Archived::Unchanged(Facts {
                bytes_added: 0,
                ..first.clone()
            }),
            "{}",
            bench.name
        );
        source.write("metadata/labels.ndjson", b"{\"id\":2}\n");
        source.describe();
        let second = new(bench.snapshot(&source, Some(&first.id)).await);
        assert_ne!(second.tree, first.tree);
        assert!(second.bytes_added < first.bytes_added / 10, "{second:?}");
        assert_eq!(
            bench.storage.snapshots().await.unwrap().len(),
            2,
            "{}",
            bench.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_snapshots_go_and_the_others_stay_whole() {
    for bench in Bench::all().await {
        let source = Source::new();
        let first = new(bench.snapshot(&source, None).await);
        source.write("metadata/labels.ndjson", b"{\"id\":2}\n");
        source.describe();
        let second = new(bench.snapshot(&source, Some(&first.id)).await);
        bench
            .storage
            .forget(std::slice::from_ref(&first.id))
            .await
            .unwrap();
        bench
            .storage
            .forget(std::slice::from_ref(&first.id))
            .await
            .unwrap();
        bench.storage.prune().await.unwrap();
        let left = bench.storage.snapshots().await.unwrap();
        assert_eq!(
            left.into_iter().map(|found| found.id).collect::<Vec<_>>(),
            [second.id]
        );
        let found = bench.storage.verify(None, true).await.unwrap();
        assert_eq!(found.problems, Vec::<String>::new(), "{}", bench.name);
        assert!(found.bytes_read > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_the_parent_holds_need_not_be_here() {
    let bench = Bench::local().await;
    let source = Source::new();
    let modified = SystemTime::UNIX_EPOCH;
    source.write("lfs/aa", b"large");
    fs::File::options()
        .write(true)
        .open(source.path("lfs/aa"))
        .unwrap()
        .set_modified(modified)
        .unwrap();
    let mut whole = source.tree();
    whole.add_file("lfs/aa", &source.path("lfs/aa")).unwrap();
    let first = new(archive(&bench.storage, whole, None).await.unwrap());
    let mut known = source.tree();
    known.add_stored("lfs/aa", 5, modified).unwrap();
    let again = archive(&bench.storage, known.clone(), Some(&first.id))
        .await
        .unwrap();
    assert!(matches!(again, Archived::Unchanged(_)), "{again:?}");
    let lost = archive(&bench.storage, known, None).await.unwrap();
    assert_eq!(lost, Archived::Needs(vec!["lfs/aa".into()]));
    assert_eq!(bench.storage.snapshots().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_writers_share_one_repository() {
    let bench = Bench::local().await;
    let sources: Vec<_> = (0..6)
        .map(|number| {
            let source = Source::new();
            source.write(
                "metadata/labels.ndjson",
                format!("{{\"id\":{number}}}\n").as_bytes(),
            );
            source.describe();
            source
        })
        .collect();
    let written = sources.iter().map(|source| bench.snapshot(source, None));
    for archived in futures_util::future::join_all(written).await {
        new(archived);
    }
    let found = bench.storage.verify(None, true).await.unwrap();
    assert_eq!((found.snapshots, found.problems), (6, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_taken_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let location = local(folder.path());
    Storage::create(&location, "acme").await.unwrap();
    let refused = Storage::create(&location, "acme").await.unwrap_err();
    assert!(refused.to_string().contains("something at"), "{refused}");
    let peer = peer::Peer::start(&folder.path().join("s3")).await;
    Storage::create(&peer.location(), "acme").await.unwrap();
    let refused = Storage::create(&peer.location(), "acme").await.unwrap_err();
    assert!(refused.to_string().contains("something at"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_not_shown() {
    let bench = Bench::memory().await;
    assert_eq!(bench.keys.password.expose().len(), 64);
    let shown = format!("{:?} {:?}", bench.keys, bench.storage);
    for secret in [&bench.keys.password, &bench.keys.master] {
        assert!(!shown.contains(secret.expose()));
    }
}
