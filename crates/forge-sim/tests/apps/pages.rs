//! The pages as a browser walks them: forms are filled in, redirects are followed by hand.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use forge_sim::{AppKeys, AppRecipe};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{as_app, ask, backup_app};
use crate::harness::Sim;

/// Somebody's browser.
struct Visitor<'a> {
    sim: &'a Sim,
    cookie: String,
}

impl<'a> Visitor<'a> {
    async fn sign_in(sim: &'a Sim, login: &str) -> Self {
        let request = sim
            .client()
            .post(format!("{}/login", sim.handle.web()))
            .form(&[("login", login), ("return_to", "/")]);
        let answer = sim.send(request).await.unwrap();
        assert_eq!(answer.status, StatusCode::FOUND);
        let cookie = answer
            .header("set-cookie")
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        Self { sim, cookie }
    }

    async fn see(&self, path: &str) -> String {
        let request = self
            .sim
            .client()
            .get(format!("{}{path}", self.sim.handle.web()))
            .header("cookie", &self.cookie);
        let answer = self.sim.send(request).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.text
    }

    /// Sends a form and answers what the address that it leads to carries.
    async fn send(&self, path: &str, form: &[(&str, &str)]) -> BTreeMap<String, String> {
        let request = self
            .sim
            .client()
            .post(format!("{}{path}", self.sim.handle.web()))
            .header("cookie", &self.cookie)
            .form(form);
        let answer = self.sim.send(request).await.unwrap();
        assert_eq!(answer.status, StatusCode::FOUND, "{path}: {}", answer.text);
        let target: Url = answer.header("location").parse().unwrap();
        target.query_pairs().into_owned().collect()
    }
}

fn account(sim: &Sim, login: &str) -> String {
    sim.control()
        .with_world(|world| world.account(login).unwrap().id.to_string())
}

/// A member asks an owner to install the App on acme.
pub(crate) async fn request(sim: &Sim, app: &AppKeys, login: &str) -> BTreeMap<String, String> {
    let visitor = Visitor::sign_in(sim, login).await;
    let target = account(sim, "acme");
    let path = format!("/github-apps/{}/installations", app.slug);
    visitor
        .send(
            &path,
            &[
                ("target_id", &target),
                ("selection", "all"),
                ("state", "s1"),
            ],
        )
        .await
}

async fn exchange(sim: &Sim, app: &AppKeys, more: &[(&str, &str)]) -> Value {
    let mut form = vec![
        ("client_id", app.client_id.as_str()),
        ("client_secret", app.client_secret.reveal()),
    ];
    form.extend_from_slice(more);
    let request = sim
        .client()
        .post(format!("{}/login/oauth/access_token", sim.handle.web()))
        .header("accept", "application/json")
        .form(&form);
    sim.send(request).await.unwrap().json()
}

