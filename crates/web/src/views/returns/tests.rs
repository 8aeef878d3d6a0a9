use axum::body::Body;
use domain::{ForgeKind, Host, Slot};
use http::{Request as HttpRequest, header};
use serde_json::json;
use sqlx::PgPool;
use store::{ApplicationKeys, NewApplication};
use tower::ServiceExt;

use super::*;
use crate::samples::Site;

const SECRET: &str = "It's a Secret to Everybody";

/// An application that is told of events, and how it was told.
struct Stage {
    site: Site,
    pool: PgPool,
    application: ApplicationId,
}

impl Stage {
    async fn set(pool: PgPool) -> Self {
        let site = Site::new(&pool).await;
        let new = NewApplication {
            host: Host::parse(ForgeKind::GitHub, "github.com", &[]).unwrap(),
            slot: Slot::Main,
            owner: None,
        };
        let keys = ApplicationKeys {
            app_id: Some(1),
            client_id: "Iv23".to_owned(),
            slug: Some("backup".to_owned()),
            client_secret: Secret::new("secret"),
            private_key: Some(Secret::new("key")),
            webhook_secret: Some(Secret::new(SECRET)),
        };
        let fleet = site.db.fleet();
        let application = fleet
            .add_application(&site.sealer, &new, &keys)
            .await
            .unwrap();
        Self {
            site,
            pool,
            application,
        }
    }

    async fn tell(&self, body: &str, headers: &[(&str, &str)]) -> StatusCode {
        let path = format!("/hooks/github/{}", self.application);
        self.tell_at(&path, body, headers).await
    }

    async fn tell_at(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> StatusCode {
        let mut request = HttpRequest::post(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let router = self.site.router.clone();
        router.oneshot(request).await.unwrap().status()
    }

    /// What is written down: the number of each message, and whether it was acted upon.
    async fn written(&self) -> Vec<(String, bool)> {
        sqlx::query_as("SELECT guid, done_at IS NOT NULL FROM messages ORDER BY received_at, guid")
            .fetch_all(&self.pool)
            .await
            .unwrap()
    }
}

fn signature(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!(
        "sha256={}",
        hex::encode(hmac::sign(&key, body.as_bytes()).as_ref())
    )
}

fn suspended() -> String {
    json!({ "action": "suspend", "installation": { "id": 7 }, "sender": { "login": "ann" } })
        .to_string()
}

/// The sample of GitHub's documentation: validating webhook deliveries.
#[test]
fn a_signature_is_the_one_that_the_host_documents() {
    assert_eq!(
        signature(SECRET, "Hello, World!"),
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_message_is_answered_when_it_is_written_down_and_acted_upon_later(pool: PgPool) {
    let stage = Stage::set(pool).await;
    let body = suspended();
    let signed = signature(SECRET, &body);
    let headers = [
        ("x-hub-signature-256", signed.as_str()),
        ("x-github-event", "installation"),
        ("x-github-delivery", "one"),
    ];
    assert_eq!(stage.tell(&body, &headers).await, StatusCode::ACCEPTED);
    // Nothing but the row stands between the host and its answer.
    assert_eq!(stage.written().await, [("one".to_owned(), false)]);
    assert_eq!(stage.tell(&body, &headers).await, StatusCode::ACCEPTED);
    let fleet = stage.site.db.fleet();
    assert!(fleet.act_on_message().await.unwrap());
    assert!(!fleet.act_on_message().await.unwrap(), "once is enough");
    assert_eq!(stage.tell(&body, &headers).await, StatusCode::ACCEPTED);
    assert!(!fleet.act_on_message().await.unwrap(), "and stays enough");
    assert_eq!(stage.written().await, [("one".to_owned(), true)]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_not_signed_by_the_host_is_refused_and_not_written_down(pool: PgPool) {
    let stage = Stage::set(pool).await;
    let body = suspended();
    let others = signature("another secret", &body);
    let of_another_body = signature(SECRET, "{}");
    let right = signature(SECRET, &body);
    let cut = right.trim_end_matches(|c: char| c.is_ascii_hexdigit());
    let old = right.replace("sha256=", "sha1=");
    let named = [
        ("x-github-event", "installation"),
        ("x-github-delivery", "x"),
    ];
    for wrong in [&others, &of_another_body, cut, &old, "sha256=zz", ""] {
        let mut headers = named.to_vec();
        headers.push(("x-hub-signature-256", wrong));
        let status = stage.tell(&body, &headers).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    let unsigned = stage.tell(&body, &named).await;
    assert_eq!(unsigned, StatusCode::UNAUTHORIZED);
    let mut headers = named.to_vec();
    headers.push(("x-hub-signature-256", &right));
    let nobodys = format!("/hooks/github/{}", ApplicationId::new());
    let status = stage.tell_at(&nobodys, &body, &headers).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(stage.written().await, []);

    // What is signed but makes no sense is no message either.
    let signed = signature(SECRET, "not json");
    let headers = [named[0], named[1], ("x-hub-signature-256", &signed)];
    let status = stage.tell("not json", &headers).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let status = stage
        .tell(&body, &[("x-hub-signature-256", right.as_str())])
        .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(stage.written().await, []);
}
