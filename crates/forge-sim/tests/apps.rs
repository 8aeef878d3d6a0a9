//! GitHub Apps: signed statements, installations and their tokens, hooks, and what is checked against the published description.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use forge_sim::world::TokenFormat;
use forge_sim::{AppKeys, AppRecipe, Limits, Mutation, Options};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::assets;
use crate::harness::{Answer, Sim, recipe};
use crate::openapi::schema::Description;

pub(crate) mod hooks;
pub(crate) mod pages;

/// An App that reads everything a backup needs.
pub(crate) fn backup_app(sim: &Sim, name: &str) -> AppKeys {
    let read = |name: &str| (name.to_owned(), "read".to_owned());
    sim.control()
        .create_app(&AppRecipe {
            name: name.to_owned(),
            owner: "acme".to_owned(),
            public: true,
            permissions: ["metadata", "contents", "issues", "pull_requests", "members"]
                .map(read)
                .into(),
            events: vec!["push".to_owned(), "repository".to_owned()],
            callback_urls: vec!["http://127.0.0.1:9/back".to_owned()],
            request_oauth_on_install: true,
            expiring_user_tokens: true,
            ..AppRecipe::default()
        })
        .unwrap()
}

pub(crate) fn install(sim: &Sim, app: &AppKeys) -> u64 {
    let mutation = Mutation::Install {
        app: app.slug.clone(),
        account: "acme".to_owned(),
        repositories: None,
        sender: None,
    };
    sim.control().mutate(&mutation).unwrap().id.unwrap()
}

