//! What a person gets wrong is answered with a sentence that says what to do, exit code 2, and nothing stored.

use std::path::PathBuf;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::world::{World, login, row_count};

fn small() -> serde_json::Value {
    json!({"repositories": [{"name": "one", "commits": 2}]})
}

/// Registers an organization with this token file and expects a refusal that holds all the words.
async fn refuses_token(world: &World, user: &str, token_file: &str, words: &[&str]) {
    let host = world.host();
    refuses(
        world,
        &[
            "organization",
            "add",
            "--kind",
            "github",
            "--host",
            &host,
            "--name",
            "acme",
            "--user",
            user,
            "--token-file",
            token_file,
        ],
        words,
    )
    .await;
}

async fn refuses(world: &World, arguments: &[&str], words: &[&str]) {
    let before = stored(world).await;
    let answer = world.call(arguments).await.expect(2);
    let sentence = answer.json()["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    for word in words {
        assert!(
            sentence.to_lowercase().contains(&word.to_lowercase()),
            "{arguments:?}: \"{sentence}\" does not say \"{word}\""
        );
    }
    assert!(sentence.ends_with('.'), "not a sentence: {sentence}");
    assert_eq!(
        stored(world).await,
        before,
        "{arguments:?} stored something"
    );
}

async fn stored(world: &World) -> Vec<i64> {
    let database = world.database.look().await;
    let mut counts = Vec::new();
    for table in [
        "organizations",
        "credentials",
        "secrets",
        "storages",
        "plans",
        "runs",
    ] {
        counts.push(row_count(&database, table).await);
    }
    counts
}

fn file(world: &World, name: &str, content: &[u8]) -> String {
    let path: PathBuf = world.folder().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_file_that_holds_no_usable_token() {
    let world = World::start(small()).await;
    world.add_tenant().await;
    let user = login(0);
    let missing = world.folder().join("nowhere").to_str().unwrap().to_owned();
    refuses_token(&world, user, &missing, &["nowhere"]).await;
    let folder = world.folder().to_str().unwrap().to_owned();
    refuses_token(&world, user, &folder, &["token file"]).await;
    refuses_token(&world, user, &file(&world, "empty", b"\n"), &["empty"]).await;
    refuses_token(
        &world,
        user,
        &file(&world, "two-lines", b"ghp_abc\nghp_def\n"),
        &["line"],
    )
    .await;
    refuses_token(
        &world,
        user,
        &file(&world, "binary", &[0xff, 0xfe, 0x00]),
        &["text"],
    )
    .await;
    let fine_grained = format!("github_pat_{}_{}", "a".repeat(22), "b".repeat(59));
    refuses_token(
        &world,
        user,
        &file(&world, "fine", fine_grained.as_bytes()),
        &["fine-grained", "classic"],
    )
    .await;
    let wrong = format!("ghp_{}", "x".repeat(36));
    refuses_token(
        &world,
        user,
        &file(&world, "wrong", wrong.as_bytes()),
        &["token"],
    )
    .await;
    world.finish().await;
}

#[tokio::test]
async fn a_token_of_another_user_than_named() {
    let world = World::start(small()).await;
    world.add_tenant().await;
    let (named, real) = (login(0), login(1));
    let token_of_other = world.token_file(1);
    refuses_token(&world, named, &token_of_other, &[named, real]).await;
    world.finish().await;
}

#[tokio::test]
async fn a_host_that_is_none() {
    let world = World::start(small()).await;
    world.add_tenant().await;
    let user = login(0);
    let token = world.token_file(0);
    let html = host_that_answers_html().await;
    for (host, words) in [
        (
            "https://no-such-host.invalid",
            &["no-such-host.invalid"][..],
        ),
        ("http://127.0.0.1:9", &["127.0.0.1:9"]),
        (&html, &["not", "GitHub API"]),
        ("http://git.example.com", &["https"]),
        ("ftp://127.0.0.1", &["ftp"]),
        ("https://someone:secret@127.0.0.1", &["password"]),
    ] {
        let arguments = [
            "organization",
            "add",
            "--kind",
            "github",
            "--host",
            host,
            "--name",
            "acme",
            "--user",
            user,
            "--token-file",
            &token,
        ];
        refuses(&world, &arguments, words).await;
    }
    world.finish().await;
}

/// A web server that is no forge: it answers everything with a page.
async fn host_that_answers_html() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let page = "<!doctype html><title>Welcome</title>";
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
            page.len()
        );
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let read = tokio::io::AsyncReadExt::read(&mut stream, &mut request).await;
                if read.is_ok() {
                    stream.write_all(answer.as_bytes()).await.ok();
                }
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_plan_that_could_not_run() {
    let world = World::registered(small()).await;
    let add = |extra: &[&'static str]| {
        let mut arguments = vec![
            "plan",
            "add",
            "second",
            "--organization",
            "acme",
            "--storage",
            "disk",
        ];
        arguments.extend_from_slice(extra);
        arguments
    };
    refuses(&world, &add(&["--repositories", ""]), &["repositor"]).await;
    refuses(
        &world,
        &add(&["--repositories", "no-slash"]),
        &["owner/name"],
    )
    .await;
    refuses(
        &world,
        &add(&[
            "--repositories",
            "all",
            "--schedule",
            "0 0 30 2 *",
            "--time-zone",
            "UTC",
        ]),
        &["never fires"],
    )
    .await;
    refuses(
        &world,
        &add(&[
            "--repositories",
            "all",
            "--schedule",
            "0 2 * * *",
            "--time-zone",
            "Moon",
        ]),
        &["time zone"],
    )
    .await;
    refuses(
        &world,
        &add(&["--repositories", "all", "--retention", "last=0"]),
        &["retention"],
    )
    .await;
    refuses(
        &world,
        &add(&["--repositories", "all", "--use", "nobody"]),
        &["nobody"],
    )
    .await;
    refuses(
        &world,
        &[
            "plan",
            "add",
            "third",
            "--organization",
            "nobody",
            "--storage",
            "disk",
            "--repositories",
            "all",
        ],
        &["nobody", "acme"],
    )
    .await;
    refuses(
        &world,
        &[
            "plan",
            "add",
            "nightly",
            "--organization",
            "acme",
            "--storage",
            "disk",
            "--repositories",
            "all",
        ],
        &["nightly", "already"],
    )
    .await;
    refuses(&world, &["run", "weekly", "--wait"], &["weekly", "nightly"]).await;
    world.finish().await;
}

#[tokio::test]
async fn a_restore_that_would_overwrite() {
    let world = World::registered(small()).await;
    world.serve().await;
    world.run("nightly").await.expect(0);
    let id = world.snapshots().await[0]["snapshot"]
        .as_str()
        .unwrap()
        .to_owned();
    let target = world.folder().join("full");
    std::fs::create_dir(&target).unwrap();
    std::fs::write(target.join("mine"), "precious").unwrap();
    refuses(
        &world,
        &["restore", &id, "--to", target.to_str().unwrap()],
        &["empty"],
    )
    .await;
    assert_eq!(
        std::fs::read_to_string(target.join("mine")).unwrap(),
        "precious"
    );
    refuses(
        &world,
        &["restore", "ffffffff", "--to", "/tmp/none"],
        &["ffffffff"],
    )
    .await;
    world.finish().await;
}
