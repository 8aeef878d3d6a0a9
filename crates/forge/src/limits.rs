//! What hosts say about limits and refusals, read without any I/O: from status, headers and body to a judgement.

pub(crate) mod github;
pub(crate) mod gitlab;
pub(crate) mod headers;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{ForgeKind, Reading, Resource};
use http::{HeaderMap, StatusCode};

use crate::Error;
pub(crate) use headers::Span;

/// How long an address that was shut out stays away. GitLab docs, "Failed authentication ban": 15 minutes on gitlab.com, an
/// hour by default elsewhere; a request during it is one more against us.
pub(crate) const SHUT_OUT_FOR: TimeDelta = TimeDelta::minutes(15);

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
    /// Whose software answered.
    pub(crate) forge: ForgeKind,
    pub(crate) dialect: Dialect,
    /// What was asked: hosts limit the pace of each endpoint.
    pub(crate) endpoint: &'static str,
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
    /// This endpoint has had its requests of the moment; the others are free.
    Crowded { until: DateTime<Utc> },
    /// The address that we speak from is shut out, whoever asks.
    ShutOut { reason: String },
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
    /// Not what such an API answers.
    Strange { detail: String },
}

impl Judgement {
    /// Whether the host refused this credential's request, as the reports count it.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Spent { .. }
            | Self::SlowDown { .. }
            | Self::Crowded { .. }
            | Self::ShutOut { .. }
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
            Self::Crowded { until } => Error::Throttled { until },
            Self::ShutOut { .. } => Error::Throttled {
                until: now + SHUT_OUT_FOR,
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
    match answer.forge {
        ForgeKind::GitHub => github::judge(answer, span),
        ForgeKind::GitLab => gitlab::judge(answer, span),
    }
}

/// What an answer says of a budget.
pub(crate) fn reading(answer: &Answer<'_>, span: Span) -> Option<(Resource, Reading)> {
    match answer.forge {
        ForgeKind::GitHub => headers::reading(answer.headers, span),
        ForgeKind::GitLab => gitlab::reading(answer.headers, span),
    }
}
