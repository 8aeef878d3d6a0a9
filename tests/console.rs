//! What a person takes out through the console equals what was backed up.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use forge_sim::{Effect, Fault};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use crate::world::World;
use crate::world::source::refs;

/// A stream that shows a running task says something in this time.
const SOON: Duration = Duration::from_secs(30);

fn varied() -> Value {
    json!({"repositories": [
        {"name": "full", "commits": 40, "issues": 30, "pulls": 5, "releases": 1, "assets_per_release": 1,
         "asset_bytes": 50_000, "wiki": true},
        {"name": "empty", "commits": 0},
    ]})
}

/// The address of a repository's snapshot page.
fn snapshot_page(list: &str, repository: &str) -> String {
    let name = list
        .find(&format!(">acme/{repository}</a>"))
        .expect("the repository is listed");
    let from = list[..name].rfind("href=\"").unwrap() + 6;
    list[from..].split('"').next().unwrap().to_owned()
}

async fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "safe.directory=*"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn what_is_downloaded_equals_its_source() {
    let world = World::registered(varied()).await;
    world.serve().await;
    let browser = world.browser().await;
    let run = world.run("nightly").await.expect(0).json();
    assert_eq!(run["fetches"].as_array().unwrap().len(), 2, "{run:#}");
    let list = browser.get("/t/first/snapshots").await.expect(200).text();
    let page = snapshot_page(&list, "full");
    let shown = browser.get(&page).await.expect(200).text();
    assert!(shown.contains("Git bundle") && shown.contains("holdfast --tenant first restore"));

    // Bundles clone into what the forge has.
    let folder = world.folder();
    for (part, source) in [("git", "full"), ("wiki", "")] {
        let bundle = browser.get(&format!("{page}/download?part={part}")).await;
        let bundle = bundle.expect(200);
        assert!(bundle.is_whole);
        let name = bundle.header("content-disposition").unwrap();
        assert!(
            name.starts_with("attachment; filename=\"acme-full-"),
            "{name}"
        );
        let (file, clone) = (format!("{part}.bundle"), format!("{part}-clone"));
        fs::write(folder.join(&file), &bundle.body).unwrap();
        git(folder, &["clone", "--quiet", "--mirror", &file, &clone]).await;
        let found = refs(&folder.join(&clone)).await;
        assert!(!found.is_empty());
        if !source.is_empty() {
            assert_eq!(found, world.repository(source).refs);
        }
    }

    // The archive holds what the command line restores.
    let archive = browser.get(&format!("{page}/download?part=archive")).await;
    let archive = archive.expect(200);
    assert!(archive.is_whole);
    let unpacked = folder.join("unpacked");
    fs::create_dir(&unpacked).unwrap();
    fs::write(folder.join("full.tar"), &archive.body).unwrap();
    let tar = Command::new("tar")
        .args(["-xf", "full.tar", "-C", "unpacked"])
        .current_dir(folder)
        .status();
    assert!(tar.await.unwrap().success());
    let restored = world.restore("full").await;
    let same = Command::new("diff")
        .arg("-r")
        .args([&restored, &unpacked])
        .status();
    assert!(same.await.unwrap().success(), "the archive differs");
    assert_eq!(
        refs(&unpacked.join("git")).await,
        world.repository("full").refs
    );

    // One file is itself, and as text a page shows its beginning.
    let file = browser
        .get(&format!(
            "{page}/download?part=file&path=metadata/issues.ndjson"
        ))
        .await
        .expect(200);
    assert_eq!(
        file.body,
        fs::read(restored.join("metadata/issues.ndjson")).unwrap()
    );
    let text = browser
        .get(&format!("{page}/files?path=manifest.json"))
        .await
        .expect(200)
        .text();
    assert!(text.contains("&#34;full_name&#34;"), "{text}");
    let folder_page = browser
        .get(&format!("{page}/files"))
        .await
        .expect(200)
        .text();
    for name in ["assets", "git", "metadata", "wiki", "manifest.json"] {
        assert!(folder_page.contains(&format!("{name}</a>")), "{name}");
    }

    // Nothing of it is left in the data folder, and the audit log tells of each.
    let left = fs::read_dir(world.data_folder().join("downloads")).unwrap();
    assert_eq!(left.count(), 0);
    let notes = world.database_rows_with("snapshot.download").await;
    assert_eq!(notes.len(), 4, "{notes:#?}");

    // What has no commits has no bundle, and says so.
    let empty = snapshot_page(&list, "empty");
    let refused = browser.get(&format!("{empty}/download?part=git")).await;
    assert!(refused.expect(409).text().contains("no commits"));
    world.finish().await;
}

