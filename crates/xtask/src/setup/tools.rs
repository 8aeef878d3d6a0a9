//! Programs that must be on the search path.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::apt;
use crate::environment;

/// Where a program is, if it is anywhere on the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = environment::variable("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// A program that must be there: installed from its package where that is possible.
pub(crate) fn require(program: &str, package: &str) -> Result<PathBuf> {
    if let Some(found) = find(program) {
        return Ok(found);
    }
    apt::install(&[package])?;
    match find(program) {
        Some(found) => Ok(found),
        None => bail!("{program} is still missing after the installation of {package}"),
    }
}

/// What every task needs: the product calls git.
pub(crate) fn require_git() -> Result<PathBuf> {
    require("git", "git")
}
