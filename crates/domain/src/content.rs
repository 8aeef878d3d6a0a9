//! What a snapshot holds, and what it could not hold.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ForgeKind;

mod parts;

pub use parts::{Content, Part};

/// One kind of data of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the vendors' own")]
pub enum Kind {
    Git,
    Wiki,
    Lfs,
    Settings,
    Labels,
    Milestones,
    Issues,
    IssueComments,
    PullRequests,
    Reviews,
    ReviewComments,
    Releases,
    Assets,
    Boards,
    Snippets,
    Uploads,
    Members,
    ProtectedBranches,
    ProtectedTags,
    Hooks,
    Variables,
    PipelineSchedules,
    DeployKeys,
}

impl Kind {
    /// Every kind, in the order in which a snapshot fetches them.
    pub const ALL: [Self; 23] = [
        Self::Settings,
        Self::Git,
        Self::Wiki,
        Self::Lfs,
        Self::Labels,
        Self::Milestones,
        Self::Issues,
        Self::IssueComments,
        Self::PullRequests,
        Self::Reviews,
        Self::ReviewComments,
        Self::Releases,
        Self::Assets,
        Self::Boards,
        Self::Snippets,
        Self::Uploads,
        Self::Members,
        Self::ProtectedBranches,
        Self::ProtectedTags,
        Self::Hooks,
        Self::Variables,
        Self::PipelineSchedules,
        Self::DeployKeys,
    ];

    /// Whether a vendor's hosts have it and a snapshot holds it. What is said about a merge request, and who approves
    /// of it, is a review comment.
    pub fn is_of(self, forge: ForgeKind) -> bool {
        match self {
            Self::Git
            | Self::Wiki
            | Self::Lfs
            | Self::Settings
            | Self::Labels
            | Self::Milestones
            | Self::Issues
            | Self::IssueComments
            | Self::PullRequests
            | Self::ReviewComments
            | Self::Releases
            | Self::Assets => true,
            Self::Reviews => forge == ForgeKind::GitHub,
            Self::Boards
            | Self::Snippets
            | Self::Uploads
            | Self::Members
            | Self::ProtectedBranches
            | Self::ProtectedTags
            | Self::Hooks
            | Self::Variables
            | Self::PipelineSchedules
            | Self::DeployKeys => forge == ForgeKind::GitLab,
        }
    }

    /// The word used in manifests and file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Wiki => "wiki",
            Self::Lfs => "lfs",
            Self::Settings => "settings",
            Self::Labels => "labels",
            Self::Milestones => "milestones",
            Self::Issues => "issues",
            Self::IssueComments => "issue_comments",
            Self::PullRequests => "pull_requests",
            Self::Reviews => "reviews",
            Self::ReviewComments => "review_comments",
            Self::Releases => "releases",
            Self::Assets => "assets",
            Self::Boards => "boards",
            Self::Snippets => "snippets",
            Self::Uploads => "uploads",
            Self::Members => "members",
            Self::ProtectedBranches => "protected_branches",
            Self::ProtectedTags => "protected_tags",
            Self::Hooks => "hooks",
            Self::Variables => "variables",
            Self::PipelineSchedules => "pipeline_schedules",
            Self::DeployKeys => "deploy_keys",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why something is missing from a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No credential of the pool has the permission.
    Denied,
    /// The host blocks the repository, for legal or policy reasons.
    Blocked,
    /// The host says that it does not exist, or hides it from every credential of the pool.
    NotFound,
    /// The bytes that came were not the bytes that were announced, after every retry.
    Corrupt,
    /// The host kept failing, after every retry.
    HostError,
}

impl Reason {
    /// The word used in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Blocked => "blocked",
            Self::NotFound => "not_found",
            Self::Corrupt => "corrupt",
            Self::HostError => "host_error",
        }
    }
}

/// One thing that a snapshot was asked for and does not hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Omission {
    /// The kind of data.
    pub kind: Kind,
    /// Why it is missing.
    pub reason: Reason,
    /// A sentence for a person: which item, and the host's words.
    pub detail: String,
}
