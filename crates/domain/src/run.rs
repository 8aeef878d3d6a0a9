//! A run of a plan, the fetches it consists of, and how both end.

use serde::{Deserialize, Serialize};

/// Where a run stands. The word in the database is the snake-case name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Asked for, not yet begun.
    Queued,
    /// The organization is being listed, or repositories are being fetched.
    Running,
    /// Every credential of the pool is spent; it resumes by itself.
    Throttled,
    /// Everything asked for is stored.
    Complete,
    /// All that could be had is stored; what is missing is named with its reason.
    CompleteWithOmissions,
    /// Something that should have been stored is not.
    Failed,
    /// A person stopped it.
    Cancelled,
}

impl RunState {
    /// Whether nothing further happens to it.
    pub fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Throttled => false,
            Self::Complete | Self::CompleteWithOmissions | Self::Failed | Self::Cancelled => true,
        }
    }

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Throttled => "throttled",
            Self::Complete => "complete",
            Self::CompleteWithOmissions => "complete_with_omissions",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word in the database.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Running,
            Self::Throttled,
            Self::Complete,
            Self::CompleteWithOmissions,
            Self::Failed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.as_str() == word)
    }
}

/// Where one repository's fetch stands. The word in the database is the snake-case name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchState {
    /// Waiting for a worker.
    Queued,
    /// A worker holds it.
    Running,
    /// It waits until a credential of its pool has quota again.
    Throttled,
    /// A snapshot holds everything asked for.
    Complete,
    /// A snapshot holds all that could be had.
    CompleteWithOmissions,
    /// The newest snapshot still is the repository's state.
    Unchanged,
    /// No snapshot was made.
    Failed,
    /// Its run was stopped.
    Cancelled,
}

impl FetchState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Throttled,
        Self::Complete,
        Self::CompleteWithOmissions,
        Self::Unchanged,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing further happens to it.
    pub fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Throttled => false,
            Self::Complete
            | Self::CompleteWithOmissions
            | Self::Unchanged
            | Self::Failed
            | Self::Cancelled => true,
        }
    }

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Throttled => "throttled",
            Self::Complete => "complete",
            Self::CompleteWithOmissions => "complete_with_omissions",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word in the database.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// How many fetches of a run are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "one field per state")]
pub struct Tally {
    pub queued: u64,
    pub running: u64,
    pub throttled: u64,
    pub complete: u64,
    pub complete_with_omissions: u64,
    pub unchanged: u64,
    pub failed: u64,
    pub cancelled: u64,
}

impl Tally {
    /// Counts fetches in one state.
    pub fn add(&mut self, state: FetchState, count: u64) {
        let field = match state {
            FetchState::Queued => &mut self.queued,
            FetchState::Running => &mut self.running,
            FetchState::Throttled => &mut self.throttled,
            FetchState::Complete => &mut self.complete,
            FetchState::CompleteWithOmissions => &mut self.complete_with_omissions,
            FetchState::Unchanged => &mut self.unchanged,
            FetchState::Failed => &mut self.failed,
            FetchState::Cancelled => &mut self.cancelled,
        };
        *field += count;
    }

    /// All fetches.
    pub fn total(&self) -> u64 {
        self.open() + self.settled()
    }

    /// Fetches with work left.
    pub fn open(&self) -> u64 {
        self.queued + self.running + self.throttled
    }

    /// Fetches to which nothing further happens.
    pub fn settled(&self) -> u64 {
        self.complete + self.complete_with_omissions + self.unchanged + self.failed + self.cancelled
    }
}

/// The state of a run whose organization has been listed, from its fetches.
///
/// A run is never called complete when something is missing, and never failed because it waits for quota.
pub fn outcome(tally: &Tally) -> RunState {
    if tally.open() > 0 {
        return if tally.throttled == tally.open() {
            RunState::Throttled
        } else {
            RunState::Running
        };
    }
    if tally.failed > 0 {
        RunState::Failed
    } else if tally.cancelled > 0 {
        RunState::Cancelled
    } else if tally.complete_with_omissions > 0 {
        RunState::CompleteWithOmissions
    } else {
        RunState::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(states: &[FetchState]) -> RunState {
        let mut tally = Tally::default();
        for state in states {
            tally.add(*state, 1);
        }
        outcome(&tally)
    }

    #[test]
    fn a_run_is_as_good_as_its_worst_fetch() {
        use FetchState as F;
        assert_eq!(of(&[]), RunState::Complete);
        assert_eq!(of(&[F::Complete, F::Unchanged]), RunState::Complete);
        assert_eq!(
            of(&[F::Complete, F::CompleteWithOmissions]),
            RunState::CompleteWithOmissions
        );
        assert_eq!(
            of(&[F::CompleteWithOmissions, F::Failed, F::Cancelled]),
            RunState::Failed
        );
        assert_eq!(of(&[F::Complete, F::Cancelled]), RunState::Cancelled);
    }

    #[test]
    fn waiting_for_quota_is_not_an_end() {
        use FetchState as F;
        assert_eq!(of(&[F::Throttled, F::Failed]), RunState::Throttled);
        assert_eq!(of(&[F::Throttled, F::Running]), RunState::Running);
        assert!(!RunState::Throttled.is_final());
    }

    #[test]
    fn words_survive_the_database() {
        for state in FetchState::ALL {
            assert_eq!(FetchState::from_word(state.as_str()), Some(state));
        }
        assert_eq!(
            RunState::from_word("complete_with_omissions"),
            Some(RunState::CompleteWithOmissions)
        );
        assert_eq!(RunState::from_word("done"), None);
    }
}
