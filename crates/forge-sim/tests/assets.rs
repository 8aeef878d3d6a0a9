//! Where the published descriptions and the foreign clients are.

use std::path::PathBuf;

/// The folder that holds them; without it the test cannot say anything.
#[expect(
    clippy::disallowed_methods,
    reason = "the one thing that only the environment can tell"
)]
pub(crate) fn folder() -> PathBuf {
    match std::env::var_os("HOLDFAST_TEST_ASSETS") {
        Some(folder) => PathBuf::from(folder),
        None => panic!(
            "HOLDFAST_TEST_ASSETS is not set: run `cargo xtask test`, which fetches GitHub's published descriptions \
             and the foreign clients and tells the tests where they are"
        ),
    }
}

/// A package of npm.
pub(crate) fn npm(package: &str) -> PathBuf {
    folder().join("npm/node_modules").join(package)
}

/// The packages of Python.
pub(crate) fn python() -> PathBuf {
    folder().join("python")
}
