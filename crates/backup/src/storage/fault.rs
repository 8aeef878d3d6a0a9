//! Why an object could not be read or written, in the classes that a person can react to.

use std::sync::Mutex;

use rustic_core::{ErrorKind, RusticError};

use crate::Error;
use crate::error::is_full;

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// No room is left.
    Full,
    /// The storage is not there, or does not let us in.
    Unreachable,
    /// There is no such object.
    Missing,
    /// Anything else.
    Other,
}

/// A failed operation on one object.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{detail}")]
pub(super) struct Fault {
    pub(super) class: Class,
    /// A sentence.
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn new(class: Class, detail: impl Into<String>) -> Self {
        Self {
            class,
            detail: detail.into(),
        }
    }

    /// A failure of the file system at a place inside the storage.
    pub(super) fn file(storage: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        match error.kind() {
            _ if is_full(error) => Self::full(storage),
            Io::NotFound => Self::new(
                Class::Missing,
                format!("Something that should be in the storage {storage} is not there."),
            ),
            Io::PermissionDenied | Io::ReadOnlyFilesystem => Self::new(
                Class::Unreachable,
                format!("The storage {storage} does not let Holdfast in ({error})."),
            ),
            Io::StaleNetworkFileHandle | Io::NotADirectory => Self::absent(storage),
            _ => Self::new(
                Class::Other,
                format!("The storage {storage} failed ({error})."),
            ),
        }
    }

    /// A failure of an object store.
    pub(super) fn object(storage: &str, error: &object_store::Error) -> Self {
        use object_store::Error as Object;
        let words = chain(error);
        match error {
            Object::NotFound { .. } if words.contains("NoSuchBucket") => Self::absent(storage),
            Object::NotFound { .. } => Self::new(
                Class::Missing,
                format!("Something that should be in the storage {storage} is not there."),
            ),
            Object::PermissionDenied { .. } | Object::Unauthenticated { .. } => Self::new(
                Class::Unreachable,
                format!("The storage {storage} does not let Holdfast in: check its access key."),
            ),
            _ if says_full(&words) => Self::full(storage),
            _ if says_gone(&words) => Self::new(
                Class::Unreachable,
                format!("The storage {storage} is not there: {}.", shortened(&words)),
            ),
            _ => Self::new(
                Class::Other,
                format!("The storage {storage} failed: {}.", shortened(&words)),
            ),
        }
    }

    pub(super) fn full(storage: &str) -> Self {
        Self::new(Class::Full, format!("The storage {storage} is full."))
    }

    pub(super) fn occupied(place: &str) -> Self {
        Self::new(
            Class::Other,
            format!(
                "There is something at {place} already: a new repository needs an empty place."
            ),
        )
    }

    pub(super) fn absent(storage: &str) -> Self {
        Self::new(
            Class::Unreachable,
            format!("The storage {storage} is not there."),
        )
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Storage {
            full: fault.class == Class::Full,
            unreachable: fault.class == Class::Unreachable,
            detail: fault.detail,
        }
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// The last cause says most; the ones before repeat it.
fn shortened(words: &str) -> &str {
    let start = words.rfind(": ").map_or(0, |at| at + 2);
    words.get(start..).unwrap_or(words).trim_end_matches('.')
}

/// `InsufficientStorage` and 507 (RFC 4918), `XMinioStorageFull` (`MinIO`), `QuotaExceeded` (Ceph).
fn says_full(words: &str) -> bool {
    [
        "507",
        "InsufficientStorage",
        "StorageFull",
        "QuotaExceeded",
        "No space left",
    ]
    .iter()
    .any(|sign| words.contains(sign))
}

fn says_gone(words: &str) -> bool {
    [
        "error sending request",
        "Connection refused",
        "dns error",
        "timed out",
        "NoSuchBucket",
    ]
    .iter()
    .any(|sign| words.contains(sign))
}

/// The newest fault of a storage. The engine replaces errors of its writer threads by its own; this one tells the cause.
#[derive(Debug, Default)]
pub(super) struct Newest(Mutex<Option<Fault>>);

impl Newest {
    /// Remembers a fault and hands it to the engine.
    pub(super) fn report(&self, fault: Fault) -> Box<RusticError> {
        if let (Ok(mut newest), Class::Full | Class::Unreachable) = (self.0.lock(), fault.class) {
            *newest = Some(fault.clone());
        }
        RusticError::with_source(ErrorKind::Backend, fault.detail.clone(), fault)
    }

    /// Forgets what was: an operation begins.
    pub(super) fn clear(&self) {
        if let Ok(mut newest) = self.0.lock() {
            *newest = None;
        }
    }

    /// Turns an error of the engine into ours.
    pub(super) fn explain(&self, what: &str, error: &RusticError) -> Error {
        let cause = std::iter::successors(Some(error as &dyn std::error::Error), |error| {
            error.source()
        })
        .find_map(|error| error.downcast_ref::<Fault>())
        .cloned()
        .or_else(|| self.0.lock().ok().and_then(|newest| newest.clone()));
        match cause {
            Some(fault) => fault.into(),
            None => Error::storage(format!("{what} failed: {}.", one_line(&error.to_string()))),
        }
    }
}

/// The engine's report is many lines long; its message is the part between the headings.
pub(super) fn one_line(report: &str) -> String {
    let message = report
        .split_once("Message:")
        .map_or(report, |(_, rest)| rest);
    let message = message
        .split_once("Some additional details")
        .map_or(message, |(message, _)| message);
    message
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .trim_end_matches('.')
        .to_owned()
}

#[cfg(test)]
mod tests;
