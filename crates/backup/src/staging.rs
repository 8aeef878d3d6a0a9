//! The working folder of one repository: what the next snapshot is made of, and how far a fetch has come.
//!
//! Disposable: a fetch that finds it gone brings it back from the newest snapshot or reads the host anew.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use domain::Kind;
use forge::Marks;
use rustix::fs::{FlockOperation, flock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::manifest::Digest;
use crate::{Error, digest, manifest};

/// Content of a snapshot in the folder; the rest stays here.
pub(crate) const CONTENT: [&str; 6] = ["git", "wiki", "metadata", "lfs", "assets", manifest::FILE];

/// A working folder, held by one fetch alone.
#[derive(Debug)]
pub(crate) struct Staging {
    root: PathBuf,
    /// The lock goes with the file, also when the process is killed.
    lock: File,
}

impl Drop for Staging {
    fn drop(&mut self) {
        // A program that is being started at this moment holds a copy of the file: closing ours would not end the lock yet.
        if let Err(error) = flock(&self.lock, FlockOperation::Unlock) {
            tracing::warn!(%error, "a working folder stays locked");
        }
    }
}

/// What the folder's content is the state of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Base {
    /// The snapshot that holds it.
    pub(crate) snapshot: String,
    /// What the host's list said of it.
    pub(crate) marks: Marks,
    /// Hash of the manifest, which lies in the folder.
    pub(crate) manifest_sha256: String,
}

/// Where it is noted what a fetch has finished, a line each.
const DONE: &str = "journal/done.ndjson";

/// What a fetch that did not end has finished: files, with the hash that proves that they were.
pub(crate) type Done = BTreeMap<Kind, Option<Digest>>;

/// One line of it.
#[derive(Debug, Serialize, Deserialize)]
struct Finished {
    /// What was asked for: something else begins anew.
    attempt: String,
    kind: Kind,
    digest: Option<Digest>,
}

impl Staging {
    /// Makes the folder if need be, and takes it; somebody else may hold it.
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        let journal = root.join("journal");
        fs::create_dir_all(&journal).map_err(|error| Error::staging(&journal, &error))?;
        let path = journal.join("lock");
        let lock = File::create(&path).map_err(|error| Error::staging(&path, &error))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| {
            if error == rustix::io::Errno::WOULDBLOCK {
                Error::Staging {
                    detail: format!("Another fetch is at work in {}.", root.display()),
                    full: false,
                }
            } else {
                Error::staging(&path, &error.into())
            }
        })?;
        Ok(Self {
            root: root.to_owned(),
            lock,
        })
    }

    /// A path in the folder.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What the content is the state of; nothing if the folder is new or was left in the middle of something.
    pub(crate) fn base(&self) -> Result<Option<Base>, Error> {
        let base: Option<Base> = read_json(&self.path("journal/base.json"))?;
        let manifest = self.path(manifest::FILE);
        Ok(match base {
            Some(base)
                if manifest.is_file()
                    && digest::of_file(&manifest)?.sha256 == base.manifest_sha256 =>
            {
                Some(base)
            }
            _ => None,
        })
    }

    /// Declares the content to be the state of a snapshot, and what was in progress to be over.
    pub(crate) fn set_base(&self, base: &Base) -> Result<(), Error> {
        write_json(&self.path("journal/base.json"), base)?;
        remove_file(&self.path(DONE))
    }

    /// What this attempt has finished before it was interrupted, as far as its files are whole.
    pub(crate) fn done(&self, attempt: &str) -> Result<Done, Error> {
        let path = self.path(DONE);
        let lines = match fs::read_to_string(&path) {
            Ok(lines) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::staging(&path, &error)),
        };
        let mut done = Done::default();
        // A line that is cut was being written when the process was killed.
        let finished = lines
            .lines()
            .filter_map(|line| serde_json::from_str::<Finished>(line).ok())
            .filter(|finished| finished.attempt == attempt);
        for Finished { kind, digest, .. } in finished {
            let path = self.path(&metadata_path(kind));
            let found = path.is_file().then(|| digest::of_file(&path)).transpose()?;
            if found == digest {
                done.insert(kind, digest);
            }
        }
        Ok(done)
    }

    /// Notes that an attempt has finished a kind.
    pub(crate) fn note_done(
        &self,
        attempt: &str,
        kind: Kind,
        digest: Option<Digest>,
    ) -> Result<(), Error> {
        let path = self.path(DONE);
        let note = || -> io::Result<()> {
            let mut line = serde_json::to_vec(&Finished {
                attempt: attempt.to_owned(),
                kind,
                digest,
            })?;
            // What a killed process left of its last line does not spoil this one.
            line.insert(0, b'\n');
            File::options()
                .create(true)
                .append(true)
                .open(&path)?
                .write_all(&line)
        };
        note().map_err(|error| Error::staging(&path, &error))
    }

    /// Empties the folder, its lock apart.
    pub(crate) fn clear(&self) -> Result<(), Error> {
        remove_file(&self.path("journal/base.json"))?;
        remove_file(&self.path(DONE))?;
        for name in CONTENT {
            let path = self.path(name);
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            absent_is_fine(removed).map_err(|error| Error::staging(&path, &error))?;
        }
        Ok(())
    }
}

/// Where the metadata of a kind lies.
pub(crate) fn metadata_path(kind: Kind) -> String {
    match kind {
        Kind::Settings => "metadata/settings.json".to_owned(),
        _ => format!("metadata/{kind}.ndjson"),
    }
}

/// Replaces a file as a whole, unless it has the same content already: its time then stays, and the next snapshot takes it over
/// unread. Answers whether it was replaced.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<bool, Error> {
    let failed = |error: io::Error| Error::staging(path, &error);
    match fs::read(path) {
        Ok(found) if found == content => return Ok(false),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let unfinished = unfinished(path)?;
    let mut file = File::create(&unfinished).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)?;
    Ok(true)
}

/// A name beside a file, under which its successor is written; makes the folder.
pub(crate) fn unfinished(path: &Path) -> Result<PathBuf, Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Error::staging(folder, &error))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    Ok(path.with_file_name(name))
}

/// Removes a file that may be gone already.
pub(crate) fn remove_file(path: &Path) -> Result<(), Error> {
    absent_is_fine(fs::remove_file(path)).map_err(|error| Error::staging(path, &error))
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The time that a file is given whose content never changes under its name, so that every machine agrees on it.
pub(crate) fn fixed_time(at: Option<DateTime<Utc>>) -> SystemTime {
    let seconds = at
        .and_then(|at| u64::try_from(at.timestamp()).ok())
        .unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Reads a small file of our own; one that is cut or of another version counts as absent.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::staging(path, &error)),
    }
}

pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let content = serde_json::to_vec(value).map_err(|error| Error::staging(path, &error.into()))?;
    replace(path, &content).map(|_replaced| ())
}

#[cfg(test)]
mod tests;
