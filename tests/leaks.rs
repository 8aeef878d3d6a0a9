//! A token stands in the vault, sealed, and on the wire to its host. Nowhere else.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use forge_sim::{Effect, Fault};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn planted_tokens_appear_nowhere_else() {
    // Tokens that no other program on this machine has.
    let seed = fastrand::u64(..);
    let world = World::registered(json!({"seed": seed, "repositories": [
        {"name": "one", "commits": 30, "issues": 20, "pulls": 5, "wiki": true, "releases": 1, "assets_per_release": 1,
         "asset_bytes": 1000, "lfs_objects": 1},
        {"name": "two", "commits": 400, "private": true},
    ]}))
    .await;
    world.add_credential(1).await;
    let tokens: Vec<String> = (0..3).map(|user| world.token(user)).collect();

    let over = Arc::new(AtomicBool::new(false));
    let watch = watch_processes(tokens.clone(), Arc::clone(&over));
    world.serve().await;
    world.run("nightly").await.expect(0);
    world.fault(Fault::new(
        "/acme/two.git/*",
        Effect::Status { status: 500 },
    ));
    world.touch_every_repository();
    let failed = world.run("nightly").await.expect(1);
    over.store(true, Ordering::SeqCst);
    let (looks, found) = watch.await.unwrap();
    assert!(
        looks > 10,
        "the process list was looked at only {looks} times"
    );
    assert!(found.is_empty(), "in the process list: {found:?}");

    world.stop().await;
    for token in &tokens {
        assert!(
            !failed.stdout.contains(token) && !failed.stderr.contains(token),
            "in an answer of the command"
        );
        for place in [
            world.data_folder(),
            world.storage_folder(),
            world.log().path().to_owned(),
        ] {
            assert_eq!(find(&place, token.as_bytes()), None);
        }
        assert_eq!(world.database_rows_with(token).await, Vec::<String>::new());
    }
    assert!(
        world.log().text().len() > 10_000,
        "the log at trace level is nearly empty: nothing was tested"
    );
    world.finish().await;
}

/// Reads every process's arguments and environment, but for this test's own, until told to stop.
fn watch_processes(
    tokens: Vec<String>,
    over: Arc<AtomicBool>,
) -> tokio::task::JoinHandle<(u64, Vec<String>)> {
    tokio::task::spawn_blocking(move || {
        let own = std::process::id().to_string();
        let mut looks = 0;
        let mut seen = Vec::new();
        while !over.load(Ordering::SeqCst) {
            looks += 1;
            for process in std::fs::read_dir("/proc").unwrap().flatten() {
                let id = process.file_name().to_string_lossy().into_owned();
                if id == own || id.parse::<u32>().is_err() {
                    continue;
                }
                for file in ["cmdline", "environ"] {
                    // A process may end while it is being looked at.
                    let Ok(bytes) = std::fs::read(process.path().join(file)) else {
                        continue;
                    };
                    if tokens
                        .iter()
                        .any(|token| contains(&bytes, token.as_bytes()))
                    {
                        seen.push(format!("{file} of {}", String::from_utf8_lossy(&bytes)));
                    }
                }
            }
            std::thread::yield_now();
        }
        (looks, seen)
    })
}

fn find(place: &Path, needle: &[u8]) -> Option<String> {
    if place.is_dir() {
        return std::fs::read_dir(place)
            .unwrap()
            .find_map(|entry| find(&entry.unwrap().path(), needle));
    }
    let bytes = std::fs::read(place).unwrap_or_default();
    contains(&bytes, needle).then(|| place.display().to_string())
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
