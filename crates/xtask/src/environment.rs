//! The only reader of the environment here.

use std::ffi::OsString;
use std::path::PathBuf;

/// A variable's value, if it is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "the product's own reader is out of reach: this crate knows no other"
)]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The same as text.
pub(crate) fn text(name: &str) -> Option<String> {
    variable(name).and_then(|value| value.into_string().ok())
}

/// Where things are kept that are worth keeping between runs and between checkouts.
pub(crate) fn cache_folder() -> PathBuf {
    if let Some(folder) = variable("HOLDFAST_CACHE") {
        return folder.into();
    }
    variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .unwrap_or_else(|| PathBuf::from("target"))
        .join("holdfast")
}
