//! GitHub's answers: from status, headers and body to a judgement. Pure; every sentence that GitHub is known to say is
//! a row of the table in the tests.

pub(crate) mod graphql;
pub(crate) mod headers;
mod refusal;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode, header};

use crate::Error;
pub(crate) use headers::Span;

/// In which manner of speaking an answer is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The REST API.
    Rest,
    /// The GraphQL API, which refuses within answers of status 200.
    GraphQl,
    /// Git LFS.
    Lfs,
    /// Git's smart protocol: statuses, and words in plain text.
    Git,
    /// A storage that an API redirects to: bytes, and statuses only.
    Storage,
}

/// An answer to be judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    /// The whole body of an answer in JSON; nothing of a download.
    pub(crate) body: &'a [u8],
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// The answer asked for.
    Fine,
    /// It is elsewhere.
    Moved { location: String },
    /// The primary limit: the window is spent.
    Spent { until: Option<DateTime<Utc>> },
    /// A secondary limit: slow down.
    SlowDown {
        retry_after: Option<TimeDelta>,
        reason: String,
    },
    /// The credential itself is refused.
    Dead { reason: String },
    /// This credential may not; another one may.
    Denied { detail: String },
    /// Not found, or hidden from this credential.
    Missing { detail: String },
    /// The host blocks the repository for everybody.
    Blocked { detail: String },
    /// The feature is switched off.
    Disabled { detail: String },
    /// Too much was asked for in one request.
    TooHeavy { detail: String },
    /// The host failed.
    Failed { detail: String },
    /// The body ends too early.
    Cut { detail: String },
    /// Not what a GitHub API answers.
    Strange { detail: String },
}

impl Judgement {
    /// Whether the host refused this credential's request, as the reports count it.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Spent { .. }
            | Self::SlowDown { .. }
            | Self::Dead { .. }
            | Self::Denied { .. } => true,
            Self::Fine
            | Self::Moved { .. }
            | Self::Missing { .. }
            | Self::Blocked { .. }
            | Self::Disabled { .. }
            | Self::TooHeavy { .. }
            | Self::Failed { .. }
            | Self::Cut { .. }
            | Self::Strange { .. } => false,
        }
    }

    /// What the judgement comes to when nothing more can be done about it; nothing if the answer is fine.
    pub(crate) fn into_error(self, now: DateTime<Utc>) -> Option<Error> {
        Some(match self {
            Self::Fine => return None,
            Self::Moved { location } => Error::Moved { to: location },
            Self::Spent { until } => Error::Throttled {
                until: until.unwrap_or(now),
            },
            Self::SlowDown { retry_after, .. } => Error::Throttled {
                until: now + retry_after.unwrap_or_default(),
            },
            Self::Dead { reason } => Error::NoCredential {
                detail: format!("The host does not accept the token: {reason}."),
            },
            Self::Denied { detail } => Error::Denied { detail },
            Self::Missing { detail } => Error::Missing { detail },
            Self::Blocked { detail } => Error::Blocked { detail },
            Self::Disabled { detail } => Error::Disabled { detail },
            Self::TooHeavy { detail } | Self::Failed { detail } => Error::Transient { detail },
            Self::Cut { detail } => Error::Corrupt { detail },
            Self::Strange { detail } => Error::Protocol { detail },
        })
    }
}

/// Judges an answer.
pub(crate) fn judge(answer: &Answer<'_>, span: Span) -> Judgement {
    let status = answer.status;
    if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
        return match headers::text(answer.headers, header::LOCATION.as_str()) {
            Some(location) => Judgement::Moved {
                location: location.to_owned(),
            },
            None => Judgement::Strange {
                detail: format!("The host answered {status} without saying where to go."),
            },
        };
    }
    if !status.is_success() && status != StatusCode::NOT_MODIFIED {
        return refusal::judge(answer, span);
    }
    if matches!(answer.dialect, Dialect::Storage | Dialect::Git) {
        return Judgement::Fine;
    }
    if headers::is_html(answer.headers) {
        return Judgement::Strange {
            detail: "The host answered a web page where JSON was expected: this address is not a GitHub API.".to_owned(),
        };
    }
    if let Some(organizations) = headers::sso_partial(answer.headers) {
        return Judgement::Denied {
            detail: format!(
                "The list is incomplete: the token is not authorized for single sign-on of the organizations {organizations}. Authorize it in the token settings of its user."
            ),
        };
    }
    match answer.dialect {
        Dialect::GraphQl => graphql::judge(answer.headers, answer.body, span),
        Dialect::Rest | Dialect::Lfs | Dialect::Git | Dialect::Storage => Judgement::Fine,
    }
}
