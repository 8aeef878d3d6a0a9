//! The console in a real browser: every promise of its pages is a script that clicks what a person clicks.
//!
//! The scripts stand in `browser/`. Each runs by itself, against a world of its own, and says nothing unless it fails.

mod alerts;
mod applications;
mod flows;
mod pages;
mod people;
mod throttling;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Semaphore;

use crate::world::World;

/// A browser is several processes that want a core each.
static BROWSERS: Semaphore = Semaphore::const_new(2);

/// How long one script may take.
const DEADLINE: Duration = Duration::from_mins(4);

/// Lets one script drive a browser; `more` is what it alone needs to know of the world.
pub(crate) async fn drive(script: &str, world: &World, more: Value) {
    let _one_of_few = BROWSERS.acquire().await.unwrap();
    let mut known = json!({
        "base": world.console(),
        "code": world.set_up_code(),
        "forge": world.host(),
        "control": world.sim.control_url(),
        "tokens": world.tokens(),
        "storage": world.storage_folder(),
        "folder": world.folder(),
    });
    known
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_default());
    let mut child = node(script)
        .spawn()
        .expect("node is missing: run the tests with `cargo xtask test`");
    let mut input = child.stdin.take().unwrap();
    input.write_all(known.to_string().as_bytes()).await.unwrap();
    drop(input);
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("{script} does not end"))
        .unwrap();
    assert!(
        output.status.success(),
        "{script} ended with {}\n{}{}\nWhat the server complained about:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        world.log().complaints()
    );
}

fn node(script: &str) -> Command {
    let needed = |name: &str| {
        std::env::var(name)
            .unwrap_or_else(|_| panic!("{name} is not set: run the tests with `cargo xtask test`"))
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let mut command = Command::new("node");
    command
        .arg(folder.join(format!("{script}.mjs")))
        .env_clear()
        .env("PATH", needed("PATH"))
        .env("HOME", std::env::temp_dir())
        .env("HOLDFAST_TEST_ASSETS", needed("HOLDFAST_TEST_ASSETS"))
        .env("HOLDFAST_TEST_BROWSER", needed("HOLDFAST_TEST_BROWSER"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
