//! What a snapshot is made of, read strictly: whatever cannot be read as announced is an error.
//!
//! Entries are the same on every machine: fixed modes, no owners, no inodes, times for files only. A file's time must be true, since
//! a file of the same path, size and time as in the parent snapshot is taken over from there unread.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use rustic_core::jiff::Timestamp;
use rustic_core::repofile::Metadata;

use crate::Error;

/// The bit that marks folders in restic's modes, which are those of Go (`io/fs`, `ModeDir`).
const FOLDER: u32 = 1 << 31;

/// Files and folders of a snapshot, by path.
///
/// A source of bytes that comes without a length is not possible here: restic would restore it as an empty file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    /// Path components as bytes: their order is that of the format, siblings by name and folders before what they hold.
    pub(super) entries: BTreeMap<Vec<Vec<u8>>, Entry>,
}

#[derive(Debug, Clone)]
pub(super) enum Entry {
    Folder,
    File {
        content: Content,
        size: u64,
        modified: Timestamp,
    },
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    /// A file on this machine.
    Local(PathBuf),
    /// Read already.
    Memory(Bytes),
    /// Held by the parent snapshot only.
    Stored,
}

impl Tree {
    /// Adds a folder with all that is in it.
    #[cfg(test)]
    pub(crate) fn add_folder(&mut self, at: &str, folder: &Path) -> Result<(), Error> {
        self.walk(&parts(at), folder, &|_| true)
    }

    /// Adds a bare git repository. References are read at once and before the objects, so that none points to an object that is
    /// written later; unfinished and transient files are left out.
    pub(crate) fn add_mirror(&mut self, at: &str, folder: &Path) -> Result<(), Error> {
        let root = parts(at);
        let held = |name: &OsStr| matches!(name.as_bytes(), b"HEAD" | b"packed-refs" | b"refs");
        self.walk(&root, folder, &held)?;
        for (path, entry) in self.entries.range_mut(root.clone()..) {
            if !path.starts_with(&root) {
                break;
            }
            entry.read_now()?;
        }
        self.walk(&root, folder, &|name| !held(name) && !is_transient(name))
    }

    /// Adds one file.
    pub(crate) fn add_file(&mut self, at: &str, file: &Path) -> Result<(), Error> {
        self.add(parts(at), file)
    }

    /// Adds a file whose content the parent snapshot holds and this machine need not.
    pub(crate) fn add_stored(
        &mut self,
        at: &str,
        size: u64,
        modified: SystemTime,
    ) -> Result<(), Error> {
        let modified =
            timestamp(modified).map_err(|error| Error::staging(Path::new(at), &error))?;
        self.insert(
            parts(at),
            Entry::File {
                content: Content::Stored,
                size,
                modified,
            },
        );
        Ok(())
    }

    /// How many files there are.
    pub(super) fn files(&self) -> u64 {
        let files = self
            .entries
            .values()
            .filter(|entry| matches!(entry, Entry::File { .. }));
        files.count() as u64
    }

    fn walk(
        &mut self,
        at: &[Vec<u8>],
        folder: &Path,
        takes: &dyn Fn(&OsStr) -> bool,
    ) -> Result<(), Error> {
        let failed = |error: io::Error| Error::staging(folder, &error);
        self.insert(at.to_vec(), Entry::Folder);
        for item in fs::read_dir(folder).map_err(failed)? {
            let item = item.map_err(failed)?;
            if !takes(&item.file_name()) {
                continue;
            }
            let mut path = at.to_vec();
            path.push(item.file_name().as_bytes().to_vec());
            let kind = item.file_type().map_err(failed)?;
            if kind.is_dir() {
                self.walk(&path, &item.path(), &|name| !is_transient(name))?;
            } else if kind.is_file() {
                self.add(path, &item.path())?;
            } else {
                return Err(Error::Staging {
                    detail: format!("{} is neither a file nor a folder.", item.path().display()),
                    full: false,
                });
            }
        }
        Ok(())
    }

    fn add(&mut self, at: Vec<Vec<u8>>, file: &Path) -> Result<(), Error> {
        let failed = |error: io::Error| Error::staging(file, &error);
        let found = fs::metadata(file).map_err(failed)?;
        let modified = found.modified().and_then(timestamp).map_err(failed)?;
        self.insert(
            at,
            Entry::File {
                content: Content::Local(file.to_owned()),
                size: found.len(),
                modified,
            },
        );
        Ok(())
    }

    /// Adds an entry and the folders above it.
    fn insert(&mut self, at: Vec<Vec<u8>>, entry: Entry) {
        for depth in 1..at.len() {
            if let Some(above) = at.get(..depth) {
                self.entries.entry(above.to_vec()).or_insert(Entry::Folder);
            }
        }
        self.entries.insert(at, entry);
    }
}

impl Entry {
    /// Takes a local file's content into memory.
    fn read_now(&mut self) -> Result<(), Error> {
        if let Self::File { content, size, .. } = self
            && let Content::Local(path) = content
        {
            let bytes = fs::read(&*path).map_err(|error| Error::staging(path, &error))?;
            *size = bytes.len() as u64;
            *content = Content::Memory(bytes.into());
        }
        Ok(())
    }

    pub(super) fn metadata(&self) -> Metadata {
        match self {
            Self::Folder => Metadata {
                mode: Some(FOLDER | 0o755),
                ..Metadata::default()
            },
            Self::File { size, modified, .. } => Metadata {
                mode: Some(0o644),
                mtime: Some(*modified),
                size: *size,
                ..Metadata::default()
            },
        }
    }
}

fn parts(path: &str) -> Vec<Vec<u8>> {
    path.split('/')
        .map(|part| part.as_bytes().to_vec())
        .collect()
}

/// Files that git makes while it works.
fn is_transient(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.ends_with(b".lock")
        || name.ends_with(b".keep")
        || name.starts_with(b"tmp_")
        || name == b"FETCH_HEAD"
}

fn timestamp(time: SystemTime) -> io::Result<Timestamp> {
    Timestamp::try_from(time).map_err(io::Error::other)
}
