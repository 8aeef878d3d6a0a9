//! Git and Git LFS, read by stock git.

use std::path::Path;
use std::process::{Command, Output};

use forge_sim::{Effect, Fault, Mutation};
use reqwest::StatusCode;
use serde_json::json;

use crate::harness::Sim;

async fn git(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new("git");
    command
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0");
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn url(sim: &Sim, login: Option<&str>, path: &str) -> String {
    let host = sim.handle.web().trim_start_matches("http://");
    match login {
        Some(login) => format!("http://x-access-token:{}@{host}/{path}", sim.token(login)),
        None => format!("http://{host}/{path}"),
    }
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn mirrors_hold_every_reference_and_pass_fsck() {
    let sim = Sim::start().await;
    let folder = tempfile::tempdir().unwrap();
    let world = sim.control().world();
    for repository in world.repositories() {
        let address = url(&sim, Some("ann"), &format!("{}.git", repository.full_name));
        let cloned = git(
            &["clone", "-q", "--mirror", &address, &repository.name],
            folder.path(),
        )
        .await;
        assert!(cloned.status.success(), "{}", message(&cloned));
        let mirror = folder.path().join(&repository.name);
        let fsck = git(&["fsck", "--strict"], &mirror).await;
        assert!(fsck.status.success(), "{}", message(&fsck));
        let listed = git(
            &["for-each-ref", "--format=%(refname) %(objectname)"],
            &mirror,
        )
        .await;
        let listed = String::from_utf8(listed.stdout).unwrap();
        let listed = listed.lines().map(str::to_owned).collect::<Vec<_>>();
        let expected = repository
            .refs
            .iter()
            .map(|(name, id)| format!("{name} {id}"))
            .collect::<Vec<_>>();
        assert_eq!(listed, expected, "{}", repository.name);
    }
    let rich = world.repository("acme/rich").unwrap();
    assert_eq!(
        rich.refs
            .keys()
            .filter(|name| name.starts_with("refs/pull/"))
            .count(),
        rich.counts.pulls
    );
    let statistics = sim.control().statistics();
    assert!(
        statistics.git >= 10 && statistics.requests == 0,
        "git is no API request"
    );
}

#[tokio::test]
async fn wikis_are_repositories_of_their_own() {
    let sim = Sim::start().await;
    let folder = tempfile::tempdir().unwrap();
    let wiki = url(&sim, Some("ann"), "acme/rich.wiki.git");
    assert!(
        git(&["ls-remote", &wiki], folder.path())
            .await
            .status
            .success()
    );
    let none = git(
        &["ls-remote", &url(&sim, Some("ann"), "acme/secret.wiki.git")],
        folder.path(),
    )
    .await;
    assert!(
        message(&none).contains("Repository not found."),
        "{}",
        message(&none)
    );
}

#[tokio::test]
async fn strangers_read_public_repositories_only() {
    let sim = Sim::start().await;
    let folder = tempfile::tempdir().unwrap();
    assert!(
        git(
            &["ls-remote", &url(&sim, None, "acme/rich.git")],
            folder.path()
        )
        .await
        .status
        .success()
    );
    let anonymous = sim
        .get_as(
            None,
            &format!(
                "{}/acme/secret.git/info/refs?service=git-upload-pack",
                sim.handle.web()
            ),
            &[],
        )
        .await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        anonymous.header("www-authenticate"),
        "Basic realm=\"GitHub\""
    );
    let stranger = git(
        &["ls-remote", &url(&sim, Some("eve"), "acme/secret.git")],
        folder.path(),
    )
    .await;
    assert!(
        message(&stranger).contains("Repository not found."),
        "{}",
        message(&stranger)
    );
    let member = url(&sim, Some("ann"), "acme/secret.git");
    sim.control()
        .mutate(&Mutation::RevokeTokens {
            login: "ann".to_owned(),
        })
        .unwrap();
    let revoked = git(&["ls-remote", &member], folder.path()).await;
    assert!(!revoked.status.success());
}

#[tokio::test]
async fn a_renamed_repository_redirects_git() {
    let sim = Sim::start().await;
    let folder = tempfile::tempdir().unwrap();
    let rename = Mutation::RenameRepository {
        repository: "acme/rich".to_owned(),
        name: "poor".to_owned(),
    };
    sim.control().mutate(&rename).unwrap();
    let old = url(&sim, Some("ann"), "acme/rich.git");
    assert!(
        git(&["ls-remote", &old], folder.path())
            .await
            .status
            .success()
    );
    let strict = git(
        &["-c", "http.followRedirects=false", "ls-remote", &old],
        folder.path(),
    )
    .await;
    assert!(!strict.status.success());
}

#[tokio::test]
async fn pushes_are_seen_by_the_next_fetch() {
    let sim = Sim::start().await;
    let folder = tempfile::tempdir().unwrap();
    let address = url(&sim, Some("ann"), "acme/rich.git");
    git(
        &["clone", "-q", "--mirror", &address, "mirror"],
        folder.path(),
    )
    .await;
    let mirror = folder.path().join("mirror");
    for forced in [false, true] {
        let push = Mutation::Push {
            repository: "acme/rich".to_owned(),
            branch: None,
            commits: 2,
            forced,
        };
        let sha = sim.control().mutate(&push).unwrap().sha.unwrap();
        assert!(git(&["fetch", "-q"], &mirror).await.status.success());
        let tip = git(&["rev-parse", "refs/heads/main"], &mirror).await;
        assert_eq!(String::from_utf8(tip.stdout).unwrap().trim(), sha);
    }
}

#[tokio::test]
async fn a_failing_git_endpoint_fails_the_clone() {
    let sim = Sim::start().await;
    let folder = tempfile::tempdir().unwrap();
    sim.control().fault(Fault::new(
        "/acme/rich.git/*",
        Effect::Status { status: 500 },
    ));
    let failed = git(
        &["clone", "-q", &url(&sim, Some("ann"), "acme/rich.git")],
        folder.path(),
    )
    .await;
    assert!(message(&failed).contains("500"), "{}", message(&failed));
}

#[tokio::test]
async fn lfs_objects_are_found_by_batch_and_have_their_hash() {
    let sim = Sim::start().await;
    let world = sim.control().world();
    let (oid, size) = world
        .repository("acme/rich")
        .unwrap()
        .lfs_objects
        .iter()
        .next()
        .unwrap();
    let missing = "0".repeat(64);
    let batch = json!({ "operation": "download", "transfers": ["basic"],
        "objects": [{ "oid": oid, "size": size }, { "oid": missing, "size": 1 }] });
    let address = format!("{}/acme/rich.git/info/lfs/objects/batch", sim.handle.web());
    let request = sim
        .client()
        .post(&address)
        .basic_auth("x", Some(sim.token("ann")))
        .json(&batch);
    let answer = sim.send(request).await.unwrap();
    assert_eq!(
        answer.header("content-type"),
        "application/vnd.git-lfs+json"
    );
    let body = answer.json();
    assert_eq!(body["objects"][1]["error"]["code"], 404);
    let href = body["objects"][0]["actions"]["download"]["href"]
        .as_str()
        .unwrap();
    let head = sim.send(sim.client().head(href)).await.unwrap();
    assert_eq!(head.header("content-length"), size.to_string());
    let secret = format!(
        "{}/acme/secret.git/info/lfs/objects/batch",
        sim.handle.web()
    );
    let anonymous = sim
        .send(sim.client().post(&secret).json(&batch))
        .await
        .unwrap();
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        anonymous.header("lfs-authenticate"),
        "Basic realm=\"GitHub\""
    );
    assert_eq!(sim.control().statistics().lfs, 2);
}
