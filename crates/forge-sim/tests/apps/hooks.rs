//! Messages to hooks: signed, listed, lost and sent again.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use forge_sim::{AppKeys, AppRecipe, Mutation};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

use super::{as_app, install};
use crate::harness::Sim;

/// A hook that listens.
pub(crate) struct Ear {
    url: String,
    heard: Mutex<mpsc::UnboundedReceiver<(HeaderMap, Bytes)>>,
}

impl Ear {
    pub(crate) async fn open() -> Self {
        let (send, heard) = mpsc::unbounded_channel();
        let router = Router::new()
            .fallback(
                async |State(send): State<Arc<mpsc::UnboundedSender<_>>>,
                       headers: HeaderMap,
                       body: Bytes| {
                    send.send((headers, body)).unwrap();
                },
            )
            .with_state(Arc::new(send));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self {
            url,
            heard: Mutex::new(heard),
        }
    }

    pub(crate) fn app(&self, sim: &Sim, name: &str) -> AppKeys {
        let read = |name: &str| (name.to_owned(), "read".to_owned());
        sim.control()
            .create_app(&AppRecipe {
                name: name.to_owned(),
                owner: "acme".to_owned(),
                public: true,
                permissions: ["metadata", "contents", "issues", "members"]
                    .map(read)
                    .into(),
                events: vec!["push".to_owned(), "repository".to_owned()],
                callback_urls: vec!["http://127.0.0.1:9/back".to_owned()],
                hook_url: Some(self.url.clone()),
                request_oauth_on_install: true,
                ..AppRecipe::default()
            })
            .unwrap()
    }

    /// The next message, which must be of this event.
    pub(crate) async fn heard(&self, event: &str) -> (HeaderMap, Bytes) {
        let (headers, body) = self.heard.lock().await.recv().await.unwrap();
        assert_eq!(headers["x-github-event"], event);
        (headers, body)
    }
}

#[tokio::test]
async fn messages_are_signed_and_tell_what_happened() {
    let sim = Sim::start().await;
    let ear = Ear::open().await;
    let app = ear.app(&sim, "Backup");
    let id = install(&sim, &app);
    let (headers, body) = ear.heard("installation").await;
    let key = aws_lc_rs::hmac::Key::new(
        aws_lc_rs::hmac::HMAC_SHA256,
        app.webhook_secret.as_ref().unwrap().reveal().as_bytes(),
    );
    let expected = hex::encode(aws_lc_rs::hmac::sign(&key, &body).as_ref());
    assert_eq!(headers["x-hub-signature-256"], format!("sha256={expected}"));
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&told["action"], &told["installation"]["id"]),
        (&"created".into(), &id.into())
    );
    assert_eq!(told["repositories"].as_array().unwrap().len(), 5);

    sim.control()
        .mutate(&Mutation::Push {
            repository: "acme/rich".to_owned(),
            branch: None,
            commits: 1,
            forced: false,
        })
        .unwrap();
    let (_, body) = ear.heard("push").await;
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told["ref"], "refs/heads/main");
    assert_eq!(told["repository"]["full_name"], "acme/rich");
    assert!(told["repository"]["created_at"].is_i64());
    let only = Mutation::Install {
        app: app.slug.clone(),
        account: "acme".to_owned(),
        repositories: Some(vec!["rich".to_owned()]),
        sender: Some("ann".to_owned()),
    };
    sim.control().mutate(&only).unwrap();
    let (_, body) = ear.heard("installation_repositories").await;
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told["repositories_removed"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn what_was_lost_is_listed_and_sent_again() {
    let sim = Sim::start().await;
    let ear = Ear::open().await;
    let app = ear.app(&sim, "Backup");
    let losing = |lost| {
        sim.control()
            .mutate(&Mutation::LoseMessages { lost })
            .unwrap()
    };
    losing(true);
    install(&sim, &app);
    losing(false);
    let list = async || {
        as_app(
            &sim,
            &app,
            Method::GET,
            "/app/hook/deliveries?per_page=1",
            Value::Null,
        )
        .await
    };
    let lost = list().await.json()[0].clone();
    assert_eq!(
        (&lost["event"], &lost["status_code"]),
        (&"installation".into(), &502.into())
    );
    let path = format!("/app/hook/deliveries/{}/attempts", lost["id"]);
    let again = as_app(&sim, &app, Method::POST, &path, Value::Null).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    let (headers, _) = ear.heard("installation").await;
    assert_eq!(headers["x-github-delivery"].to_str().unwrap(), lost["guid"]);
    let newest = list().await;
    assert_eq!(newest.json()[0]["redelivery"], true);
    assert!(newest.link("next").unwrap().contains("cursor="));
}
