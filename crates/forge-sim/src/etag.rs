//! Conditional requests.
//!
//! GitHub does not document how its `ETag`s are made; others found out that they are the SHA-256 of what the answer
//! varies by and the answer itself (bored-engineer/github-conditional-http-transport).

use axum::http::{HeaderMap, HeaderName, header};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

/// Request headers that authorized answers vary by, in the order in which they are hashed.
const AUTHORIZED: [HeaderName; 3] = [header::ACCEPT, header::AUTHORIZATION, header::COOKIE];
/// The same of anonymous answers.
const ANONYMOUS: [HeaderName; 1] = [header::ACCEPT];

/// The entity tag, without quotes.
pub(crate) fn compute(request: &HeaderMap, authorized: bool, body: &[u8]) -> String {
    let varies: &[HeaderName] = if authorized { &AUTHORIZED } else { &ANONYMOUS };
    let mut hasher = Sha256::new();
    for name in varies {
        if let Some(value) = request.get(name) {
            hasher.update(value.as_bytes());
            hasher.update(b":");
        }
    }
    hasher.update(body);
    hex::encode(hasher.finalize())
}

/// An entity tag that cannot be derived from outside.
pub(crate) fn opaque(key: &[u8], request: &HeaderMap, authorized: bool, body: &[u8]) -> String {
    let mut keyed = key.to_vec();
    keyed.extend_from_slice(compute(request, authorized, body).as_bytes());
    hex::encode(Sha256::digest(&keyed))
}

/// Whether the client's copy is still good.
pub(crate) fn is_fresh(request: &HeaderMap, tag: &str, changed_at: Option<DateTime<Utc>>) -> bool {
    let text = |name: HeaderName| request.get(name).and_then(|value| value.to_str().ok());
    if let Some(tags) = text(header::IF_NONE_MATCH) {
        return tags.split(',').map(str::trim).any(|candidate| {
            candidate == "*" || candidate.trim_start_matches("W/").trim_matches('"') == tag
        });
    }
    match (text(header::IF_MODIFIED_SINCE), changed_at) {
        (Some(since), Some(changed_at)) => DateTime::parse_from_rfc2822(since)
            .is_ok_and(|since| changed_at.timestamp() <= since.timestamp()),
        _ => false,
    }
}

/// A time as HTTP writes it.
pub(crate) fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(authorization: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT,
            "application/vnd.github+json".parse().unwrap(),
        );
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        headers
    }

    #[test]
    fn the_tag_hashes_accept_authorization_and_body() {
        let expected = hex::encode(Sha256::digest(b"application/vnd.github+json:Bearer one:[]"));
        assert_eq!(compute(&request("Bearer one"), true, b"[]"), expected);
    }

    #[test]
    fn two_tokens_get_two_tags() {
        let one = compute(&request("Bearer one"), true, b"[]");
        assert_ne!(one, compute(&request("Bearer two"), true, b"[]"));
    }

    #[test]
    fn weak_strong_and_listed_tags_match() {
        for sent in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, sent.parse().unwrap());
            assert!(is_fresh(&headers, "abc", None), "{sent}");
            assert!(!is_fresh(&headers, "other", None) || sent == "*");
        }
    }

    #[test]
    fn a_date_counts_when_there_is_no_tag() {
        let changed_at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(
            header::IF_MODIFIED_SINCE,
            http_date(changed_at).parse().unwrap(),
        );
        assert!(is_fresh(&headers, "abc", Some(changed_at)));
        assert!(!is_fresh(
            &headers,
            "abc",
            Some(changed_at + chrono::TimeDelta::seconds(1))
        ));
    }
}
