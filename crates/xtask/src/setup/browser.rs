//! The browser that the console is tried in.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{apt, tools};
use crate::environment;

/// What it may be called. The driver speaks to every browser of this family.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The browser, and a font for the few characters that the console's own one does not have.
const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];

/// `HOLDFAST_TEST_BROWSER`, the search path, then an installation.
pub(crate) fn require() -> Result<PathBuf> {
    if let Some(given) = environment::variable("HOLDFAST_TEST_BROWSER") {
        return Ok(given.into());
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    apt::install(&PACKAGES)?;
    match find() {
        Some(found) => Ok(found),
        None => bail!("chromium is still missing after its installation"),
    }
}

fn find() -> Option<PathBuf> {
    PROGRAMS.iter().find_map(|program| tools::find(program))
}
