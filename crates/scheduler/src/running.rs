//! What this worker holds at the moment, and the one way to stop it: every piece of work has a token and a reason.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use domain::{FetchId, RunId};
use store::HeldFetch;
use tokio_util::sync::CancellationToken;

/// Why work is stopped before its end. A greater reason outranks a smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// The process is shutting down: the work goes back to the queue as it is.
    Drain,
    /// The run's window has ended: the work waits for the next one.
    Window,
    /// A person cancelled the run.
    Cancelled,
    /// The claim is lost, or may be: somebody else may hold the work.
    Fenced,
}

/// One piece of work: a run's listing, or a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    /// The organization of a run is being listed.
    Listing(RunId),
    /// A repository is being fetched, under the claim of this number.
    Fetch(FetchId, i64),
}

#[derive(Debug)]
struct Entry {
    window_ends_at: Option<DateTime<Utc>>,
    stop: Option<Stop>,
    token: CancellationToken,
}

/// The work in hand. Clones show the same work.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running(Arc<Mutex<BTreeMap<Work, Entry>>>);

impl Running {
    /// Notes work as begun; it is in hand until the answer is dropped.
    pub(crate) fn begin(&self, work: Work, window_ends_at: Option<DateTime<Utc>>) -> Held {
        let token = CancellationToken::new();
        self.lock().insert(
            work,
            Entry {
                window_ends_at,
                stop: None,
                token: token.clone(),
            },
        );
        Held {
            running: self.clone(),
            work,
            token,
        }
    }

    /// The fetches in hand, each with the number of its claim.
    pub(crate) fn fetches(&self) -> Vec<(FetchId, i64)> {
        self.lock()
            .keys()
            .filter_map(|work| match work {
                Work::Fetch(fetch, fence) => Some((*fetch, *fence)),
                Work::Listing(_) => None,
            })
            .collect()
    }

    /// Whether nothing is in hand.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Stops everything.
    pub(crate) fn stop_all(&self, reason: Stop) {
        self.stop_where(|_, _| Some(reason));
    }

    /// Stops the fetches whose claim is lost or whose run is being cancelled. `asked` were in hand before the store was asked what this
    /// worker holds; what was begun since is left alone.
    pub(crate) fn reconcile(&self, asked: &[(FetchId, i64)], held: &[HeldFetch]) {
        self.stop_where(|work, _| {
            let Work::Fetch(fetch, fence) = work else {
                return None;
            };
            if !asked.contains(&(fetch, fence)) {
                return None;
            }
            match held
                .iter()
                .find(|held| held.fetch == fetch && held.fence == fence)
            {
                None => Some(Stop::Fenced),
                Some(held) => held.cancelling.then_some(Stop::Cancelled),
            }
        });
    }

    /// Parks the work whose window has ended.
    pub(crate) fn close_windows(&self, now: DateTime<Utc>) {
        self.stop_where(|_, entry| {
            entry
                .window_ends_at
                .is_some_and(|ends_at| ends_at <= now)
                .then_some(Stop::Window)
        });
    }

    fn stop_where(&self, reason: impl Fn(Work, &Entry) -> Option<Stop>) {
        for (work, entry) in self.lock().iter_mut() {
            if let Some(reason) = reason(*work, entry) {
                entry.stop = entry.stop.max(Some(reason));
                entry.token.cancel();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Work, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Work in hand. Dropping it says that the work has ended.
#[derive(Debug)]
pub(crate) struct Held {
    running: Running,
    work: Work,
    token: CancellationToken,
}

impl Held {
    /// Cancelled when the work is to stop.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Why the work is to stop, if it is.
    pub(crate) fn stop(&self) -> Option<Stop> {
        self.running
            .lock()
            .get(&self.work)
            .and_then(|entry| entry.stop)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.running.lock().remove(&self.work);
    }
}

#[cfg(test)]
mod tests;
