//! Where the tests find what is fetched and not committed.

use std::path::PathBuf;

/// A file or folder among the fetched test material.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no configuration to take it from"
)]
pub(crate) fn test_assets(path: &str) -> PathBuf {
    let folder = std::env::var("HOLDFAST_TEST_ASSETS")
        .expect("HOLDFAST_TEST_ASSETS names no folder: run the tests with `cargo xtask test`, which fetches what they need");
    PathBuf::from(folder).join(path)
}
