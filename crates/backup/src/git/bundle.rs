//! A repository as one file that the git command can clone from.

use std::path::Path;

use super::command::Git;
use super::references::References;
use crate::storage::Inflow;
use crate::{Error, manifest};

/// Refuses a repository whose references are not those of the manifest.
pub(crate) fn check_references(
    repository: &Path,
    expected: &manifest::References,
) -> Result<(), Error> {
    let found = References::of_repository(repository)
        .map_err(|error| Error::staging(repository, &error))?;
    if found.digest() == *expected {
        return Ok(());
    }
    Err(Error::storage(
        "The references of the git repository are not those that the manifest names: verify the storage.",
    ))
}

/// Writes a bundle with everything that the repository's names point to.
pub(crate) async fn bundle(repository: &Path, to: &Inflow) -> Result<(), Error> {
    Git::on(repository, ["bundle", "create", "--quiet", "-", "--all"])
        .run_into(to)
        .await
        .map_err(|failure| failure.into_error("Writing the bundle"))
}
