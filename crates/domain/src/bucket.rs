//! Who a host really charges for a request, and what it says is left.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Invalid;

/// The subject that a host counts requests against.
///
/// All tokens of one user drain one budget; an App installation has its own (GitHub docs, rate limits for the REST API).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A user, by numeric id.
    User(i64),
    /// An installation of a GitHub App, by numeric id.
    Installation(i64),
}

/// One quota bucket's owner: a host and a subject on it. Text form `host/user:1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketKey {
    /// [`crate::Host::authority`] of the host.
    pub host: String,
    /// Who is charged.
    pub subject: Subject,
}

impl fmt::Display for BucketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject {
            Subject::User(id) => write!(f, "{}/user:{id}", self.host),
            Subject::Installation(id) => write!(f, "{}/installation:{id}", self.host),
        }
    }
}

impl FromStr for BucketKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new(format!("\"{text}\" is not a quota bucket."));
        let (host, subject) = text.rsplit_once('/').ok_or_else(invalid)?;
        let (kind, id) = subject.split_once(':').ok_or_else(invalid)?;
        let id = id.parse().ok().ok_or_else(invalid)?;
        let subject = match kind {
            "user" => Subject::User(id),
            "installation" => Subject::Installation(id),
            _ => return Err(invalid()),
        };
        Ok(Self {
            host: host.to_owned(),
            subject,
        })
    }
}

impl TryFrom<String> for BucketKey {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<BucketKey> for String {
    fn from(key: BucketKey) -> Self {
        key.to_string()
    }
}

/// A host's name for one of a subject's separate budgets: `core`, `graphql`, `search`, … Unknown names are accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resource(pub String);

impl Resource {
    /// The budget of the REST API.
    pub fn core() -> Self {
        Self("core".to_owned())
    }

    /// The budget of the GraphQL API, counted in points.
    pub fn graphql() -> Self {
        Self("graphql".to_owned())
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a host said of one budget at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Requests (or points) allowed per window.
    pub limit: u32,
    /// Requests left in the current window.
    pub remaining: u32,
    /// End of the current window.
    pub reset_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_form() {
        for subject in [Subject::User(7), Subject::Installation(42)] {
            let key = BucketKey {
                host: "127.0.0.1:80/git".into(),
                subject,
            };
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        assert!("github.com/team:1".parse::<BucketKey>().is_err());
    }
}
