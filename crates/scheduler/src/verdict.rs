//! What becomes of a fetch that ended without a snapshot: pure, so that every cause's end can be read and tested here.

use chrono::{DateTime, Utc};
use forge::Retry;
use store::Settlement;

use crate::running::Stop;
use crate::task::sentence;
use crate::{Error, backoff};

/// One attempt that ended without a snapshot.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    /// What went wrong.
    pub(crate) error: &'a Error,
    /// Why the worker stopped it, if it did.
    pub(crate) stop: Option<Stop>,
    /// The repository's name.
    pub(crate) repository: &'a str,
    /// The storage's name.
    pub(crate) storage: &'a str,
    /// Attempts that failed, this one included.
    pub(crate) failures: u32,
    /// Where in the jitter the next wait falls, 0 to 1.
    pub(crate) jitter: f64,
}

impl Attempt<'_> {
    /// Judges the attempt. If somebody else holds the work by now, the fence keeps the verdict out.
    pub(crate) fn judge(&self, now: DateTime<Utc>) -> Settlement {
        match self.stop {
            Some(Stop::Fenced) => return Settlement::Released,
            Some(Stop::Cancelled) => return Settlement::Cancelled,
            Some(Stop::Window) => {
                return Settlement::Parked {
                    cause: "The plan's window has ended; it goes on when the next one begins."
                        .to_owned(),
                };
            }
            Some(Stop::Drain) | None => {}
        }
        match self.error.retry() {
            Retry::At(until) => Settlement::Throttled {
                until,
                cause: throttled(until),
            },
            Retry::Later | Retry::Never if self.stop.is_some() => Settlement::Released,
            Retry::Later if self.failures < backoff::ATTEMPTS => Settlement::Retry {
                at: now + backoff::wait(self.failures, self.jitter),
                cause: sentence(self.error),
            },
            Retry::Later => Settlement::Failed {
                cause: given_up(&self.advice(), self.failures),
            },
            Retry::Never => Settlement::Failed {
                cause: self.advice(),
            },
        }
    }

    /// The cause of a failure, with what a person can do about it.
    fn advice(&self) -> String {
        let words = sentence(self.error);
        match self.error {
            Error::Backup(backup::Error::Storage { full: true, .. }) => format!(
                "{words} Make room in the storage \"{}\", then run the plan again.",
                self.storage
            ),
            Error::Backup(backup::Error::Storage {
                unreachable: true, ..
            }) => format!(
                "{words} Check that the storage \"{}\" is there and can be reached, then run the plan again.",
                self.storage
            ),
            Error::Backup(backup::Error::Staging { full: true, .. }) => {
                format!("{words} Make room there, then run the plan again.")
            }
            Error::Backup(backup::Error::Forge(forge::Error::Missing { .. })) => format!(
                "{words} {} was deleted, or no credential of the plan sees it any more; its snapshots are kept.",
                self.repository
            ),
            Error::Backup(_)
            | Error::Store(_)
            | Error::Forge(_)
            | Error::NothingStored { .. }
            | Error::Place { .. }
            | Error::Busy { .. }
            | Error::Unlisted { .. }
            | Error::Folder { .. } => words,
        }
    }
}

/// The cause of a failure that further attempts might have mended.
pub(crate) fn given_up(words: &str, attempts: u32) -> String {
    format!("{words} Given up after {attempts} attempts; run the plan again later.")
}

/// The sentence of work that waits for quota.
pub(crate) fn throttled(until: DateTime<Utc>) -> String {
    format!(
        "Throttled until {}: every credential of the plan is spent.",
        until.format("%H:%M UTC on %Y-%m-%d")
    )
}

#[cfg(test)]
mod tests;
