//! Whether a repository is whole.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::command::Git;
use super::failure::Failure;
use super::mirror::Mirror;
use crate::Error;
use crate::manifest::References;

/// Lets git check every object and connection, and compares the references with the manifest's.
pub(crate) async fn check(repository: &Path, expected: &References) -> Result<(), Error> {
    let name = repository
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mirror = Mirror::at(repository.to_owned(), CancellationToken::new());
    let found = mirror
        .references()
        .map_err(|failure| failure.into_error(&format!("Reading the references of {name}")))?
        .digest();
    if found != *expected {
        return Err(Error::storage(format!(
            "The references of {name} are not what the manifest says: {} instead of {}, or others.",
            found.count, expected.count
        )));
    }
    fsck(&mirror)
        .await
        .map_err(|failure| Error::storage(format!("git fsck of {name} found: {}", failure.words)))
}

/// `git fsck`, which also complains of history that was malformed from the start: that is kept as it is.
async fn fsck(mirror: &Mirror) -> Result<(), Failure> {
    let arguments = [
        "fsck",
        "--full",
        "--no-dangling",
        "--no-reflogs",
        "--progress",
    ];
    let ended = Git::on(mirror.path(), arguments)
        .accepting(|status| status.code().is_some())
        .run_whole(mirror.cancel())
        .await?;
    let stdout = String::from_utf8_lossy(&ended.stdout).into_owned();
    let damage = |line: &&str| {
        ["error: ", "fatal: ", "missing ", "broken link"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let found = stdout
        .lines()
        .chain(ended.stderr.split(['\n', '\r']))
        .map(str::trim)
        .find(damage);
    match (ended.status.code(), found) {
        (_, Some(line)) => Err(Failure::read(line)),
        // Bit 0 alone: objects that are whole but malformed (git fsck, exit codes in builtin/fsck.c).
        (Some(0 | 1), None) => Ok(()),
        (_, None) => Err(Failure::read(&ended.stderr)),
    }
}
