//! Answers of the programming interfaces before they become HTTP.

use std::borrow::Cow;

use axum::http::{HeaderName, StatusCode};
use chrono::{DateTime, Utc};

use crate::caller::BadCredentials;
use serde_json::{Map, Value, json};

/// The page that GitHub names in errors without a better one.
const DOCUMENTATION: &str = "https://docs.github.com/rest";

/// What lets a client ask "has it changed?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validators {
    /// Nothing: errors and redirects.
    None,
    /// An entity tag: lists.
    Etag,
    /// An entity tag and the time of the last change: single things.
    Dated(DateTime<Utc>),
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Option<Value>,
    pub(crate) validators: Validators,
    pub(crate) headers: Vec<(HeaderName, String)>,
}

impl Reply {
    /// A thing without a date of its own.
    pub(crate) fn json(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: Some(body),
            validators: Validators::Etag,
            headers: Vec::new(),
        }
    }

    /// A thing that knows when it last changed.
    pub(crate) fn dated(body: Value, updated_at: DateTime<Utc>) -> Self {
        Self {
            validators: Validators::Dated(updated_at),
            ..Self::json(body)
        }
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// An answer that says no.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    message: Cow<'static, str>,
    documentation: &'static str,
    extra: Map<String, Value>,
    headers: Vec<(HeaderName, String)>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
            documentation: DOCUMENTATION,
            extra: Map::new(),
            headers: Vec::new(),
        }
    }

    /// Missing, or not to be seen: GitHub does not tell which.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// The token is unknown, revoked or expired.
    pub(crate) fn bad_credentials(bad: BadCredentials) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, bad.0)
    }

    /// The App was not given what this takes.
    pub(crate) fn not_accessible() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Resource not accessible by integration",
        )
    }

    /// Nobody may look into the repository: 451 for a takedown, 403 for other reasons.
    pub(crate) fn blocked(reason: &str, created_at: &str) -> Self {
        let status = if reason == "dmca" {
            StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS
        } else {
            StatusCode::FORBIDDEN
        };
        let block = json!({
            "reason": reason,
            "created_at": created_at,
            "html_url": "https://docs.github.com/site-policy",
        });
        Self::new(status, "Repository access blocked").field("block", block)
    }

    /// The same with another documentation page.
    pub(crate) fn documented(mut self, page: &'static str) -> Self {
        self.documentation = page;
        self
    }

    /// The same with one more field.
    pub(crate) fn field(mut self, name: &str, value: Value) -> Self {
        self.extra.insert(name.to_owned(), value);
        self
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let mut body = refusal.extra;
        body.insert("message".to_owned(), json!(refusal.message));
        body.insert("documentation_url".to_owned(), json!(refusal.documentation));
        body.insert("status".to_owned(), json!(refusal.status.as_str()));
        Self {
            status: refusal.status,
            body: Some(Value::Object(body)),
            validators: Validators::None,
            headers: refusal.headers,
        }
    }
}
