//! A repository: its settings, everything people wrote in it, and where its git data lies.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::{Asset, Content, Issue, Label, Milestone, Release, node_id};

/// A licence that a repository declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct License {
    /// GitHub's key.
    pub key: &'static str,
    /// The full name.
    pub name: &'static str,
    /// The SPDX identifier.
    pub spdx_id: &'static str,
}

impl License {
    /// The node id.
    pub fn node_id(&self) -> String {
        node_id::named(node_id::LICENSE, self.key)
    }
}

/// Why nobody may look into a repository.
#[derive(Debug, Clone)]
pub struct Block {
    /// `dmca`, `tos` or `unavailable`.
    pub reason: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// A file kept by Git LFS.
#[derive(Debug, Clone, Copy)]
pub struct LfsObject {
    /// The bytes.
    pub content: Content,
}

/// A repository.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, as GitHub lists them"
)]
#[derive(Debug, Clone)]
pub struct Repository {
    /// The numeric id, which survives renames and transfers.
    pub id: u64,
    /// The account that owns it.
    pub owner_id: u64,
    /// The name in URLs.
    pub name: String,
    /// One line about it.
    pub description: Option<String>,
    /// A web page.
    pub homepage: Option<String>,
    /// Seen by members only.
    pub private: bool,
    /// Read only.
    pub archived: bool,
    /// Switched off by the host.
    pub disabled: bool,
    /// Whether others may start from it.
    pub template: bool,
    /// Forked from somebody else's.
    pub fork: bool,
    /// Blocked by the host.
    pub block: Option<Block>,
    /// Whether issues are switched on.
    pub has_issues: bool,
    /// Whether the wiki is switched on; it may still have no page.
    pub has_wiki: bool,
    /// The branch of `HEAD`.
    pub default_branch: String,
    /// Topics.
    pub topics: Vec<String>,
    /// The declared licence.
    pub license: Option<License>,
    /// The main language.
    pub language: Option<String>,
    /// Stars.
    pub stars: u64,
    /// Size as GitHub counts it, in KiB.
    pub size_kib: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its settings, or its default branch, last changed.
    pub updated_at: DateTime<Utc>,
    /// When something was last pushed.
    pub pushed_at: DateTime<Utc>,
    /// Labels, by id ascending.
    pub labels: Vec<Label>,
    /// Milestones, by number ascending.
    pub milestones: Vec<Milestone>,
    /// Issues and pull requests, by number.
    pub issues: BTreeMap<u64, Issue>,
    /// The last number given to an issue or pull request; numbers are never used twice.
    pub last_number: u64,
    /// Releases, oldest first.
    pub releases: Vec<Release>,
    /// Git LFS objects by SHA-256.
    pub lfs_objects: BTreeMap<String, LfsObject>,
    /// The git repository.
    pub git: PathBuf,
    /// The wiki's git repository, once it has a page.
    pub wiki: Option<PathBuf>,
}

impl Repository {
    /// Issues that are not pull requests.
    pub fn plain_issues(&self) -> impl DoubleEndedIterator<Item = &Issue> {
        self.issues.values().filter(|issue| issue.pull.is_none())
    }

    /// Pull requests.
    pub fn pulls(&self) -> impl DoubleEndedIterator<Item = &Issue> {
        self.issues.values().filter(|issue| issue.pull.is_some())
    }

    /// The next free number.
    pub fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// An asset of any release.
    pub fn asset(&self, id: u64) -> Option<&Asset> {
        self.releases
            .iter()
            .flat_map(|release| &release.assets)
            .find(|asset| asset.id == id)
    }
}
