//! A background task: takes no input, is idempotent, runs periodically and when the bell rings, and keeps a status row.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::Clock;
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How a background task is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TaskStatus {
    /// When it last ended a round.
    pub last_run_at: Option<DateTime<Utc>>,
    /// When it last ended a round without an error.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Why its last round failed; nothing if it did not.
    pub last_error: Option<String>,
}

/// The status rows of all tasks. Clones show the same rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board(Arc<Mutex<BTreeMap<&'static str, TaskStatus>>>);

impl Board {
    /// Writes down how a round of a task ended.
    pub(crate) fn note(&self, name: &'static str, at: DateTime<Utc>, error: Option<String>) {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry(name).or_default();
        row.last_run_at = Some(at);
        if error.is_none() {
            row.last_success_at = Some(at);
        }
        row.last_error = error;
    }

    /// All rows, by the name of the task.
    pub(crate) fn rows(&self) -> BTreeMap<&'static str, TaskStatus> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What a task needs besides its work.
#[derive(Debug)]
pub(crate) struct Task {
    /// Names its status row.
    pub(crate) name: &'static str,
    /// The longest time between two rounds.
    pub(crate) every: Duration,
    /// The shortest time between two rounds: rings in quick succession count as one.
    pub(crate) pause: Duration,
    /// Rung when there may be work at once.
    pub(crate) ring: Arc<Notify>,
    /// Ends the task between two rounds.
    pub(crate) stop: CancellationToken,
    /// Where its status row is kept.
    pub(crate) board: Board,
    /// Dates the status row.
    pub(crate) clock: Clock,
}

impl Task {
    /// Runs `work` at once, then whenever the bell rings or the time is up, until it is stopped. An error ends a round, not the task.
    pub(crate) async fn run<F, E>(self, work: impl Fn() -> F)
    where
        F: Future<Output = Result<(), E>>,
        E: std::error::Error,
    {
        loop {
            let error = work().await.err().map(|error| sentence(&error));
            if let Some(error) = &error {
                warn!(
                    task = self.name,
                    error, "A background task failed and will be tried again."
                );
            }
            self.board.note(self.name, self.clock.now(), error);
            let due = async {
                tokio::time::sleep(self.pause).await;
                tokio::select! {
                    () = self.ring.notified() => {}
                    () = tokio::time::sleep(self.every) => {}
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = due => {}
            }
        }
    }
}

/// An error and its causes in one line.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