/// A token of a person who authorizes the App.
pub(crate) async fn user_token(sim: &Sim, app: &AppKeys, login: &str) -> String {
    let visitor = Visitor::sign_in(sim, login).await;
    let back = visitor
        .send(
            "/login/oauth/authorize",
            &[
                ("client_id", &app.client_id),
                ("authorize", "1"),
                ("state", "s"),
            ],
        )
        .await;
    let tokens = exchange(sim, app, &[("code", &back["code"])]).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_owner_installs_and_a_member_asks() {
    let sim = Sim::start().await;
    let app = backup_app(&sim, "Backup");
    let asked = request(&sim, &app, "ben").await;
    assert_eq!(asked["setup_action"], "request");
    assert_eq!(asked["state"], "s1");
    assert!(!asked.contains_key("installation_id"));
    let requests = as_app(
        &sim,
        &app,
        Method::GET,
        "/app/installation-requests",
        Value::Null,
    )
    .await;
    assert_eq!(requests.json()[0]["requester"]["login"], "ben");

    let ann = Visitor::sign_in(&sim, "ann").await;
    let choice = ann
        .see("/github-apps/backup/installations/new?state=s2")
        .await;
    assert!(
        choice.contains(">acme<") && choice.contains(">ann<"),
        "{choice}"
    );
    let target = account(&sim, "acme");
    let page =
        format!("/github-apps/backup/installations/new/permissions?target_id={target}&state=s2");
    assert!(ann.see(&page).await.contains("<button>Install</button>"));
    let form = [
        ("target_id", target.as_str()),
        ("selection", "all"),
        ("state", "s2"),
    ];
    let back = ann.send("/github-apps/backup/installations", &form).await;
    assert_eq!((&*back["setup_action"], &*back["state"]), ("install", "s2"));
    let tokens = exchange(&sim, &app, &[("code", &back["code"])]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let seen = ask(&sim, token, Method::GET, "/user/installations", Value::Null)
        .await
        .json();
    assert_eq!(
        seen["installations"][0]["id"].to_string(),
        back["installation_id"]
    );
    let requests = as_app(
        &sim,
        &app,
        Method::GET,
        "/app/installation-requests",
        Value::Null,
    )
    .await;
    assert_eq!(requests.json(), json!([]));
}

#[tokio::test]
async fn a_code_counts_once_and_needs_its_verifier() {
    let sim = Sim::start().await;
    let app = sim
        .control()
        .create_app(&AppRecipe {
            name: "Sign in".to_owned(),
            owner: "acme".to_owned(),
            oauth: true,
            callback_urls: vec!["http://127.0.0.1:9/back".to_owned()],
            expiring_user_tokens: true,
            ..AppRecipe::default()
        })
        .unwrap();
    let verifier = "a-verifier-that-is-long-enough-to-be-one-1234";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let ann = Visitor::sign_in(&sim, "ann").await;
    let grant = [
        ("client_id", app.client_id.as_str()),
        ("scope", "repo read:org"),
        ("state", "s"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("authorize", "1"),
    ];
    let wrong = ann.send("/login/oauth/authorize", &grant).await;
    let refused = exchange(
        &sim,
        &app,
        &[("code", &wrong["code"]), ("code_verifier", "wrong")],
    )
    .await;
    assert_eq!(refused["error"], "bad_verification_code");
    let back = ann.send("/login/oauth/authorize", &grant).await;
    let given = [("code", back["code"].as_str()), ("code_verifier", verifier)];
    let tokens = exchange(&sim, &app, &given).await;
    assert_eq!(tokens["scope"], "repo,read:org");
    assert_eq!(
        exchange(&sim, &app, &given).await["error"],
        "bad_verification_code"
    );

    let first = tokens["access_token"].as_str().unwrap().to_owned();
    let me = ask(&sim, &first, Method::GET, "/user", Value::Null).await;
    assert_eq!(
        (me.json()["login"].as_str(), me.header("x-oauth-scopes")),
        (Some("ann"), "repo, read:org")
    );
    let renew = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    let renewed = exchange(&sim, &app, &renew).await;
    let second = renewed["access_token"].as_str().unwrap();
    assert_eq!(
        ask(&sim, second, Method::GET, "/user", Value::Null)
            .await
            .status,
        StatusCode::OK
    );
    let ended = ask(&sim, &first, Method::GET, "/user", Value::Null).await;
    assert_eq!(ended.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        exchange(&sim, &app, &renew).await["error"],
        "bad_refresh_token"
    );
    let denied = ann
        .send(
            "/login/oauth/authorize",
            &[
                ("client_id", &app.client_id),
                ("state", "s"),
                ("authorize", "0"),
            ],
        )
        .await;
    assert_eq!(denied["error"], "access_denied");
}

#[tokio::test]
async fn an_app_is_made_from_a_manifest_once() {
    let sim = Sim::start().await;
    let ann = Visitor::sign_in(&sim, "ann").await;
    let manifest = json!({
        "name": "Made here",
        "url": "http://127.0.0.1:9",
        "redirect_url": "http://127.0.0.1:9/made",
        "callback_urls": ["http://127.0.0.1:9/back"],
        "hook_attributes": { "url": "http://127.0.0.1:9/hook" },
        "default_permissions": { "contents": "read" },
        "default_events": ["push"],
        "public": true,
    })
    .to_string();
    let form = [
        ("manifest", manifest.as_str()),
        ("owner", "acme"),
        ("name", "Made there"),
        ("state", "s"),
    ];
    let back = ann.send("/settings/apps", &form).await;
    assert_eq!(back["state"], "s");
    let convert = async || {
        let url = format!(
            "{}/app-manifests/{}/conversions",
            sim.handle.api(),
            back["code"]
        );
        sim.send(sim.client().post(url)).await.unwrap()
    };
    let made = convert().await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    assert_eq!(
        (&made["slug"], &made["owner"]["login"]),
        (&json!("made-there"), &json!("acme"))
    );
    let keys = AppKeys {
        id: made["id"].as_u64().unwrap(),
        slug: "made-there".to_owned(),
        client_id: made["client_id"].as_str().unwrap().to_owned(),
        client_secret: sim.control().with_world(|world| {
            world
                .apps
                .by_slug("made-there")
                .unwrap()
                .client_secret
                .clone()
        }),
        pem: None,
        webhook_secret: None,
    };
    assert_eq!(made["client_secret"], keys.client_secret.reveal());
    assert!(
        made["pem"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN RSA PRIVATE KEY-----")
    );
    assert!(made["webhook_secret"].is_string());
    assert_eq!(convert().await.status, StatusCode::NOT_FOUND);
}
