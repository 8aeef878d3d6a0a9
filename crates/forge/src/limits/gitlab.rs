//! GitLab's answers. Two systems of limits: request throttles, which show in headers, and limits of single endpoints, which
//! never do. A refused request keeps counting.
//!
//! <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>

mod refusal;
#[cfg(test)]
mod tests;

use chrono::DateTime;
use domain::{Reading, Resource};
use http::{HeaderMap, StatusCode, header};

use super::{Answer, Dialect, Judgement, Span, headers};

/// Throttles of something else than the API, which count what the API's throttle does not.
const OTHERS: [&str; 6] = [
    "web",
    "git_lfs",
    "git_http",
    "packages_api",
    "files_api",
    "deprecated_api",
];

/// What the answer says of a throttle, with its reset in our clock's time.
///
/// `RateLimit-Limit` is normalised to a minute whatever the window is, and of no use for a budget; `Remaining` and `Observed`
/// are those of the real window. Where several throttles count a request the headers show the one with the least left.
pub(crate) fn reading(answer: &HeaderMap, span: Span) -> Option<(Resource, Reading)> {
    let number = |name| headers::text(answer, name)?.parse::<i64>().ok();
    let count = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
    let remaining = number("ratelimit-remaining")?;
    let reset_at = DateTime::from_timestamp(number("ratelimit-reset")?, 0)?;
    let whole = match number("ratelimit-observed") {
        Some(observed) => remaining.saturating_add(observed),
        None => number("ratelimit-limit")?.max(remaining),
    };
    let reading = Reading {
        limit: count(whole),
        remaining: count(remaining),
        reset_at: reset_at - headers::skew(answer, span),
    };
    let name = headers::text(answer, "ratelimit-name").unwrap_or_default();
    let is_other = OTHERS.iter().any(|other| name.ends_with(other));
    let resource = if is_other {
        Resource(name.to_owned())
    } else {
        Resource::core()
    };
    Some((resource, reading))
}

/// Judges an answer.
pub(super) fn judge(answer: &Answer<'_>, span: Span) -> Judgement {
    let status = answer.status;
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        return match headers::text(answer.headers, header::LOCATION.as_str()) {
            // A page for people that wants a sign-in is not where an API points to.
            Some(location) if location.ends_with("/users/sign_in") => Judgement::Strange {
                detail: "The host asks to sign in: this address is not a GitLab API.".to_owned(),
            },
            Some(location) => Judgement::Moved {
                location: location.to_owned(),
            },
            None => Judgement::Strange {
                detail: format!("The host answered {status} without saying where to go."),
            },
        };
    }
    if !status.is_success() {
        return refusal::judge(answer, span);
    }
    match answer.dialect {
        Dialect::Rest | Dialect::GraphQl | Dialect::Lfs if headers::is_html(answer.headers) => {
            Judgement::Strange {
                detail: "The host answered a web page where JSON was expected: this address is not a GitLab API."
                    .to_owned(),
            }
        }
        Dialect::Rest
        | Dialect::GraphQl
        | Dialect::Lfs
        | Dialect::Git
        | Dialect::Storage => Judgement::Fine,
    }
}
