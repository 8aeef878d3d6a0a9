//! A repository as the organization's list tells it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::selection::Traits;
use domain::{Kind, RepositoryName};
use serde::{Deserialize, Serialize};

use crate::Marks;

/// One page of an account's repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The repositories of this page, in the order of their making.
    pub repositories: Vec<Repository>,
    /// What to ask for next; nothing after the last page.
    pub next: Option<String>,
}

/// One repository, with the marks that tell whether anything in it has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the host's own independent flags"
)]
pub struct Repository {
    /// The host's number for it, kept over renames and transfers.
    pub id: i64,
    /// The host's GraphQL id for it, where the list tells one.
    #[serde(default)]
    pub node_id: String,
    /// Its full name.
    pub name: RepositoryName,
    /// Name of the default branch, if there is one.
    pub default_branch: Option<String>,
    /// Whether only some may see it.
    pub private: bool,
    /// Whether it is read-only.
    pub archived: bool,
    /// Whether it began as a copy of another.
    pub fork: bool,
    /// Whether it has no commit.
    pub empty: bool,
    /// Whether the host has disabled it.
    pub disabled: bool,
    /// Whether it is locked, as during a migration.
    pub locked: bool,
    /// Whether a wiki is allowed; there may be none.
    pub has_wiki: bool,
    /// Whether issues are allowed.
    pub has_issues: bool,
    /// What is switched off here, as far as the list tells: the host would refuse to list it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub switched_off: BTreeSet<Kind>,
    /// Its topics; nothing in a list of an earlier version.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Size of its git data as the host estimates it.
    pub disk_kib: u64,
    /// Last push, pushes to pull requests included.
    pub pushed_at: Option<DateTime<Utc>>,
    /// What would differ if something had changed.
    pub marks: Marks,
}

impl Repository {
    /// What a plan's selection looks at.
    pub fn traits(&self) -> Traits {
        Traits {
            name: self.name.clone(),
            topics: self.topics.clone(),
            archived: self.archived,
            fork: self.fork,
            private: self.private,
        }
    }
}
