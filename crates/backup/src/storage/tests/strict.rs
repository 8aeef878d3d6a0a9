//! What must be an error and never a smaller success.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_as_announced_makes_no_snapshot() {
    let bench = Bench::local().await;
    let break_it: [fn(&Path); 3] = [
        |path| fs::remove_file(path).unwrap(),
        |path| fs::write(path, b"shorter").unwrap(),
        |path| fs::write(path, vec![b'x'; 4_000_000]).unwrap(),
    ];
    for change in break_it {
        let source = Source::new();
        let tree = source.tree();
        change(&source.path("metadata/issues.ndjson"));
        let refused = archive(&bench.storage, tree, None).await.unwrap_err();
        assert!(
            matches!(&refused, Error::Staging { detail, .. } if detail.contains("issues.ndjson")),
            "{refused:?}"
        );
    }
    assert_eq!(bench.storage.snapshots().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_archiving_makes_no_snapshot() {
    let bench = Bench::memory().await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let labelling = Labelling {
        host: "acme".into(),
        label: "github.com/7".into(),
        tags: vec![],
        taken_at: chrono::DateTime::UNIX_EPOCH,
    };
    let source = Source::new();
    let ended = bench
        .storage
        .archive(source.tree(), labelling, None, cancel, &quiet)
        .await;
    assert_eq!(ended, Err(Error::Cancelled));
    assert_eq!(bench.storage.snapshots().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_same_length_is_read_again_when_its_time_differs() {
    let bench = Bench::memory().await;
    let source = Source::new();
    let first = new(bench.snapshot(&source, None).await);
    let path = source.path("metadata/labels.ndjson");
    let later =
        fs::metadata(&path).unwrap().modified().unwrap() + std::time::Duration::from_millis(1);
    source.write("metadata/labels.ndjson", b"{\"id\":9}\n");
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(later)
        .unwrap();
    source.describe();
    let second = new(bench.snapshot(&source, Some(&first.id)).await);
    let target = bench.folder.path().join("restored");
    bench
        .storage
        .restore(&second.id, &target, &quiet)
        .await
        .unwrap();
    assert_eq!(
        fs::read(target.join("metadata/labels.ndjson")).unwrap(),
        b"{\"id\":9}\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn references_are_read_before_objects_and_transient_files_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in [
        ("HEAD", "ref: refs/heads/main\n"),
        ("packed-refs", "aa refs/heads/main\n"),
        ("config", "[core]\n"),
        ("objects/pack/pack-1.pack", "pack"),
        ("objects/pack/tmp_pack_x", "half"),
        ("objects/pack/pack-1.keep", ""),
        ("packed-refs.lock", ""),
        ("FETCH_HEAD", ""),
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::create_dir_all(folder.path().join("refs/heads")).unwrap();
    let mut tree = Tree::default();
    tree.add_mirror("git", folder.path()).unwrap();
    fs::write(
        folder.path().join("packed-refs"),
        "bb refs/heads/main and more\n",
    )
    .unwrap();
    let bench = Bench::memory().await;
    let facts = new(archive(&bench.storage, tree, None).await.unwrap());
    let target = bench.folder.path().join("restored");
    fs::create_dir(&target).unwrap();
    bench
        .storage
        .extract(&facts.id, &target, |_| true)
        .await
        .unwrap();
    let names: Vec<_> = relative(&target)
        .into_iter()
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert_eq!(
        names,
        [
            "git/HEAD",
            "git/config",
            "git/objects/pack/pack-1.pack",
            "git/packed-refs"
        ]
    );
    assert_eq!(
        fs::read_to_string(target.join("git/packed-refs")).unwrap(),
        "aa refs/heads/main\n"
    );
    assert!(target.join("git/refs/heads").is_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_went_away_is_not_made_again() {
    let bench = Bench::local().await;
    let source = Source::new();
    new(bench.snapshot(&source, None).await);
    let storage = bench.folder.path().join("storage");
    fs::rename(&storage, bench.folder.path().join("unmounted")).unwrap();
    let is_absent = |error: &Error| {
        matches!(
            error,
            Error::Storage {
                unreachable: true,
                ..
            }
        )
    };
    source.write("metadata/labels.ndjson", b"{\"id\":2}\n");
    let failed = archive(&bench.storage, source.tree(), None)
        .await
        .unwrap_err();
    assert!(is_absent(&failed), "{failed:?}");
    let failed = Storage::open(&local(&storage), "acme", &bench.keys, None)
        .await
        .unwrap_err();
    assert!(
        is_absent(&failed) && failed.to_string().contains("is not there"),
        "{failed:?}"
    );
    // An empty mount point is no storage either.
    fs::create_dir(&storage).unwrap();
    let failed = archive(&bench.storage, source.tree(), None)
        .await
        .unwrap_err();
    assert!(is_absent(&failed), "{failed:?}");
    assert_eq!(fs::read_dir(&storage).unwrap().count(), 0);
    let failed = Storage::create(&local(&bench.folder.path().join("nowhere")), "acme")
        .await
        .unwrap_err();
    assert!(is_absent(&failed), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_does_not_answer_is_not_there() {
    let bench = Bench::s3().await;
    let peer = bench.peer.as_ref().unwrap();
    let mut elsewhere = peer.location();
    if let Location::S3 {
        secret_access_key, ..
    } = &mut elsewhere
    {
        *secret_access_key = Secret::new("wrong");
    }
    let failed = Storage::open(&elsewhere, "acme/1", &bench.keys, None)
        .await
        .unwrap_err();
    assert!(
        matches!(
            &failed,
            Error::Storage {
                unreachable: true,
                ..
            }
        ),
        "{failed:?}"
    );
    let mut elsewhere = peer.location();
    if let Location::S3 { bucket, .. } = &mut elsewhere {
        "missing".clone_into(bucket);
    }
    let failed = Storage::open(&elsewhere, "acme/1", &bench.keys, None)
        .await
        .unwrap_err();
    assert!(
        matches!(
            &failed,
            Error::Storage {
                unreachable: true,
                ..
            }
        ),
        "{failed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_said_to_be_so() {
    let bench = Bench::local().await;
    let snapshots = bench.repository().join("snapshots");
    fs::set_permissions(&snapshots, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(snapshots.join("probe"), "").is_ok() {
        // Whoever may write everywhere cannot be refused.
        return;
    }
    let failed = archive(&bench.storage, Source::new().tree(), None)
        .await
        .unwrap_err();
    assert!(
        matches!(
            &failed,
            Error::Storage {
                unreachable: true,
                ..
            }
        ),
        "{failed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_off_is_an_error() {
    let bench = Bench::s3().await;
    let source = Source::new();
    let facts = new(bench.snapshot(&source, None).await);
    // More snapshots than one page of a listing names.
    let known = facts.id.clone();
    bench
        .storage
        .on_thread(move |inner| {
            let id = known.parse().unwrap();
            let content = inner.backend.objects.read(FileType::Snapshot, &id)?;
            for _ in 0..1_100 {
                inner.backend.objects.write(
                    FileType::Snapshot,
                    &Id::random(),
                    content.clone().into(),
                )?;
            }
            let listed = inner.backend.objects.list(FileType::Snapshot)?;
            assert_eq!(listed.len(), 1_101);
            Ok(())
        })
        .await
        .unwrap();
    bench
        .peer
        .as_ref()
        .unwrap()
        .breaks_off
        .store(true, Ordering::SeqCst);
    for failed in [
        bench.storage.snapshots().await.map(drop).unwrap_err(),
        bench.storage.prune().await.unwrap_err(),
        bench.storage.size().await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(failed, Error::Storage { .. }), "{failed:?}");
    }
}
