//! What a pull request has beyond an issue: two ends in git, reviews, comments on lines.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The pull request half of an issue.
#[derive(Debug, Clone)]
pub struct Pull {
    /// The id of the pull request, which is not the issue's.
    pub id: u64,
    /// The branch with the change.
    pub head_ref: String,
    /// Its newest commit.
    pub head_sha: String,
    /// Whether the fork that the branch was in is gone.
    pub head_is_gone: bool,
    /// The branch to be changed.
    pub base_ref: String,
    /// Where the change began.
    pub base_sha: String,
    /// Not ready for review.
    pub draft: bool,
    /// When it was merged.
    pub merged_at: Option<DateTime<Utc>>,
    /// Who merged it.
    pub merged_by_id: Option<u64>,
    /// The commit that the merge made.
    pub merge_commit_sha: Option<String>,
    /// The number of commits.
    pub commits: u64,
    /// The reviews, by id ascending.
    pub reviews: Vec<Review>,
    /// The comments on lines, by id ascending.
    pub comments: Vec<ReviewComment>,
}

/// What a review says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewState {
    /// May be merged.
    Approved,
    /// Must be changed first.
    ChangesRequested,
    /// Neither.
    Commented,
    /// No longer counts.
    Dismissed,
}

impl ReviewState {
    /// The word that both interfaces use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::ChangesRequested => "CHANGES_REQUESTED",
            Self::Commented => "COMMENTED",
            Self::Dismissed => "DISMISSED",
        }
    }
}

/// A review of a pull request.
#[derive(Debug, Clone)]
pub struct Review {
    /// The id.
    pub id: u64,
    /// Who wrote it.
    pub author_id: u64,
    /// The text.
    pub body: String,
    /// The verdict.
    pub state: ReviewState,
    /// The commit that was looked at.
    pub commit_sha: String,
    /// When it was sent.
    pub submitted_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A comment on a line of a pull request.
#[derive(Debug, Clone)]
pub struct ReviewComment {
    /// The id.
    pub id: u64,
    /// The review it came with.
    pub review_id: Option<u64>,
    /// The comment it answers.
    pub in_reply_to_id: Option<u64>,
    /// Who wrote it.
    pub author_id: u64,
    /// The text.
    pub body: String,
    /// The file.
    pub path: String,
    /// The line.
    pub line: u64,
    /// The lines around it as a diff.
    pub diff_hunk: String,
    /// The commit that was looked at.
    pub commit_sha: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}
