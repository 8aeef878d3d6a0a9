//! Answers that are not a success: which of the many reasons it is.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::Value;

use crate::limits::{Answer, Dialect, Judgement, Span, headers};

/// Characters of plain text that a sentence repeats.
const QUOTED: usize = 300;

/// What the host said, to be looked at in lower case.
struct Words {
    message: String,
    lower: String,
    documentation: String,
    block: bool,
}

impl Words {
    fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |name| {
            body.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let message = text("message");
        Some(Self {
            lower: message.to_lowercase(),
            message,
            documentation: text("documentation_url").to_lowercase(),
            block: body.get("block").is_some_and(Value::is_object),
        })
    }

    fn say(&self, any: &[&str]) -> bool {
        any.iter().any(|words| self.lower.contains(words))
    }
}

/// Judges an answer outside 2xx, 3xx.
pub(super) fn judge(answer: &Answer<'_>, span: Span) -> Judgement {
    let status = answer.status;
    if answer.dialect == Dialect::Git {
        return git(answer, span);
    }
    let Some(words) = Words::read(answer.body) else {
        return without_words(answer, span);
    };
    let detail = sentence(status, &words.message);
    match status {
        // Git LFS asks for credentials where the API says "not found".
        StatusCode::UNAUTHORIZED if answer.dialect == Dialect::Lfs => Judgement::Denied { detail },
        StatusCode::UNAUTHORIZED => Judgement::Dead {
            reason: or_status(&words.message, status),
        },
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
            limit(answer, &words, span).unwrap_or_else(|| forbidden(answer, &words, detail))
        }
        StatusCode::NOT_FOUND => Judgement::Missing { detail },
        StatusCode::GONE if words.say(&["api version", "no longer supported"]) => {
            Judgement::Strange { detail }
        }
        StatusCode::GONE => Judgement::Disabled { detail },
        StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => Judgement::Blocked { detail },
        StatusCode::CONFLICT if words.say(&["is empty"]) => Judgement::Disabled { detail },
        _ => by_status(answer, detail),
    }
}

/// The limits: by the words first, for the last request of a window says "remaining: 0" too.
fn limit(answer: &Answer<'_>, words: &Words, span: Span) -> Option<Judgement> {
    let retry_after = headers::retry_after(answer.headers, span);
    let reading = headers::reading(answer.headers, span).map(|(_, reading)| reading);
    let is_secondary = words.say(&["secondary rate", "abuse detection"])
        || [
            "about-secondary-rate-limits",
            "secondary-rate-limits",
            "abuse-rate-limits",
        ]
        .iter()
        .any(|anchor| words.documentation.ends_with(anchor));
    let is_empty = reading.is_none_or(|reading| reading.remaining == 0);
    if !is_secondary
        && is_empty
        && words.say(&["rate limit exceeded", "rate limit already exceeded"])
    {
        return Some(Judgement::Spent {
            until: reading
                .map(|reading| reading.reset_at)
                .or_else(|| retry_after.map(|wait| span.received_at + wait)),
        });
    }
    let is_limit = is_secondary
        || answer.status == StatusCode::TOO_MANY_REQUESTS
        || retry_after.is_some()
        || words.say(&["rate limit exceeded"]);
    is_limit.then(|| Judgement::SlowDown {
        retry_after,
        reason: or_status(&words.message, answer.status),
    })
}

