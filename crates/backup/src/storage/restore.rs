//! Bringing a snapshot back as files.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::read::{Extracted, Reader};
use super::{Inner, Storage};
use crate::manifest::{self, Manifest};
use crate::progress::{Progress, Stage};
use crate::{Error, digest, git};

/// How often progress is told.
const TICK: Duration = Duration::from_millis(250);
/// Lost files that a sentence names; the rest is counted.
const NAMED: usize = 3;

/// What was restored, and found to be what the manifest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Files written.
    pub files: u64,
    /// Bytes written.
    pub bytes: u64,
}

impl Storage {
    /// Restores a snapshot to a folder that is empty or new, then checks every hash of its manifest and the git repositories.
    ///
    /// After an error the folder holds what could be read: the sentence says what is missing.
    pub async fn restore(
        &self,
        id: &str,
        to: &Path,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Restored, Error> {
        let (id, target) = (id.to_owned(), to.to_owned());
        let written = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&written);
        let work = self.on_thread(move |inner| {
            make_target(&target)?;
            let extracted = inner.extract(&id, &target, |_| true, &counter)?;
            inner.whole(&extracted, &target)?;
            Ok(extracted)
        });
        tokio::pin!(work);
        let mut tick = tokio::time::interval(TICK);
        let extracted = loop {
            tokio::select! {
                extracted = &mut work => break extracted?,
                _ = tick.tick() => progress(Progress {
                    stage: Stage::Restore,
                    kind: None,
                    done: written.load(Ordering::Relaxed),
                    total: None,
                }),
            }
        };
        let manifest = check_files(to.to_owned()).await?;
        for (folder, references) in manifest.mirrors() {
            git::check(&to.join(folder), references).await?;
        }
        Ok(Restored {
            files: extracted.files,
            bytes: extracted.bytes,
        })
    }

    /// Brings part of a snapshot into the working folder.
    pub(crate) async fn extract(
        &self,
        id: &str,
        to: &Path,
        wanted: fn(&Path) -> bool,
    ) -> Result<(), Error> {
        let (id, to) = (id.to_owned(), to.to_owned());
        self.on_thread(move |inner| {
            let extracted = inner.extract(&id, &to, wanted, &AtomicU64::new(0))?;
            inner.whole(&extracted, &to)
        })
        .await
    }

    /// The manifest of a snapshot; nothing if the storage does not hold the snapshot.
    pub(crate) async fn manifest(&self, id: &str) -> Result<Option<Manifest>, Error> {
        let id = id.to_owned();
        self.on_thread(move |inner| {
            let reader = Reader::open(inner)?;
            let snapshot = match inner.snapshot(&inner.connect()?, &id) {
                Ok(snapshot) => snapshot,
                Err(
                    gone @ Error::Storage {
                        unreachable: true, ..
                    },
                ) => return Err(gone),
                Err(_) => return Ok(None),
            };
            let items = reader.items(&snapshot)?;
            match items
                .iter()
                .find(|item| item.path == Path::new(manifest::FILE))
            {
                Some(item) => Manifest::parse(&reader.content(item)?).map(Some),
                None => Ok(None),
            }
        })
        .await
    }
}

impl Inner {
    fn extract(
        &self,
        id: &str,
        to: &Path,
        wanted: fn(&Path) -> bool,
        written: &AtomicU64,
    ) -> Result<Extracted, Error> {
        let reader = Reader::open(self)?;
        let snapshot = self.snapshot(&self.connect()?, id)?;
        let mut items = reader.items(&snapshot)?;
        items.retain(|item| wanted(&item.path));
        reader.extract(&items, to, written)
    }

    /// Whether every file came.
    pub(super) fn whole(&self, extracted: &Extracted, to: &Path) -> Result<(), Error> {
        if extracted.lost.is_empty() {
            return Ok(());
        }
        let mut named = extracted
            .lost
            .iter()
            .take(NAMED)
            .cloned()
            .collect::<Vec<_>>()
            .join(" ");
        if extracted.lost.len() > NAMED {
            named.push_str(" …");
        }
        Err(Error::storage(format!(
            "{} files in {} are damaged; the other {} are in {}. {named}",
            extracted.lost.len(),
            self.backend.objects.name(),
            extracted.files,
            to.display()
        )))
    }
}

/// Nothing is ever overwritten.
fn make_target(to: &Path) -> Result<(), Error> {
    let refuse = |why: &str| Error::Staging {
        detail: format!(
            "{} {why}: name a folder that is empty or does not exist yet.",
            to.display()
        ),
        full: false,
    };
    match fs::read_dir(to) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(refuse("is not empty")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(to).map_err(|error| Error::staging(to, &error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(refuse("is not a folder"))
        }
        Err(error) => Err(Error::staging(to, &error)),
    }
}

/// Compares restored files with their manifest.
async fn check_files(root: PathBuf) -> Result<Manifest, Error> {
    crate::blocking::blocking(move || {
        let path = root.join(manifest::FILE);
        let bytes = fs::read(&path).map_err(|error| Error::staging(&path, &error))?;
        let manifest = Manifest::parse(&bytes)?;
        let mut differing = BTreeSet::new();
        for (file, expected) in manifest.files() {
            let path = root.join(file);
            if !path.is_file() || digest::of_file(&path)? != *expected {
                differing.insert(file);
            }
        }
        match differing.first() {
            None => Ok(manifest),
            Some(first) => Err(Error::storage(format!(
                "{} restored files are not what the manifest says, {first} among them.",
                differing.len()
            ))),
        }
    })
    .await
}
