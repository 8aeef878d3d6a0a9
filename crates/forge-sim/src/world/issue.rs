//! Issues with their comments, labels and milestones. A pull request is an issue too.

use chrono::{DateTime, Utc};

use super::Pull;

/// Open or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueState {
    /// Still to do.
    Open,
    /// Done or given up.
    Closed,
}

impl IssueState {
    /// The word of the REST interface.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }
}

/// Why an issue is in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateReason {
    /// Closed as done.
    Completed,
    /// Closed as not planned.
    NotPlanned,
    /// Opened again.
    Reopened,
}

impl StateReason {
    /// The word of the REST interface.
    pub fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::NotPlanned => "not_planned",
            Self::Reopened => "reopened",
        }
    }
}

/// An issue, or the issue half of a pull request.
#[derive(Debug, Clone)]
pub struct Issue {
    /// The id of the issue; a pull request has another one of its own.
    pub id: u64,
    /// The number in the repository, shared with pull requests.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The text.
    pub body: Option<String>,
    /// Open or closed.
    pub state: IssueState,
    /// Why.
    pub state_reason: Option<StateReason>,
    /// Who wrote it.
    pub author_id: u64,
    /// Who is to do it.
    pub assignee_ids: Vec<u64>,
    /// Ids of its labels.
    pub label_ids: Vec<u64>,
    /// Number of its milestone.
    pub milestone: Option<u64>,
    /// Whether the conversation is locked.
    pub locked: bool,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it or its comments last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Its comments, by id ascending.
    pub comments: Vec<Comment>,
    /// What makes it a pull request.
    pub pull: Option<Pull>,
}

/// A comment on an issue or pull request.
#[derive(Debug, Clone)]
pub struct Comment {
    /// The id.
    pub id: u64,
    /// Who wrote it.
    pub author_id: u64,
    /// The text.
    pub body: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A label of a repository.
#[derive(Debug, Clone)]
pub struct Label {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// Six hexadecimal digits.
    pub color: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether GitHub put it there.
    pub default: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A milestone of a repository.
#[derive(Debug, Clone)]
pub struct Milestone {
    /// The id.
    pub id: u64,
    /// The number in the repository.
    pub number: u64,
    /// The title.
    pub title: String,
    /// What it is for.
    pub description: Option<String>,
    /// Open or closed.
    pub state: IssueState,
    /// Who made it.
    pub creator_id: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it is due.
    pub due_on: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
}
