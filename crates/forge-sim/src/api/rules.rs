//! What GitHub demands of every request before it looks at it.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::reply::Refusal;

/// The versions of the REST interface that are served (GitHub docs, API versions).
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// The header that asks for a version.
const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

/// The version a request gets.
pub(super) fn version(headers: &HeaderMap) -> &str {
    headers
        .get(VERSION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or(VERSIONS[0])
}

/// The refusal of a request that breaks a rule.
pub(super) fn broken(parts: &Parts) -> Option<Refusal> {
    if parts
        .headers
        .get(header::USER_AGENT)
        .is_none_or(HeaderValue::is_empty)
    {
        let message = "Request forbidden by administrative rules. Please make sure your request has a User-Agent \
                       header (https://docs.github.com/rest/overview/resources-in-the-rest-api#user-agent-required).";
        return Some(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    let asked = version(&parts.headers);
    if !VERSIONS.contains(&asked) {
        let message = format!("API version {asked} is not supported");
        return Some(
            Refusal::new(StatusCode::BAD_REQUEST, message).field("supported", json!(VERSIONS)),
        );
    }
    None
}
