//! How speaking to a host can fail, in as many ways as a caller can react.

use chrono::{DateTime, Utc};

/// What came of a request, when not the answer. Its `Display` is a sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Every usable credential is spent or backing off for longer than the caller is willing to wait.
    #[error("Every credential that could be used is spent until {}.", until.format("%Y-%m-%d %H:%M:%S UTC"))]
    Throttled {
        /// When the first of them may be used again.
        until: DateTime<Utc>,
    },
    /// No credential can be used at all: none was given, or each is paused, dead or blind for the repository.
    #[error("{detail}")]
    NoCredential {
        /// A sentence.
        detail: String,
    },
    /// The host does not allow it to any credential that was tried: permission, single sign-on, policy, address.
    #[error("{detail}")]
    Denied {
        /// A sentence with the host's words.
        detail: String,
    },
    /// The host blocks the repository, for legal or policy reasons.
    #[error("{detail}")]
    Blocked {
        /// A sentence with the host's words.
        detail: String,
    },
    /// The host says that it does not exist, or hides it from every credential that was tried.
    #[error("{detail}")]
    Missing {
        /// A sentence with the host's words.
        detail: String,
    },
    /// The feature is switched off, so that there is nothing to read.
    #[error("{detail}")]
    Disabled {
        /// A sentence with the host's words.
        detail: String,
    },
    /// The name now belongs to something else, or leads out of the host's API.
    #[error("The repository has moved: its name now leads to {to}.")]
    Moved {
        /// Where the name leads.
        to: String,
    },
    /// The bytes that came are not the bytes that were announced, after every retry.
    #[error("{detail}")]
    Corrupt {
        /// A sentence.
        detail: String,
    },
    /// The host could not be reached or failed, after every retry.
    #[error("{detail}")]
    Transient {
        /// A sentence.
        detail: String,
    },
    /// The host answered something that such an API does not answer.
    #[error("{detail}")]
    Protocol {
        /// A sentence.
        detail: String,
    },
    /// The caller gave up.
    #[error("The work was cancelled.")]
    Cancelled,
}

/// Whether and when trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Not by itself: something must be changed first.
    Never,
    /// At this time.
    At(DateTime<Utc>),
    /// After a while, chosen by the caller.
    Later,
}

impl Error {
    /// Whether and when the same request may succeed.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Throttled { until } => Retry::At(*until),
            Self::Corrupt { .. } | Self::Transient { .. } => Retry::Later,
            Self::NoCredential { .. }
            | Self::Denied { .. }
            | Self::Blocked { .. }
            | Self::Missing { .. }
            | Self::Disabled { .. }
            | Self::Moved { .. }
            | Self::Protocol { .. }
            | Self::Cancelled => Retry::Never,
        }
    }
}
