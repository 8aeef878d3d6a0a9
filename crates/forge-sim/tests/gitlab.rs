//! The simulated GitLab, seen through clients that others wrote, and where no client looks.

use std::process::Command;

use forge_sim::gitlab::{
    self, Answer, Control, Fault, Handle, Limits, Options, ProjectRecipe, Rate, Recipe, UserRecipe,
};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::assets;

fn recipe() -> Recipe {
    Recipe::group("acme", 5)
        .with_project(ProjectRecipe::rich("sub/rich"))
        .with_project(ProjectRecipe {
            without_issues: true,
            ..ProjectRecipe::tiny("quiet")
        })
        .with_user(UserRecipe::member("ann").with_scopes(&["api", "write_repository"]))
        .with_user(UserRecipe {
            access_level: 20,
            ..UserRecipe::member("rob")
        })
        .with_user(UserRecipe {
            access_level: 0,
            ..UserRecipe::member("eve")
        })
}

async fn start(limits: Limits) -> Handle {
    gitlab::start(Options {
        limits,
        ..Options::new(recipe())
    })
    .await
    .unwrap()
}

fn token(control: &Control, user: &str) -> String {
    control.token(user).unwrap()
}

fn ask(sim: &Handle, user: &str, method: Method, path: &str) -> RequestBuilder {
    let url = format!("{}/{path}", sim.api());
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    client
        .request(method, url)
        .bearer_auth(token(&sim.control(), user))
}