/// A statement signed with the App's key.
pub(crate) fn statement(sim: &Sim, app: &AppKeys, issuer: &str, lives: i64) -> String {
    let now = sim.control().now().timestamp();
    let claims = json!({ "iat": now - 60, "exp": now + lives, "iss": issuer });
    let key =
        jsonwebtoken::EncodingKey::from_rsa_pem(app.pem.as_ref().unwrap().reveal().as_bytes())
            .unwrap();
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

pub(crate) async fn as_app(
    sim: &Sim,
    app: &AppKeys,
    method: Method,
    path: &str,
    body: Value,
) -> Answer {
    let token = statement(sim, app, &app.client_id, 540);
    ask(sim, &token, method, path, body).await
}

pub(crate) async fn ask(sim: &Sim, token: &str, method: Method, path: &str, body: Value) -> Answer {
    let url = format!("{}{path}", sim.handle.api());
    let mut request = sim.client().request(method, url).bearer_auth(token);
    if !body.is_null() {
        request = request.json(&body);
    }
    sim.send(request).await.unwrap()
}

async fn mint(sim: &Sim, app: &AppKeys, id: u64, body: Value) -> Answer {
    let path = format!("/app/installations/{id}/access_tokens");
    as_app(sim, app, Method::POST, &path, body).await
}

#[tokio::test]
async fn a_statement_must_be_signed_fresh_and_short() {
    let sim = Sim::start().await;
    let app = backup_app(&sim, "Backup one");
    let other = backup_app(&sim, "Backup two");
    let of = async |token: String| ask(&sim, &token, Method::GET, "/app", Value::Null).await;
    for issuer in [app.client_id.clone(), app.id.to_string()] {
        let answer = of(statement(&sim, &app, &issuer, 540)).await;
        assert_eq!(answer.json()["slug"], "backup-one");
    }
    let stolen = statement(&sim, &other, &app.client_id, 540);
    let unsigned = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        stolen.split('.').nth(1).unwrap()
    );
    for (token, words) in [
        (
            statement(&sim, &app, &app.client_id, 660),
            "too far in the future",
        ),
        (
            statement(&sim, &app, &app.client_id, -1),
            "must be a numeric value",
        ),
        (
            statement(&sim, &app, "Iv23nobody", 540),
            "Integration not found",
        ),
        (stolen, "could not be decoded"),
        (unsigned, "could not be decoded"),
    ] {
        let answer = of(token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    sim.control().rotate_key("backup-one").unwrap();
    let answer = of(statement(&sim, &app, &app.client_id, 540)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_is_narrowed_and_ends_after_an_hour() {
    let sim = Sim::start().await;
    let app = backup_app(&sim, "Backup");
    let id = install(&sim, &app);
    let narrow = json!({ "permissions": { "metadata": "read" }, "repositories": ["secret"] });
    let answer = mint(&sim, &app, id, narrow).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let get = async |path: &str| ask(&sim, &token, Method::GET, path, Value::Null).await;
    let list = get("/installation/repositories").await.json();
    assert_eq!(list["total_count"], 1);
    assert_eq!(list["repositories"][0]["name"], "secret");
    assert_eq!(get("/repos/acme/secret").await.status, StatusCode::OK);
    let refused = get("/repos/acme/secret/issues").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(
        refused.header("x-accepted-github-permissions"),
        "issues=read; pull_requests=read"
    );
    assert_eq!(get("/user").await.status, StatusCode::FORBIDDEN);
    let greedy = json!({ "permissions": { "contents": "write" } });
    assert_eq!(
        mint(&sim, &app, id, greedy).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    sim.control().advance(Duration::from_mins(61));
    assert_eq!(
        get("/repos/acme/secret").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn both_shapes_of_a_token_work() {
    let sim = Sim::start().await;
    let app = backup_app(&sim, "Backup");
    let id = install(&sim, &app);
    let mut lengths = BTreeSet::new();
    for format in [TokenFormat::Opaque, TokenFormat::Stateless] {
        sim.control()
            .mutate(&Mutation::SetTokenFormat { format })
            .unwrap();
        let answer = mint(&sim, &app, id, Value::Null).await;
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        assert!(token.starts_with("ghs_"));
        lengths.insert(token.len());
        let seen = ask(&sim, &token, Method::GET, "/repos/acme/secret", Value::Null).await;
        assert_eq!(seen.status, StatusCode::OK);
    }
    assert!(
        *lengths.first().unwrap() == 40 && *lengths.last().unwrap() > 500,
        "{lengths:?}"
    );
}

#[tokio::test]
async fn who_is_suspended_or_gone_gets_no_token_and_its_tokens_end() {
    let sim = Sim::start().await;
    let app = backup_app(&sim, "Backup");
    let id = install(&sim, &app);
    let token = mint(&sim, &app, id, Value::Null).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let suspend = |suspended| Mutation::Suspend {
        app: app.slug.clone(),
        account: "acme".to_owned(),
        suspended,
    };
    sim.control().mutate(&suspend(true)).unwrap();
    let refused = mint(&sim, &app, id, Value::Null).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("has been suspended"));
    let get = async || {
        ask(&sim, &token, Method::GET, "/repos/acme/rich", Value::Null)
            .await
            .status
    };
    assert_eq!(get().await, StatusCode::UNAUTHORIZED);
    let path = format!("/app/installations/{id}");
    let shown = as_app(&sim, &app, Method::GET, &path, Value::Null)
        .await
        .json();
    assert_eq!(shown["suspended_by"]["login"], "acme");
    sim.control().mutate(&suspend(false)).unwrap();
    assert_eq!(get().await, StatusCode::OK);
    let gone = Mutation::Uninstall {
        app: app.slug.clone(),
        account: "acme".to_owned(),
    };
    sim.control().mutate(&gone).unwrap();
    assert_eq!(
        mint(&sim, &app, id, Value::Null).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(get().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn installations_have_buckets_of_their_own() {
    let sim = Sim::start().await;
    let (one, two) = (backup_app(&sim, "One"), backup_app(&sim, "Two"));
    let (first, second) = (install(&sim, &one), install(&sim, &two));
    let token = mint(&sim, &one, first, Value::Null).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    mint(&sim, &two, second, Value::Null).await;
    let answer = ask(&sim, &token, Method::GET, "/repos/acme/rich", Value::Null).await;
    assert_eq!(answer.header("x-ratelimit-used"), "1");
    let used = |app: &str| {
        sim.control()
            .installation_counters(app, "acme")
            .unwrap()
            .core
            .used
    };
    assert_eq!((used("one"), used("two")), (1, 0));
    let limit = Mutation::SetInstallationQuota {
        app: "one".to_owned(),
        account: "acme".to_owned(),
        limit: 1,
    };
    sim.control().mutate(&limit).unwrap();
    let refused = ask(&sim, &token, Method::GET, "/repos/acme/rich", Value::Null).await;
    assert!(
        refused.text.contains(&format!("installation ID {first}")),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn without_limits_nothing_is_counted_and_nobody_is_told() {
    let sim = Sim::with(Options {
        limits: Limits {
            off: true,
            ..Limits::default()
        },
        ..Options::new(recipe())
    })
    .await;
    let answer = sim.get("/rate_limit").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("Rate limiting is not enabled."));
    let answer = sim.get("/repos/acme/rich").await;
    assert_eq!(answer.header("x-ratelimit-limit"), "");
    assert_eq!(answer.header("x-github-enterprise-version"), "3.19.0");
}

#[tokio::test]
async fn what_apps_read_is_as_described() {
    let description =
        Description::open(&assets::npm("@octokit/openapi").join("generated/api.github.com.json"));
    let sim = Sim::start().await;
    let hook = hooks::Ear::open().await;
    let app = hook.app(&sim, "Backup");
    let id = install(&sim, &app);
    hook.heard("installation").await;
    pages::request(&sim, &app, "ben").await;
    let token = mint(&sim, &app, id, Value::Null).await.json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let person = pages::user_token(&sim, &app, "ann").await;
    let delivery = as_app(&sim, &app, Method::GET, "/app/hook/deliveries", Value::Null)
        .await
        .json()[0]["id"]
        .as_u64()
        .unwrap();
    let mut problems = BTreeSet::new();
    for template in forge_sim::rest::app_templates() {
        let path = template
            .replace("{installation_id}", &id.to_string())
            .replace("{delivery_id}", &delivery.to_string())
            .replace("{org}", "acme")
            .replace("{username}", "acme");
        let answer = match template.split('/').nth(1) {
            Some("installation") => ask(&sim, &token, Method::GET, &path, Value::Null).await,
            Some("user") => ask(&sim, &person, Method::GET, &path, Value::Null).await,
            _ => as_app(&sim, &app, Method::GET, &path, Value::Null).await,
        };
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        let schema = match template {
            // The description writes this list's items out, in an older form than the one that all others refer to.
            "/app/installations" => {
                json!({ "type": "array", "items": { "$ref": "#/components/schemas/installation" } })
            }
            _ => description.response(template, 200).unwrap(),
        };
        let body = answer.json();
        problems.extend(
            description
                .problems(&schema, &body)
                .map(|one| format!("{template} {one}")),
        );
        problems.extend(
            description
                .unknown_keys(&schema, &body)
                .into_iter()
                .map(|key| format!("{template} does not know {key}")),
        );
    }
    let minted = mint(&sim, &app, id, json!({ "repositories": ["secret"] })).await;
    let template = "/app/installations/{installation_id}/access_tokens";
    let schema = description.answer(template, "post", 201).unwrap();
    problems.extend(description.problems(&schema, &minted.json()));
    assert!(problems.is_empty(), "{problems:#?}");
}
