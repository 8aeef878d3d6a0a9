//! What GitHub says when a limit is hit.

use std::fmt;

use axum::http::{StatusCode, header};
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::quota::{Bucket, Limits};
use crate::reply::{Refusal, Reply, Validators};

/// Where the limits are documented.
const PRIMARY: &str =
    "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
/// Where the secondary limits are documented.
const SECONDARY: &str = "https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits";

/// Who a limit message speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    Bucket(Bucket),
    Nobody,
}

impl Subject {
    pub(crate) fn of(bucket: &Bucket) -> Self {
        Self::Bucket(bucket.clone())
    }
}

impl From<&Bucket> for Subject {
    fn from(bucket: &Bucket) -> Self {
        Self::of(bucket)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(Bucket::User(id)) => write!(f, "user ID {id}."),
            Self::Bucket(Bucket::Installation(id)) => write!(f, "installation ID {id}."),
            Self::Bucket(Bucket::App(id)) => write!(f, "app ID {id}."),
            Self::Bucket(Bucket::Address(address)) => write!(
                f,
                "{address}. (But here's the good news: Authenticated requests get a higher rate limit. Check out \
                 the documentation for more details.)"
            ),
            Self::Nobody => write!(f, "this request."),
        }
    }
}

/// The hour is used up, REST.
pub(crate) fn primary(
    subject: &Subject,
    as_429: bool,
    request_id: &str,
    now: DateTime<Utc>,
) -> Reply {
    let status = if as_429 {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        StatusCode::FORBIDDEN
    };
    let message = format!(
        "API rate limit exceeded for {subject} If you reach out to GitHub Support for help, please include the \
         request ID {request_id} and timestamp {} UTC.",
        now.format("%Y-%m-%d %H:%M:%S")
    );
    Refusal::new(status, message).documented(PRIMARY).into()
}

/// The hour is used up, GraphQL: 200 with an error inside.
pub(crate) fn graphql(subject: &Subject) -> Reply {
    Reply {
        status: StatusCode::OK,
        body: Some(json!({
            "errors": [{
                "type": "RATE_LIMIT",
                "code": "graphql_rate_limit",
                "message": format!("API rate limit already exceeded for {subject}"),
            }],
        })),
        validators: Validators::None,
        headers: Vec::new(),
    }
}

/// Too much within a minute, or at the same time.
pub(crate) fn secondary(limits: &Limits, request_id: &str) -> Reply {
    let status = if limits.secondary_as_429 {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        StatusCode::FORBIDDEN
    };
    slow_down(status, limits.secondary_retry_after, request_id)
}

/// The same with the details chosen.
pub(crate) fn slow_down(status: StatusCode, retry_after: Option<u64>, request_id: &str) -> Reply {
    let message = format!(
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. For more on \
         scraping GitHub and how it may affect your rights, please review our Terms of Service \
         (https://docs.github.com/en/site-policy/github-terms/github-terms-of-service) If you reach out to GitHub \
         Support for help, please include the request ID {request_id}."
    );
    let refusal = Refusal::new(status, message).documented(SECONDARY);
    match retry_after {
        Some(seconds) => refusal
            .with(header::RETRY_AFTER, seconds.to_string())
            .into(),
        None => refusal.into(),
    }
}
