//! Watches over one archiving: the engine logs errors of its source and goes on, so they are collected here and the snapshot is
//! refused at the moment when it would be written.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

use crate::Error;

/// Errors kept; more would not make the sentence clearer.
const KEPT: usize = 5;

thread_local! {
    /// The archiving that runs on this thread. The engine writes the snapshot on the thread that began it.
    static WATCH: RefCell<Option<Arc<Watch>>> = const { RefCell::new(None) };
}

/// What went wrong while the source was read.
#[derive(Debug, Default)]
pub(super) struct Watch {
    cancel: CancellationToken,
    found: Mutex<Found>,
    read: AtomicU64,
}

#[derive(Debug, Default)]
struct Found {
    errors: Vec<String>,
    needed: Vec<String>,
}

impl Watch {
    pub(super) fn new(cancel: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            cancel,
            ..Self::default()
        })
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// A file could not be read as announced.
    pub(super) fn failed(&self, sentence: String) {
        if let Ok(mut found) = self.found.lock()
            && found.errors.len() < KEPT
        {
            found.errors.push(sentence);
        }
    }

    /// The storage was thought to hold the content of this path, but does not.
    pub(super) fn needs(&self, path: String) {
        if let Ok(mut found) = self.found.lock() {
            found.needed.push(path);
        }
    }

    pub(super) fn count(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes read from the source so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Paths whose content must be fetched again.
    pub(super) fn needed(&self) -> Vec<String> {
        self.found
            .lock()
            .map(|mut found| std::mem::take(&mut found.needed))
            .unwrap_or_default()
    }

    /// Why there must be no snapshot, if so.
    pub(super) fn verdict(&self) -> Result<(), Error> {
        if self.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let Ok(found) = self.found.lock() else {
            return Err(Error::storage("The source could not be watched."));
        };
        if found.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::Staging {
                detail: format!(
                    "The working folder could not be read, so no snapshot was made: {}",
                    found.errors.join(" ")
                ),
                full: false,
            })
        }
    }

    fn refuses(&self) -> bool {
        let flawed = self.found.lock().map_or(true, |found| {
            !found.errors.is_empty() || !found.needed.is_empty()
        });
        flawed || self.is_cancelled()
    }
}

/// Whether a snapshot written on this thread now would be one of a flawed source.
pub(super) fn refuses_snapshot() -> bool {
    WATCH.with_borrow(|watch| watch.as_ref().is_some_and(|watch| watch.refuses()))
}

/// Runs an archiving on this thread under a watch.
pub(super) fn over<T>(watch: &Arc<Watch>, archive: impl FnOnce() -> T) -> T {
    /// Ends the watch even if the engine panics.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            WATCH.with_borrow_mut(|watch| *watch = None);
        }
    }
    WATCH.with_borrow_mut(|current| *current = Some(Arc::clone(watch)));
    let _end = End;
    archive()
}
