use chrono::{TimeDelta, Utc};
use domain::ForgeKind;
use http::HeaderName;

use super::*;

/// An answer in the making.
struct Heard {
    dialect: Dialect,
    endpoint: &'static str,
    status: u16,
    headers: HeaderMap,
    body: &'static str,
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_015, 0).unwrap()
}

fn span() -> Span {
    Span {
        sent_at: now(),
        received_at: now(),
    }
}

fn heard(status: u16, body: &'static str) -> Heard {
    Heard {
        dialect: Dialect::Rest,
        endpoint: "labels",
        status,
        headers: HeaderMap::new(),
        body,
    }
}

impl Heard {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .insert(HeaderName::from_static(name), value.parse().unwrap());
        self
    }

    /// The headers of a throttle of 7,200 requests an hour.
    fn throttled(self, remaining: u32) -> Self {
        self.with("ratelimit-name", "throttle_authenticated_api")
            .with("ratelimit-limit", "120")
            .with("ratelimit-observed", &(7_200 - remaining).to_string())
            .with("ratelimit-remaining", &remaining.to_string())
            .with("ratelimit-reset", "1700002800")
    }

    fn judged(&self) -> Judgement {
        let answer = Answer {
            forge: ForgeKind::GitLab,
            dialect: self.dialect,
            endpoint: self.endpoint,
            status: StatusCode::from_u16(self.status).unwrap(),
            headers: &self.headers,
            body: self.body.as_bytes(),
        };
        judge(&answer, span())
    }
}

#[test]
fn a_budget_is_what_remains_and_not_the_normalised_limit() {
    let answer = heard(200, "{}").throttled(7_000);
    let (resource, reading) = reading(&answer.headers, span()).unwrap();
    assert_eq!(resource, Resource::core());
    assert_eq!((reading.limit, reading.remaining), (7_200, 7_000));
    assert_eq!(reading.reset_at.timestamp(), 1_700_002_800);
    assert_eq!(reading_of(&heard(200, "{}")), None);
    let lfs = heard(200, "{}")
        .throttled(5)
        .with("ratelimit-name", "throttle_authenticated_git_lfs");
    assert_eq!(
        reading_of(&lfs),
        Some("throttle_authenticated_git_lfs".to_owned())
    );
}

fn reading_of(heard: &Heard) -> Option<String> {
    reading(&heard.headers, span()).map(|(resource, _)| resource.0)
}

#[test]
fn the_three_shapes_of_too_many_are_told_apart() {
    let throttle = heard(429, "Retry later\n")
        .throttled(0)
        .with("retry-after", "2785");
    assert_eq!(
        throttle.judged(),
        Judgement::Spent {
            until: DateTime::from_timestamp(1_700_002_800, 0)
        }
    );
    let endpoint = r#"{"message":{"error":"This endpoint has been requested too many times. Try again later."}}"#;
    assert_eq!(
        heard(429, endpoint).judged(),
        Judgement::Crowded {
            until: DateTime::from_timestamp(1_700_000_041, 0).unwrap()
        }
    );
    let mut list = heard(429, endpoint);
    list.endpoint = "projects";
    assert_eq!(
        list.judged(),
        Judgement::Crowded {
            until: DateTime::from_timestamp(1_700_000_401, 0).unwrap()
        }
    );
    let third = heard(429, r#"{"message":"429 Too Many Requests"}"#).with("retry-after", "60");
    assert_eq!(
        third.judged(),
        Judgement::SlowDown {
            retry_after: Some(TimeDelta::seconds(60)),
            reason: "429 Too Many Requests".to_owned()
        }
    );
    let edge = heard(429, "<html></html>").with("content-type", "text/html");
    assert!(matches!(
        edge.judged(),
        Judgement::SlowDown {
            retry_after: Some(_),
            ..
        }
    ));
}

#[test]
fn a_dead_token_a_missing_scope_and_a_ban_are_three_things() {
    let revoked = r#"{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize from the user."}"#;
    assert_eq!(
        heard(401, revoked).judged(),
        Judgement::Dead {
            reason: "Token was revoked. You have to re-authorize from the user.".to_owned()
        }
    );
    let scope = r#"{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api"}"#;
    assert!(matches!(
        heard(403, scope).judged(),
        Judgement::Denied { .. }
    ));
    assert!(matches!(
        heard(403, r#"{"message":"403 Forbidden"}"#).judged(),
        Judgement::Denied { .. }
    ));
    assert!(matches!(
        heard(403, "Forbidden\n").judged(),
        Judgement::ShutOut { .. }
    ));
}

#[test]
fn what_is_hidden_what_moved_and_what_failed() {
    let is = |status, body| heard(status, body).judged();
    assert!(
        matches!(is(404, r#"{"message":"404 Project Not Found"}"#), Judgement::Missing { detail } if detail.contains("404 Project Not Found"))
    );
    assert!(matches!(
        is(409, r#"{"message":"Resource lock"}"#),
        Judgement::Failed { .. }
    ));
    assert!(matches!(is(502, "<html>"), Judgement::TooHeavy { .. }));
    assert!(matches!(is(503, ""), Judgement::Failed { .. }));
    assert!(
        matches!(is(400, r#"{"error":"x is invalid"}"#), Judgement::Strange { detail } if detail.contains("x is invalid"))
    );
    let moved = heard(301, "").with("location", "/api/v4/projects/7");
    assert!(matches!(moved.judged(), Judgement::Moved { .. }));
    let page = heard(200, "<html>").with("content-type", "text/html; charset=utf-8");
    assert!(matches!(page.judged(), Judgement::Strange { .. }));
}
