mod graphql;
mod recorded;

use chrono::{DateTime, TimeDelta, Utc};
use domain::ForgeKind;
use http::{HeaderMap, HeaderName};
use serde_json::json;

use super::*;

/// An answer in the making: REST, with GitHub's usual headers.
struct Heard {
    dialect: Dialect,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// An answer that came in no time.
fn at_once(at: DateTime<Utc>) -> Span {
    Span {
        sent_at: at,
        received_at: at,
    }
}

fn heard(status: u16, message: &str) -> Heard {
    Heard {
        dialect: Dialect::Rest,
        status,
        headers: HeaderMap::new(),
        body: json!({ "message": message, "status": status.to_string() })
            .to_string()
            .into_bytes(),
    }
    .with("content-type", "application/json; charset=utf-8")
}

impl Heard {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .insert(HeaderName::from_static(name), value.parse().unwrap());
        self
    }

    fn left(self, remaining: u32) -> Self {
        self.with("x-ratelimit-limit", "5000")
            .with("x-ratelimit-remaining", &remaining.to_string())
            .with("x-ratelimit-reset", "1700000600")
    }

    fn saying(mut self, body: &serde_json::Value) -> Self {
        self.body = body.to_string().into_bytes();
        self
    }

    fn html(mut self) -> Self {
        self.body = b"<html></html>".to_vec();
        self.with("content-type", "text/html; charset=utf-8")
    }

    fn in_dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    fn judged(&self) -> Judgement {
        let answer = Answer {
            forge: ForgeKind::GitHub,
            endpoint: "",
            dialect: self.dialect,
            status: StatusCode::from_u16(self.status).unwrap(),
            headers: &self.headers,
            body: &self.body,
        };
        judge(&answer, at_once(now()))
    }

    /// The judgement's name.
    fn kind(&self) -> String {
        let debug = format!("{:?}", self.judged());
        debug
            .split([' ', '{'])
            .next()
            .unwrap_or_default()
            .to_owned()
    }
}

const SECONDARY: &str =
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";