#[tokio::test]
async fn what_had_omissions_is_run_again_alone() {
    let world = World::registered(varied()).await;
    let id = world.repository("full").id;
    let blocked = Effect::Blocked {
        reason: "dmca".into(),
    };
    world.fault(Fault::new(&format!("/repositories/{id}*"), blocked.clone()));
    world.fault(Fault::new("/repos/acme/full*", blocked));
    let no = Effect::Status { status: 403 };
    world.fault(Fault::new("/acme/full.git/*", no));
    world.serve().await;
    let browser = world.browser().await;
    let run = world.run("nightly").await.expect(3).json();
    let task = format!("/t/first/tasks/{}", run["run"].as_str().unwrap());
    let page = browser.get(&task).await.expect(200).text();
    assert!(page.contains("Run failed ones again"), "{page}");
    world.heal();
    let again = browser
        .post(&format!("{task}/again-failed"), "")
        .await
        .expect(303);
    let again = again.header("location").unwrap().to_owned();
    assert_ne!(again, task);
    world.until_no_run_is_open().await;
    let shown = browser.get(&again).await.expect(200).text();
    assert!(shown.contains("asked for by Ada"), "{shown}");
    assert!(
        shown.contains("Only what failed or had omissions"),
        "{shown}"
    );
    let again = again.rsplit('/').next().unwrap();
    let whole = world.call(&["runs", again]).await.expect(0).json();
    let fetches = whole["fetches"].as_array().unwrap();
    assert_eq!(fetches.len(), 1, "{whole:#}");
    assert_eq!(fetches[0]["repository"], "acme/full");
    assert_eq!(whole["run"]["state"], "complete", "{whole:#}");
    let log = browser.get(&format!("/t/first/tasks/{again}/log")).await;
    let log = log.expect(200).text();
    for words in [
        "Asked for by Ada: 1 repository that failed or had omissions",
        "acme is listed: 1 repository to back up",
        "acme/full: done",
        "Ended: complete.",
    ] {
        assert!(log.contains(words), "{log}");
    }

    // Once is enough: there is nothing left to mend in it.
    let refused = browser
        .post(&format!("/t/first/tasks/{again}/again-failed"), "")
        .await;
    assert!(refused.expect(409).text().contains("Nothing failed"));
    world.finish().await;
}

#[tokio::test]
async fn no_address_leads_out_of_a_snapshot() {
    let world = World::registered(varied()).await;
    world.serve().await;
    let browser = world.browser().await;
    world.run("nightly").await.expect(0);
    let list = browser.get("/t/first/snapshots").await.expect(200).text();
    let page = snapshot_page(&list, "full");
    for path in [
        "..",
        "../..",
        "/etc/passwd",
        "git/../../../etc/passwd",
        "git/..%2f..%2fmanifest.json",
        "%2e%2e",
        "git//HEAD",
        "metadata%5c..",
        "nothing",
        "manifest.json/x",
    ] {
        for address in [
            format!("{page}/files?path={path}"),
            format!("{page}/download?part=file&path={path}"),
        ] {
            browser.get(&address).await.expect(404);
        }
    }
    browser
        .get(&format!("{page}/download?part=everything"))
        .await
        .expect(400);
    world.finish().await;
}

#[tokio::test]
async fn a_server_that_ends_does_not_wait_for_who_watches() {
    let world = World::registered(varied()).await;
    world.serve().await;
    let browser = world.browser().await;
    let mut stream = browser.open("GET", "/t/first/events/tasks", "").await;
    let mut seen = String::new();
    let first = async {
        let mut buffer = [0; 4096];
        while !seen.contains("event: rows") {
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0, "the stream ended: {seen}");
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    tokio::time::timeout(SOON, first)
        .await
        .expect("a first event");
    assert!(seen.contains("retry: 3000"), "{seen}");
    let began = std::time::Instant::now();
    world.stop().await;
    let ended = tokio::time::timeout(SOON, stream.read_to_end(&mut Vec::new())).await;
    ended.expect("the stream ends").unwrap();
    assert!(began.elapsed() < Duration::from_secs(9), "it hung");
    world.finish().await;
}
