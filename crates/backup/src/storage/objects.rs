//! Objects by type and id, in a folder or in an object store, laid out as restic lays them out.

mod bucket;
mod folder;

use bytes::Bytes;
use rustic_core::{BytesList, FileType, Id};

use self::bucket::Bucket;
use self::folder::Folder;
use super::Location;
use super::fault::Fault;

/// Where the objects of one repository lie.
#[derive(Debug)]
pub(super) enum Objects {
    Folder(Folder),
    Bucket(Bucket),
}

impl Objects {
    /// Names the place; touches nothing.
    pub(super) fn at(location: &Location, prefix: &str) -> Result<Self, Fault> {
        match location {
            Location::Local { path } => Ok(Self::Folder(Folder::new(path, prefix))),
            Location::S3 { .. } => Ok(Self::Bucket(Bucket::connect(location, prefix)?)),
        }
    }

    /// Objects in any object store, for the tests.
    #[cfg(test)]
    pub(super) fn over(store: std::sync::Arc<dyn object_store::ObjectStore>, name: &str) -> Self {
        Self::Bucket(Bucket::over(store, "", name.to_owned()))
    }

    /// The place, for sentences.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Folder(folder) => folder.name(),
            Self::Bucket(bucket) => bucket.name(),
        }
    }

    /// Makes room for a new repository; refuses when something is there already.
    pub(super) fn prepare(&self) -> Result<(), Fault> {
        match self {
            Self::Folder(folder) => folder.prepare(),
            Self::Bucket(bucket) => bucket.prepare(),
        }
    }

    /// All objects of a type with their sizes. A listing that breaks off is an error.
    pub(super) fn list(&self, kind: FileType) -> Result<Vec<(Id, u64)>, Fault> {
        match self {
            Self::Folder(folder) => folder.list(kind),
            Self::Bucket(bucket) => bucket.list(kind),
        }
    }

    /// A whole object.
    pub(super) fn read(&self, kind: FileType, id: &Id) -> Result<Bytes, Fault> {
        match self {
            Self::Folder(folder) => folder.read(kind, id),
            Self::Bucket(bucket) => bucket.read(kind, id),
        }
    }

    /// Part of an object.
    pub(super) fn read_range(
        &self,
        kind: FileType,
        id: &Id,
        offset: u32,
        length: u32,
    ) -> Result<Bytes, Fault> {
        match self {
            Self::Folder(folder) => folder.read_range(kind, id, offset, length),
            Self::Bucket(bucket) => bucket.read_range(kind, id, offset, length),
        }
    }

    /// Writes an object; when it returns, the object survives a power cut.
    pub(super) fn write(&self, kind: FileType, id: &Id, content: BytesList) -> Result<(), Fault> {
        match self {
            Self::Folder(folder) => folder.write(kind, id, &content),
            Self::Bucket(bucket) => bucket.write(kind, id, content),
        }
    }

    /// Removes an object.
    pub(super) fn remove(&self, kind: FileType, id: &Id) -> Result<(), Fault> {
        match self {
            Self::Folder(folder) => folder.remove(kind, id),
            Self::Bucket(bucket) => bucket.remove(kind, id),
        }
    }

    /// Sets a damaged object aside under `quarantine/`, so that the engine no longer counts on it.
    pub(super) fn quarantine(&self, kind: FileType, id: &Id) -> Result<(), Fault> {
        match self {
            Self::Folder(folder) => folder.quarantine(kind, id),
            Self::Bucket(bucket) => bucket.quarantine(kind, id),
        }
    }

    /// Removes what killed writers left behind.
    pub(super) fn sweep(&self) -> Result<(), Fault> {
        match self {
            Self::Folder(folder) => folder.sweep(),
            Self::Bucket(_) => Ok(()),
        }
    }
}

/// Path of an object below the repository (restic's `default` layout).
fn path(kind: FileType, id: &Id) -> String {
    let hex = id.to_hex();
    let hex = hex.as_str();
    match kind {
        FileType::Config => "config".to_owned(),
        FileType::Pack => format!("data/{}/{hex}", hex.get(..2).unwrap_or_default()),
        FileType::Snapshot | FileType::Index | FileType::Key => {
            format!("{}/{hex}", kind.dirname())
        }
    }
}
