//! The stock `restic` reads what we write, with the organization's password alone.

use std::process::Command;

use super::*;

fn restic(bench: &Bench, arguments: &[&str]) -> String {
    let output = Command::new("restic")
        .args(["--no-cache", "--repo"])
        .arg(bench.repository())
        .args(arguments)
        .env("RESTIC_PASSWORD", bench.keys.password.expose())
        .output()
        .expect("the restic command must be installed for this test");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "restic {arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn restic_lists_checks_and_restores() {
    let bench = Bench::local().await;
    let source = Source::new();
    let first = new(bench.snapshot(&source, None).await);
    let listed = restic(&bench, &["snapshots", "--json"]);
    assert!(
        listed.contains(&first.id) && listed.contains("repo:acme/tools"),
        "{listed}"
    );
    assert!(restic(&bench, &["check", "--read-data"]).contains("no errors were found"));
    let target = bench.folder.path().join("by-restic");
    restic(
        &bench,
        &["restore", &first.id, "--target", target.to_str().unwrap()],
    );
    assert_eq!(relative(&target), relative(source.folder.path()));

    bench
        .storage
        .forget(std::slice::from_ref(&first.id))
        .await
        .unwrap();
    source.write("metadata/labels.ndjson", b"{\"id\":2}\n");
    source.describe();
    let second = new(bench.snapshot(&source, None).await);
    bench.storage.prune().await.unwrap();
    assert!(restic(&bench, &["check", "--read-data"]).contains("no errors were found"));
    let dumped = restic(&bench, &["dump", &second.id, "/metadata/labels.ndjson"]);
    assert_eq!(dumped, "{\"id\":2}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_made_by_restic_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made");
    let made = Command::new("restic")
        .args(["init", "--repository-version", "2", "--repo"])
        .arg(&path)
        .env("RESTIC_PASSWORD", "secret")
        .output()
        .expect("the restic command must be installed for this test");
    assert!(made.status.success(), "{made:?}");
    let shown = Command::new("restic")
        .args(["--no-cache", "cat", "masterkey", "--repo"])
        .arg(&path)
        .env("RESTIC_PASSWORD", "secret")
        .output()
        .unwrap();
    let keys = Keys {
        password: Secret::new("secret"),
        master: Secret::new(String::from_utf8(shown.stdout).unwrap()),
    };
    let storage = Storage::open(&local(folder.path()), "made", &keys, None)
        .await
        .unwrap();
    let facts = new(archive(&storage, Source::new().tree(), None).await.unwrap());
    let target = folder.path().join("restored");
    storage.restore(&facts.id, &target, &quiet).await.unwrap();
}