/// A 403 that is no limit.
fn forbidden(answer: &Answer<'_>, words: &Words, detail: String) -> Judgement {
    if words.block {
        return Judgement::Blocked { detail };
    }
    if words.say(&["has been suspended", "login attempts"]) {
        return Judgement::Dead {
            reason: words.message.clone(),
        };
    }
    if words.say(&["user-agent", "administrative rules"]) {
        return Judgement::Strange { detail };
    }
    if headers::is_sso_required(answer.headers) || words.say(&["saml enforcement"]) {
        return Judgement::Denied {
            detail: format!(
                "{detail} Authorize the token for single sign-on in the token settings of its user."
            ),
        };
    }
    if words.say(&["forbids access via"]) {
        return Judgement::Denied {
            detail: format!(
                "{detail} An owner of the organization has to allow this kind of token."
            ),
        };
    }
    if words.say(&["ip allow list"]) {
        return Judgement::Denied {
            detail: format!(
                "{detail} An owner of the organization has to add this machine's address to the list."
            ),
        };
    }
    let needed = headers::text(answer.headers, "x-accepted-github-permissions")
        .or_else(|| headers::text(answer.headers, "x-accepted-oauth-scopes"))
        .filter(|needed| !needed.is_empty());
    Judgement::Denied {
        detail: match needed {
            Some(needed) => format!("{detail} Needed: {needed}."),
            None => detail,
        },
    }
}

/// Git's service says why in plain text, or not at all.
fn git(answer: &Answer<'_>, span: Span) -> Judgement {
    let status = answer.status;
    let text = if headers::is_html(answer.headers) {
        Cow::Borrowed("")
    } else {
        String::from_utf8_lossy(answer.body)
    };
    let message: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(QUOTED)
        .collect();
    let detail = sentence(status, &message);
    let is_blocked = ["access blocked", "has been disabled", "DMCA"]
        .iter()
        .any(|words| text.contains(words));
    match status {
        StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => Judgement::Blocked { detail },
        _ if is_blocked => Judgement::Blocked { detail },
        StatusCode::UNAUTHORIZED => Judgement::Dead {
            reason: or_status(&message, status),
        },
        StatusCode::FORBIDDEN if headers::retry_after(answer.headers, span).is_none() => {
            Judgement::Denied { detail }
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Judgement::Missing { detail },
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Judgement::Failed { detail }
        }
        _ if status.is_server_error() => Judgement::Failed { detail },
        _ => Judgement::Strange { detail },
    }
}

/// The body is no JSON: a proxy, a load balancer, a storage, or not GitHub at all.
fn without_words(answer: &Answer<'_>, span: Span) -> Judgement {
    let status = answer.status;
    let detail = sentence(status, "");
    match status {
        _ if answer.dialect == Dialect::Storage => by_status(answer, detail),
        StatusCode::TOO_MANY_REQUESTS => Judgement::SlowDown {
            retry_after: headers::retry_after(answer.headers, span),
            reason: status.to_string(),
        },
        _ if status.is_server_error() => by_status(answer, detail),
        StatusCode::UNAUTHORIZED if !headers::is_html(answer.headers) => Judgement::Dead {
            reason: status.to_string(),
        },
        StatusCode::NOT_FOUND if !headers::is_html(answer.headers) => Judgement::Missing { detail },
        _ => Judgement::Strange {
            detail: format!(
                "The host answered {status} without JSON: this address is not a GitHub API."
            ),
        },
    }
}

fn by_status(answer: &Answer<'_>, detail: String) -> Judgement {
    match answer.status {
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Judgement::TooHeavy { detail },
        // git-lfs, docs/api/batch.md: 507 the storage is full, 509 the bandwidth of the owner is spent.
        status if answer.dialect == Dialect::Lfs && matches!(status.as_u16(), 507 | 509) => {
            Judgement::Denied { detail }
        }
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Judgement::Failed { detail }
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Judgement::Missing { detail },
        StatusCode::TOO_MANY_REQUESTS => Judgement::Failed { detail },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Judgement::Denied { detail },
        _ => Judgement::Strange { detail },
    }
}

fn sentence(status: StatusCode, message: &str) -> String {
    if message.is_empty() {
        format!("The host answered {status}.")
    } else {
        format!(
            "The host answered {}: {}.",
            status.as_u16(),
            message.trim_end_matches('.')
        )
    }
}

fn or_status(message: &str, status: StatusCode) -> String {
    if message.is_empty() {
        status.to_string()
    } else {
        message.trim_end_matches('.').to_owned()
    }
}
