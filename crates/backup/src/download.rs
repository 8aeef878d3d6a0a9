//! Files that come as a stream: written aside, checked for length and hash, then put in place.

use std::future::Future;
use std::path::Path;
use std::time::{Duration, SystemTime};

use forge::Download;
use futures_util::StreamExt;
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::manifest::Digest;
use crate::{Error, staging};

/// How often a download that comes damaged or breaks off is tried.
const ATTEMPTS: u32 = 3;
/// Wait before the second attempt; twice as long before the third.
const PAUSE: Duration = Duration::from_millis(500);

/// What is known of a file before it comes.
#[derive(Debug, Clone)]
pub(crate) struct Expected<'a> {
    /// Its name, for sentences.
    pub(crate) name: &'a str,
    pub(crate) size: u64,
    /// SHA-256 in hex, where the host tells it.
    pub(crate) sha256: Option<&'a str>,
    /// The time that the file is given.
    pub(crate) modified: SystemTime,
}

impl Expected<'_> {
    /// Fetches the file to a path. What comes damaged, or breaks off, is tried again.
    pub(crate) async fn fetch<F>(
        &self,
        to: &Path,
        mut open: impl FnMut() -> F,
    ) -> Result<Digest, Error>
    where
        F: Future<Output = Result<Download, forge::Error>>,
    {
        let mut attempt = 1;
        loop {
            let outcome = match open().await {
                Ok(download) => self.receive(download, to).await,
                Err(error) => Err(error.into()),
            };
            match outcome {
                Err(Error::Forge(error)) if attempt < ATTEMPTS && is_worth_repeating(&error) => {
                    tracing::debug!(name = self.name, attempt, %error, "a download is tried again");
                    tokio::time::sleep(PAUSE * attempt).await;
                    attempt += 1;
                }
                Err(Error::Forge(forge::Error::Corrupt { detail })) => {
                    let detail = format!("{detail} It was tried {attempt} times.");
                    return Err(forge::Error::Corrupt { detail }.into());
                }
                other => return other,
            }
        }
    }

    async fn receive(&self, mut download: Download, to: &Path) -> Result<Digest, Error> {
        let unfinished = staging::unfinished(to)?;
        let failed = |error: std::io::Error| Error::staging(to, &error);
        let mut file = File::create(&unfinished).await.map_err(failed)?;
        let (mut hash, mut size) = (Sha256::new(), 0_u64);
        while let Some(part) = download.body.next().await {
            let part = part?;
            size += part.len() as u64;
            if size > self.size {
                break;
            }
            hash.update(&part);
            file.write_all(&part).await.map_err(failed)?;
        }
        let digest = Digest {
            size,
            sha256: hex::encode(hash.finalize()),
        };
        self.judge(&digest)?;
        file.flush().await.map_err(failed)?;
        let file = file.into_std().await;
        file.set_modified(self.modified).map_err(failed)?;
        tokio::fs::rename(&unfinished, to).await.map_err(failed)?;
        Ok(digest)
    }

    /// Whether what came is what was announced.
    pub(crate) fn judge(&self, came: &Digest) -> Result<(), forge::Error> {
        let corrupt = |detail: String| Err(forge::Error::Corrupt { detail });
        if came.size > self.size {
            corrupt(format!(
                "{} came with more than its {} bytes.",
                self.name, self.size
            ))
        } else if came.size < self.size {
            corrupt(format!(
                "{} came with {} of {} bytes.",
                self.name, came.size, self.size
            ))
        } else if self
            .sha256
            .is_some_and(|hash| !hash.eq_ignore_ascii_case(&came.sha256))
        {
            corrupt(format!(
                "{} came with other content than the host announced.",
                self.name
            ))
        } else {
            Ok(())
        }
    }
}

fn is_worth_repeating(error: &forge::Error) -> bool {
    matches!(
        error,
        forge::Error::Corrupt { .. } | forge::Error::Transient { .. }
    )
}