async fn get(sim: &Handle, user: &str, path: &str) -> reqwest::Response {
    ask(sim, user, Method::GET, path).send().await.unwrap()
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

async fn run(mut command: Command, sim: &Handle) -> Value {
    command
        .env("BASE_URL", sim.web())
        .env("TOKEN", token(&sim.control(), "ann"))
        .env("NO_PROXY", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}\n{errors}");
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn script(name: &str) -> String {
    format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn python() -> Command {
    let mut command = Command::new("python3");
    command
        .arg(script("list_gitlab.py"))
        .env("PYTHONPATH", assets::folder().join("python-gitlab"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn gitbeaker() -> Command {
    let mut command = Command::new("node");
    let module = assets::npm("@gitbeaker/rest").join("dist/index.mjs");
    command
        .arg(script("list_gitlab.mjs"))
        .env("GITBEAKER", module);
    command
}

/// What every client should have seen.
fn expected(control: &Control) -> Value {
    json!({
        "user": "ann",
        "token_user": control.user("ann"),
        "projects": [7, 7],
        "issues": 5,
        "discussions": 10,
        "notes": 10,
        "merge_requests": 3,
        "merge_request_discussions": 6,
        "labels": 3,
        "milestones": 3,
        "releases": 3,
        "boards": 3,
        "snippets": 3,
        "hooks": 3,
        "variables": 3,
        "schedules": 3,
        "deploy_keys": 3,
        "protected": [3, 3],
        "missing": 404,
        "off": 403,
        "moved": "acme/sub/rich",
    })
}

/// A name that leads to the rich project.
fn leave_a_trace(control: &Control) {
    control.change(|world| {
        let id = world.project("acme/sub/rich").unwrap().id;
        let project = world.projects.get_mut(&id).unwrap();
        project.former.push("acme/sub/old".to_owned());
    });
}

#[tokio::test]
async fn python_gitlab_sees_the_whole_world_and_repeats_what_fails() {
    let sim = start(Limits::dotcom()).await;
    let control = sim.control();
    leave_a_trace(&control);
    let fault = |path: &str, answer| Fault {
        path: path.to_owned(),
        times: 1,
        answer,
    };
    control.fault(fault("/labels", Answer::Proxy { status: 502 }));
    control.fault(fault("/boards", Answer::TooMany { retry_after: 1 }));
    assert_eq!(run(python(), &sim).await, expected(&control));
}

#[tokio::test]
async fn gitbeaker_sees_the_whole_world_and_repeats_what_fails() {
    let sim = start(Limits::dotcom()).await;
    let control = sim.control();
    leave_a_trace(&control);
    control.fault(Fault {
        path: "/labels".to_owned(),
        times: 1,
        answer: Answer::Proxy { status: 502 },
    });
    assert_eq!(run(gitbeaker(), &sim).await, expected(&control));
}

#[tokio::test]
async fn python_gitlab_recognizes_a_used_up_limit() {
    let sim = start(Limits::api(1, 3_600)).await;
    let mut client = python();
    client.env("EXPECT", "limit");
    assert_eq!(run(client, &sim).await, json!({ "limited": true }));
}

#[tokio::test]
async fn a_throttle_shows_in_headers_and_the_limit_of_an_endpoint_in_none() {
    let mut limits = Limits::api(7_200, 3_600);
    limits.endpoints.insert(
        "GET labels".to_owned(),
        Rate {
            requests: 1,
            seconds: 60,
        },
    );
    let sim = start(limits).await;
    let path = "projects/acme%2Fsub%2Frich/labels";
    let first = get(&sim, "ann", path).await;
    assert_eq!(header(&first, "ratelimit-limit"), Some("120"));
    assert_eq!(header(&first, "ratelimit-remaining"), Some("7199"));
    let second = get(&sim, "ann", path).await;
    assert_eq!(second.status(), 429);
    assert_eq!(header(&second, "ratelimit-limit"), None);
    assert_eq!(header(&second, "retry-after"), None);
    assert!(
        second
            .text()
            .await
            .unwrap()
            .contains("requested too many times")
    );
    assert_eq!(get(&sim, "rob", path).await.status(), 200, "another user");
}

#[tokio::test]
async fn long_lists_do_not_say_how_long_they_are() {
    let sim = gitlab::start(Options {
        totals_up_to: 6,
        ..Options::new(recipe())
    })
    .await
    .unwrap();
    let long = get(&sim, "ann", "projects?membership=true&per_page=3").await;
    assert_eq!(
        (header(&long, "x-total"), header(&long, "x-next-page")),
        (None, Some("2"))
    );
    assert!(!header(&long, "link").unwrap().contains("rel=\"last\""));
    let short = get(&sim, "ann", "groups/acme/projects?per_page=3").await;
    assert_eq!(
        header(&short, "x-total"),
        Some("6"),
        "without the subgroup's"
    );
}

#[tokio::test]
async fn what_may_not_be_seen_does_not_exist_and_what_may_not_be_read_is_refused() {
    let sim = start(Limits::default()).await;
    let status = async |user, path| get(&sim, user, path).await.status().as_u16();
    assert_eq!(status("eve", "projects/acme%2Fsub%2Frich").await, 404);
    assert_eq!(status("rob", "projects/acme%2Fsub%2Frich/hooks").await, 403);
    assert_eq!(
        status("rob", "projects/acme%2Fsub%2Frich/issues").await,
        200
    );
    let post = ask(
        &sim,
        "rob",
        Method::POST,
        "projects/acme%2Fsub%2Frich/labels",
    );
    let refused = post.json(&json!({ "name": "x" })).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("insufficient_scope"));
}

#[tokio::test]
async fn a_moved_project_is_pointed_to_for_reading_alone() {
    let sim = start(Limits::default()).await;
    sim.control().rename("acme/sub/rich", "richer").unwrap();
    let moved = get(&sim, "ann", "projects/acme%2Fsub%2Frich/labels").await;
    assert_eq!(moved.status(), 301);
    let id = sim
        .control()
        .with_world(|world| world.project("acme/sub/richer").unwrap().id);
    assert!(
        header(&moved, "location")
            .unwrap()
            .ends_with(&format!("/api/v4/projects/{id}/labels"))
    );
    let post = ask(
        &sim,
        "ann",
        Method::POST,
        "projects/acme%2Fsub%2Frich/labels",
    );
    let refused = post.json(&json!({ "name": "x" })).send().await.unwrap();
    assert_eq!(refused.status(), 405);
}

#[tokio::test]
async fn rotation_ends_the_old_token_at_once_and_lasts_a_week_unless_told_otherwise() {
    let sim = start(Limits::default()).await;
    let old = token(&sim.control(), "ann");
    let path = "personal_access_tokens/self/rotate";
    let new = ask(&sim, "ann", Method::POST, path).send().await.unwrap();
    let new: Value = new.json().await.unwrap();
    let days = (new["expires_at"]
        .as_str()
        .unwrap()
        .parse::<chrono::NaiveDate>()
        .unwrap()
        - sim.control().now().date_naive())
    .num_days();
    assert_eq!(days, 7);
    let with = async |token: &str| {
        let url = format!("{}/user", sim.api());
        let asked = client().get(url).header("private-token", token).send();
        asked.await.unwrap()
    };
    assert_eq!(with(new["token"].as_str().unwrap()).await.status(), 200);
    let dead = with(&old).await;
    assert_eq!(dead.status(), 401);
    assert!(dead.text().await.unwrap().contains("Token was revoked"));
}

#[tokio::test]
async fn an_address_with_many_failed_sign_ins_is_shut_out_with_good_tokens_too() {
    let sim = start(Limits {
        ban: Some((3, 900)),
        ..Limits::default()
    })
    .await;
    let url = format!(
        "{}/acme/quiet.git/info/refs?service=git-upload-pack",
        sim.web()
    );
    for _ in 0..3 {
        let asked = client().get(&url).basic_auth("oauth2", Some("wrong"));
        assert_eq!(asked.send().await.unwrap().status(), 401);
    }
    let banned = get(&sim, "ann", "user").await;
    assert_eq!(
        (banned.status().as_u16(), header(&banned, "ratelimit-name")),
        (403, None)
    );
    sim.control().advance(std::time::Duration::from_secs(901));
    assert_eq!(get(&sim, "ann", "user").await.status(), 200);
}

#[tokio::test]
async fn git_wants_credentials_and_takes_any_user_name_with_a_token() {
    let sim = start(Limits::default()).await;
    let token = token(&sim.control(), "rob");
    let clone = |address: String| {
        let folder = tempfile::tempdir().unwrap();
        let cloned = Command::new("git")
            .args(["-c", "credential.helper=", "clone", "--quiet", "--mirror"])
            .arg(address)
            .arg(folder.path().join("mirror"))
            .env("GIT_TERMINAL_PROMPT", "0")
            .output()
            .unwrap();
        cloned.status.success()
    };
    let address = sim
        .web()
        .replace("http://", &format!("http://anything:{token}@"));
    let address = format!("{address}/acme/sub/rich.git");
    let nobody = format!("{}/acme/sub/rich.git", sim.web());
    let (with, without) = tokio::task::spawn_blocking(move || (clone(address), clone(nobody)))
        .await
        .unwrap();
    assert!(with && !without);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a peer with its own reading of the documents has its own client"
)]
fn client() -> Client {
    Client::new()
}
