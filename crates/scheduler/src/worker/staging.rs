//! The working folder of a repository, which one fetch uses at a time, whatever process of this machine it belongs to.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{Content, Part};
use store::ClaimedFetch;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::Error;

/// Time between two attempts at a folder that is in use.
const PAUSE: Duration = Duration::from_millis(300);

/// A working folder that nobody else uses. The lock ends with the value, or with the process.
#[derive(Debug)]
pub(super) struct Staging {
    pub(super) path: PathBuf,
    _lock: File,
}

impl Staging {
    /// Waits until the folder is free. Two plans may name the same repository; if they take different parts of it, each kind of
    /// content has a folder of its own, so that neither plan throws away what the other one has read.
    pub(super) async fn lock(
        data: &Path,
        claim: &ClaimedFetch,
        cancel: &CancellationToken,
    ) -> Result<Self, Error> {
        let folder = data
            .join("staging")
            .join(claim.tenant.to_string())
            .join(segment(&claim.host.authority()));
        let failed = |source| Error::Folder {
            path: folder.clone(),
            source,
        };
        tokio::fs::create_dir_all(&folder).await.map_err(failed)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(format!("{}.lock", claim.forge_id)))
            .map_err(failed)?;
        let mut waits = false;
        loop {
            match lock.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        path: folder.join(named(claim.forge_id, &claim.content)),
                        _lock: lock,
                    });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {
                    if !waits {
                        info!(
                            "Another fetch of this repository is under way; this one waits for it."
                        );
                        waits = true;
                    }
                }
            }
            tokio::select! {
                () = cancel.cancelled() => return Err(backup::Error::Cancelled.into()),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

/// The folder's name: the repository's number, and the parts that are left out.
fn named(forge_id: i64, content: &Content) -> String {
    let without = Part::ALL.into_iter().filter(|part| !content.takes(*part));
    without.fold(forge_id.to_string(), |name, part| {
        format!("{name}-no-{part}")
    })
}

/// A host's name as one part of a path.
fn segment(authority: &str) -> String {
    authority
        .chars()
        .map(|c| match c {
            '/' | ':' | '[' | ']' => '_',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_with_different_content_do_not_share_a_folder() {
        assert_eq!(named(7, &Content::default()), "7");
        assert_eq!(
            named(7, &Content::without([Part::Wiki, Part::Lfs])),
            "7-no-lfs-no-wiki"
        );
    }
}
