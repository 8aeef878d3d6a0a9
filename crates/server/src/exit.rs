//! How a command ended, for scripts.

use std::process::ExitCode;

use domain::RunState;

/// What the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is done, completely.
    Complete,
    /// It failed.
    Failed,
    /// The arguments, or what they name, are not usable; nothing was stored.
    BadInput,
    /// The run stored all that could be had, and names what is missing.
    Omissions,
    /// The run waits for quota, longer than the command would wait.
    Throttled,
    /// The run was cancelled.
    Cancelled,
    /// The person at the terminal interrupted the command.
    Interrupted,
}

/// The same for `--help`.
pub(crate) const CODES: &str = "Exit codes:
  0  complete
  1  failed
  2  bad input, nothing was stored
  3  complete with omissions
  4  throttled beyond the wait
  5  cancelled";

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Failed => 1,
            Self::BadInput => 2,
            Self::Omissions => 3,
            Self::Throttled => 4,
            Self::Cancelled => 5,
            // 128 and the number of SIGINT, as shells have it.
            Self::Interrupted => 130,
        }
    }

    /// What a run that has been waited for comes to.
    pub fn of_run(state: RunState) -> Self {
        match state {
            RunState::Complete => Self::Complete,
            RunState::CompleteWithOmissions => Self::Omissions,
            RunState::Failed => Self::Failed,
            RunState::Cancelled => Self::Cancelled,
            RunState::Queued | RunState::Running | RunState::Throttled => Self::Throttled,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
