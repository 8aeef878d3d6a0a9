//! The answers that faults put in place of the right ones, in GitHub's words.

use axum::http::{HeaderName, StatusCode};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Effect;
use crate::api::limited::{self, Subject};
use crate::caller::BadCredentials;
use crate::reply::{Refusal, Reply, Validators};

/// The request id in answers that no real request made.
const REQUEST_ID: &str = "FA17:C0FFEE:00000000";

/// Whether the effect is an answer that says a limit was hit.
pub(crate) fn is_limit(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::SecondaryLimit { .. } | Effect::PrimaryLimit { .. }
    )
}

/// The answer in place of the right one; none when the right one is only delayed or damaged.
pub(crate) fn replacement(
    effect: &Effect,
    subject: &Subject,
    graphql: bool,
    now: DateTime<Utc>,
) -> Option<Reply> {
    let forbidden =
        |message: &'static str| Some(Refusal::new(StatusCode::FORBIDDEN, message).into());
    match effect {
        Effect::Status { status } => Some(plain_error(code(*status))),
        Effect::SecondaryLimit {
            status,
            retry_after,
        } => Some(limited::slow_down(code(*status), *retry_after, REQUEST_ID)),
        Effect::PrimaryLimit { .. } if graphql => Some(limited::graphql(subject)),
        Effect::PrimaryLimit { status, .. } => {
            Some(limited::primary(subject, *status == 429, REQUEST_ID, now))
        }
        Effect::BadCredentials => Some(Refusal::bad_credentials(BadCredentials::UNKNOWN).into()),
        Effect::ResourceNotAccessible => {
            forbidden("Resource not accessible by personal access token")
        }
        Effect::SsoRequired => Some(single_sign_on()),
        Effect::IpAllowList => forbidden(
            "Although you appear to have the correct authorization credentials, the organization has an IP allow \
             list enabled, and your IP address is not permitted to access this resource.",
        ),
        Effect::ClassicTokensForbidden => forbidden(
            "The organization forbids access via a personal access token (classic). Please use a GitHub App, OAuth \
             App, or a personal access token with fine-grained permissions.",
        ),
        Effect::Blocked { reason } => Some(Refusal::blocked(reason, "2020-01-01T00:00:00Z").into()),
        Effect::Html { status } => Some(Reply {
            status: code(*status),
            body: Some(Value::Null),
            validators: Validators::None,
            headers: Vec::new(),
        }),
        Effect::Partial { .. }
        | Effect::Cut { .. }
        | Effect::Latency { .. }
        | Effect::SlowBody { .. }
        | Effect::Mutate { .. } => None,
    }
}

fn single_sign_on() -> Reply {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to \
         this organization.",
    )
    .with(
        HeaderName::from_static("x-github-sso"),
        "required; url=https://github.example/orgs/sso?authorization_request=AAAA".to_owned(),
    )
    .into()
}

fn plain_error(status: StatusCode) -> Reply {
    let reply = |message: &'static str| Refusal::new(status, message).into();
    match status.as_u16() {
        401 => Refusal::bad_credentials(BadCredentials::UNKNOWN).into(),
        403 => reply("Resource not accessible by personal access token"),
        404 => reply("Not Found"),
        409 => reply("Git Repository is empty."),
        410 => reply("Issues are disabled for this repo"),
        422 => reply("Validation Failed"),
        451 => Refusal::blocked("dmca", "2020-01-01T00:00:00Z").into(),
        500..=599 => Reply {
            status,
            body: Some(json!({ "message": "Server Error" })),
            validators: Validators::None,
            headers: Vec::new(),
        },
        _ => reply(status.canonical_reason().unwrap_or("Error")),
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
