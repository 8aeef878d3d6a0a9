//! Answers that are not a success: which of the many reasons it is.

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::Value;

use crate::gitlab;
use crate::limits::{Answer, Dialect, Judgement, Span, headers};
use crate::oauth::GITLAB_TOKENS;

/// Characters of plain text that a sentence repeats.
const QUOTED: usize = 300;
/// Where a host says "too many" without a word on how long: the usual window.
const USUAL_WAIT: TimeDelta = TimeDelta::seconds(60);

/// Judges an answer outside 2xx, 3xx.
pub(super) fn judge(answer: &Answer<'_>, span: Span) -> Judgement {
    let status = answer.status;
    let words = words(answer);
    let detail = sentence(status, words.as_deref().unwrap_or_default());
    let reason = || words.clone().unwrap_or_else(|| status.to_string());
    match status {
        StatusCode::TOO_MANY_REQUESTS => too_many(answer, span, reason()),
        StatusCode::UNAUTHORIZED => match answer.dialect {
            Dialect::Storage | Dialect::Lfs => Judgement::Denied { detail },
            Dialect::Rest | Dialect::GraphQl | Dialect::Git => Judgement::Dead { reason: reason() },
        },
        // RFC 6749, 5.2: what was granted is worth nothing any more.
        StatusCode::BAD_REQUEST if answer.endpoint == GITLAB_TOKENS => {
            Judgement::Dead { reason: reason() }
        }
        StatusCode::FORBIDDEN if is_ban(answer) => Judgement::ShutOut {
            reason: "the host answers every request of this address with a bare 403, as it does after too many failed sign-ins".to_owned(),
        },
        StatusCode::FORBIDDEN => Judgement::Denied { detail },
        StatusCode::NOT_FOUND | StatusCode::GONE => Judgement::Missing { detail },
        StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => Judgement::Blocked { detail },
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Judgement::TooHeavy { detail },
        // python-gitlab repeats it too: the record is being changed by somebody else.
        StatusCode::CONFLICT if detail.contains("Resource lock") => Judgement::Failed { detail },
        _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Judgement::Failed { detail }
        }
        _ => Judgement::Strange { detail },
    }
}

/// The three shapes of "too many requests", and what a proxy in front makes of it.
fn too_many(answer: &Answer<'_>, span: Span, reason: String) -> Judgement {
    let retry_after = headers::retry_after(answer.headers, span);
    let reading = super::reading(answer.headers, span).map(|(_, reading)| reading);
    let is_json = serde_json::from_slice::<Value>(answer.body).is_ok();
    let is_api = matches!(answer.dialect, Dialect::Rest | Dialect::GraphQl);
    match (reading, retry_after) {
        // A request throttle: the window is spent.
        (Some(reading), _) if is_api => Judgement::Spent {
            until: Some(reading.reset_at),
        },
        // The limit of one endpoint, which says nothing of when; its windows are aligned to the epoch.
        (None, None) if is_api && is_json => Judgement::Crowded {
            until: next_window(gitlab::window(answer.endpoint), answer, span),
        },
        (_, retry_after) => Judgement::SlowDown {
            retry_after: retry_after.or(Some(USUAL_WAIT)),
            reason,
        },
    }
}

/// The end of the window that runs by the host's clock, in our clock's time, and a second.
fn next_window(seconds: i64, answer: &Answer<'_>, span: Span) -> DateTime<Utc> {
    let skew = headers::skew(answer.headers, span);
    let theirs = (span.received_at + skew).timestamp();
    let left = seconds - theirs.rem_euclid(seconds);
    span.received_at + TimeDelta::seconds(left + 1)
}

/// GitLab docs, "Failed authentication ban": valid credentials are refused too, without headers and words of the API.
fn is_ban(answer: &Answer<'_>) -> bool {
    let has_headers = headers::text(answer.headers, "ratelimit-name").is_some();
    let text = String::from_utf8_lossy(answer.body);
    let is_bare = matches!(text.trim(), "" | "Forbidden");
    is_bare && !has_headers && answer.dialect != Dialect::Storage
}

/// What the host said, in whichever of its forms.
fn words(answer: &Answer<'_>) -> Option<String> {
    let Ok(body) = serde_json::from_slice::<Value>(answer.body) else {
        let text = String::from_utf8_lossy(answer.body);
        let line = text.lines().next().unwrap_or_default().trim();
        let is_text = !line.is_empty() && !headers::is_html(answer.headers);
        return is_text.then(|| line.chars().take(QUOTED).collect());
    };
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let description = body
        .get("error_description")
        .or_else(|| body.get("message"));
    let said = description
        .map(|said| said.get("error").unwrap_or(said))
        .or_else(|| body.get("error"))?;
    Some(text(said).chars().take(QUOTED).collect())
}

fn sentence(status: StatusCode, words: &str) -> String {
    if words.is_empty() {
        return format!("The host answered {status}.");
    }
    format!(
        "The host answered {}: {}.",
        status.as_u16(),
        words.trim_end_matches('.')
    )
}