#[test]
fn every_refusal_has_its_own_meaning() {
    let block = json!({ "message": "Repository access blocked", "block": { "reason": "tos", "html_url": "https://…" } });
    let table = [
        (heard(403, "API rate limit exceeded for user ID 1.").left(0), "Spent"),
        (heard(429, "API rate limit exceeded for installation ID 9.").left(0), "Spent"),
        (heard(403, "API rate limit exceeded for user ID 1."), "Spent"),
        (heard(403, "API rate limit exceeded for user ID 1.").left(14), "SlowDown"),
        (heard(403, SECONDARY), "SlowDown"),
        (heard(429, SECONDARY).left(0), "SlowDown"),
        (heard(403, SECONDARY).left(14), "SlowDown"),
        (heard(403, "You have triggered an abuse detection mechanism."), "SlowDown"),
        (heard(403, "Slow down").with("retry-after", "60"), "SlowDown"),
        (
            heard(403, "Wait.").saying(&json!({ "message": "Wait.", "documentation_url": "https://docs.github.com/x#abuse-rate-limits" })),
            "SlowDown",
        ),
        (heard(429, "This request was rate-limited due to too many requests."), "SlowDown"),
        (heard(401, "Bad credentials"), "Dead"),
        (heard(403, "This installation has been suspended"), "Dead"),
        (heard(403, "Maximum number of login attempts exceeded. Please try again later."), "Dead"),
        (heard(403, "Resource not accessible by personal access token").left(0), "Denied"),
        (heard(403, "Must have admin rights to Repository.").left(4000), "Denied"),
        (heard(403, "Resource protected by organization SAML enforcement."), "Denied"),
        (heard(403, "x").with("x-github-sso", "required; url=https://github.com/orgs/o/sso"), "Denied"),
        (heard(403, "`o` forbids access via a personal access token (classic)."), "Denied"),
        (heard(403, "Although you appear to have the correct authorization credentials, the `o` organization has an IP allow list enabled"), "Denied"),
        (heard(403, "").saying(&block), "Blocked"),
        (heard(451, "Repository access blocked"), "Blocked"),
        (heard(404, "Not Found"), "Missing"),
        (heard(410, "Issues are disabled for this repo"), "Disabled"),
        (heard(410, "This API version is no longer supported"), "Strange"),
        (heard(409, "Git Repository is empty."), "Disabled"),
        (heard(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"), "Strange"),
        (heard(422, "Validation Failed"), "Strange"),
        (heard(400, "Problems parsing JSON"), "Strange"),
        (heard(500, "Server Error"), "Failed"),
        (heard(503, "Service unavailable"), "Failed"),
        (heard(502, "Server Error"), "TooHeavy"),
        (heard(504, "Timeout").html(), "TooHeavy"),
        (heard(502, "").html(), "TooHeavy"),
        (heard(403, "").html(), "Strange"),
        (heard(404, "").html(), "Strange"),
        (heard(200, "").html(), "Strange"),
        (heard(200, "x").with("x-github-sso", "partial-results; organizations=21955855,20582480"), "Denied"),
        (heard(200, "x").left(0), "Fine"),
        (heard(204, ""), "Fine"),
        (heard(304, ""), "Fine"),
        (heard(301, "Moved Permanently").with("location", "https://api.github.com/repositories/7"), "Moved"),
        (heard(302, "").with("location", "https://objects.githubusercontent.com/x"), "Moved"),
        (heard(302, ""), "Strange"),
        (heard(401, "Credentials needed").in_dialect(Dialect::Lfs), "Denied"),
        (heard(509, "This repository is over its data quota.").in_dialect(Dialect::Lfs), "Denied"),
        (heard(403, "AuthenticationFailed").html().in_dialect(Dialect::Storage), "Denied"),
        (heard(404, "").html().in_dialect(Dialect::Storage), "Missing"),
        (heard(503, "").html().in_dialect(Dialect::Storage), "Failed"),
        (heard(200, "").html().in_dialect(Dialect::Storage), "Fine"),
        (heard(401, "Bad credentials").in_dialect(Dialect::Git), "Dead"),
        (heard(403, "Write access to repository not granted.").in_dialect(Dialect::Git), "Denied"),
        (heard(403, "Access to this repository has been disabled by GitHub staff.").in_dialect(Dialect::Git), "Blocked"),
        (heard(403, "Slow down").with("retry-after", "60").in_dialect(Dialect::Git), "Failed"),
        (heard(404, "Repository not found.").in_dialect(Dialect::Git), "Missing"),
        (heard(451, "Repository unavailable due to DMCA takedown.").in_dialect(Dialect::Git), "Blocked"),
        (heard(429, "").html().in_dialect(Dialect::Git), "Failed"),
        (heard(504, "").html().in_dialect(Dialect::Git), "Failed"),
        (heard(400, "").html().in_dialect(Dialect::Git), "Strange"),
        (heard(301, "").with("location", "https://github.com/acme/new.git/info/refs").in_dialect(Dialect::Git), "Moved"),
    ];
    for (heard, expected) in table {
        let body = String::from_utf8_lossy(&heard.body);
        assert_eq!(heard.kind(), expected, "{} {body}", heard.status);
    }
}

#[test]
fn a_spent_window_ends_when_the_host_says() {
    let spent = heard(403, "API rate limit exceeded for user ID 1.")
        .left(0)
        .judged();
    let until = DateTime::from_timestamp(1_700_000_600, 0);
    assert_eq!(spent, Judgement::Spent { until });
}

#[test]
fn the_host_says_how_long_to_slow_down() {
    for (value, seconds) in [
        ("30", Some(30)),
        ("Tue, 14 Nov 2023 22:14:20 GMT", Some(60)),
        ("soon", None),
    ] {
        let Judgement::SlowDown { retry_after, .. } =
            heard(403, SECONDARY).with("retry-after", value).judged()
        else {
            panic!("{value}");
        };
        assert_eq!(retry_after, seconds.map(TimeDelta::seconds), "{value}");
    }
}

#[test]
fn a_reset_is_told_in_our_time() {
    let ahead = heard(200, "")
        .left(7)
        .with("date", "Tue, 14 Nov 2023 22:18:20 GMT");
    let (resource, reading) = headers::reading(&ahead.headers, at_once(now())).unwrap();
    assert_eq!((resource.0.as_str(), reading.remaining), ("core", 7));
    assert_eq!(
        reading.reset_at - now(),
        TimeDelta::seconds(300),
        "their clock is five minutes ahead of ours"
    );
    let close = heard(200, "")
        .left(7)
        .with("date", "Tue, 14 Nov 2023 22:13:23 GMT");
    let (_, reading) = headers::reading(&close.headers, at_once(now())).unwrap();
    assert_eq!(
        reading.reset_at - now(),
        TimeDelta::seconds(600),
        "three seconds are not a difference"
    );
    let slow = Span {
        sent_at: now() - TimeDelta::seconds(20),
        received_at: now() + TimeDelta::seconds(20),
    };
    let (_, reading) = headers::reading(&close.headers, slow).unwrap();
    assert_eq!(
        reading.reset_at - now(),
        TimeDelta::seconds(600),
        "a slow answer is not a wrong clock"
    );
}

#[test]
fn a_refusal_says_what_to_do() {
    let sentence = |heard: Heard| heard.judged().into_error(now()).unwrap().to_string();
    assert_eq!(
        sentence(heard(
            403,
            "`o` forbids access via a personal access token (classic).",
        )),
        "The host answered 403: `o` forbids access via a personal access token (classic). An owner of the organization has to allow this kind of token.",
    );
    assert_eq!(
        sentence(
            heard(403, "Resource not accessible by personal access token")
                .with("x-accepted-github-permissions", "issues=read"),
        ),
        "The host answered 403: Resource not accessible by personal access token. Needed: issues=read.",
    );
    assert_eq!(
        sentence(heard(200, "").html()),
        "The host answered a web page where JSON was expected: this address is not a GitHub API.",
    );
}

#[test]
fn a_token_s_end_is_read_in_both_forms() {
    for value in ["2022-08-14 08:15:54 UTC", "2022-08-14 10:15:54 +0200"] {
        let heard = heard(200, "").with("github-authentication-token-expiration", value);
        assert_eq!(
            headers::expires_at(&heard.headers).unwrap().to_rfc3339(),
            "2022-08-14T08:15:54+00:00",
            "{value}"
        );
    }
}

#[test]
fn only_classic_tokens_tell_scopes() {
    let classic = heard(200, "").with("x-oauth-scopes", "read:org, repo");
    assert_eq!(
        headers::scopes(&classic.headers).unwrap(),
        ["read:org", "repo"]
    );
    assert_eq!(
        headers::scopes(&heard(200, "").with("x-oauth-scopes", "").headers).unwrap(),
        Vec::<String>::new()
    );
    assert_eq!(headers::scopes(&heard(200, "").headers), None);
}
