//! Objects as files. A folder that has gone away is never made again: the disk behind it may only be unmounted.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use rustic_core::{BytesList, FileType, Id};
use uuid::Uuid;

use super::super::fault::Fault;
use super::path;

/// Names of files that are being written begin so; anything that does not look like an id is ignored by listings.
const UNFINISHED: &str = ".unfinished-";

/// The folders of a repository, the packs' 256 apart.
const FOLDERS: [&str; 5] = ["data", "index", "keys", "locks", "snapshots"];

/// How old an unfinished file must be before it counts as left behind by a killed writer.
const ABANDONED: Duration = Duration::from_hours(24);

/// A repository in a folder.
#[derive(Debug)]
pub(in crate::storage) struct Folder {
    /// The storage, which must be there.
    storage: PathBuf,
    /// The repository inside it.
    root: PathBuf,
    name: String,
}

impl Folder {
    pub(super) fn new(storage: &Path, prefix: &str) -> Self {
        Self {
            storage: storage.to_owned(),
            root: storage.join(prefix),
            name: storage.display().to_string(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn prepare(&self) -> Result<(), Fault> {
        if !self.storage.is_dir() {
            return Err(Fault::absent(&self.name));
        }
        self.done(fs::create_dir_all(&self.root))?;
        let mut entries = self.done(fs::read_dir(&self.root))?;
        if entries.next().is_some() {
            return Err(Fault::occupied(&self.root.display().to_string()));
        }
        for folder in FOLDERS {
            self.done(fs::create_dir(self.root.join(folder)))?;
        }
        let packs = self.root.join("data");
        for first in 0..=u8::MAX {
            self.done(fs::create_dir(packs.join(format!("{first:02x}"))))?;
        }
        self.sync(&packs)?;
        let made = self.root.ancestors();
        for folder in made.take_while(|folder| folder.starts_with(&self.storage)) {
            self.sync(folder)?;
        }
        Ok(())
    }

    pub(super) fn list(&self, kind: FileType) -> Result<Vec<(Id, u64)>, Fault> {
        match kind {
            FileType::Config => match fs::metadata(self.root.join("config")) {
                Ok(file) => Ok(vec![(Id::default(), file.len())]),
                Err(error) if error.kind() == ErrorKind::NotFound && self.root.is_dir() => {
                    Ok(Vec::new())
                }
                Err(error) => Err(self.fault(&error)),
            },
            FileType::Pack => {
                let mut all = Vec::new();
                for folder in self.done(fs::read_dir(self.root.join("data")))? {
                    let folder = self.done(folder)?.path();
                    if folder.is_dir() {
                        self.list_folder(&folder, &mut all)?;
                    }
                }
                Ok(all)
            }
            FileType::Snapshot | FileType::Index | FileType::Key => {
                let mut all = Vec::new();
                self.list_folder(&self.root.join(kind.dirname()), &mut all)?;
                Ok(all)
            }
        }
    }

    fn list_folder(&self, folder: &Path, all: &mut Vec<(Id, u64)>) -> Result<(), Fault> {
        for entry in self.done(fs::read_dir(folder))? {
            let entry = self.done(entry)?;
            let id = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(id) = id {
                all.push((id, self.done(entry.metadata())?.len()));
            }
        }
        Ok(())
    }

    pub(super) fn read(&self, kind: FileType, id: &Id) -> Result<Bytes, Fault> {
        self.done(fs::read(self.path(kind, id))).map(Bytes::from)
    }

    pub(super) fn read_range(
        &self,
        kind: FileType,
        id: &Id,
        offset: u32,
        length: u32,
    ) -> Result<Bytes, Fault> {
        let read = || {
            let mut file = File::open(self.path(kind, id))?;
            file.seek(SeekFrom::Start(offset.into()))?;
            let mut content = vec![0; length as usize];
            file.read_exact(&mut content)?;
            Ok(content.into())
        };
        self.done(read())
    }

    pub(super) fn write(&self, kind: FileType, id: &Id, content: &BytesList) -> Result<(), Fault> {
        let target = self.path(kind, id);
        let folder = target.parent().unwrap_or(&self.root);
        let unfinished = folder.join(format!("{UNFINISHED}{}", Uuid::now_v7()));
        let written = (|| {
            let mut file = File::create_new(&unfinished)?;
            for part in content.slice() {
                file.write_all(part)?;
            }
            file.sync_all()?;
            fs::rename(&unfinished, &target)?;
            File::open(folder)?.sync_all()
        })();
        if written.is_err()
            && let Err(error) = fs::remove_file(&unfinished)
        {
            tracing::debug!(%error, "an unfinished file stays behind until the next sweep");
        }
        self.done(written)
    }

    pub(super) fn remove(&self, kind: FileType, id: &Id) -> Result<(), Fault> {
        self.done(fs::remove_file(self.path(kind, id)))
    }

    pub(super) fn quarantine(&self, kind: FileType, id: &Id) -> Result<(), Fault> {
        let source = self.path(kind, id);
        let target = self.root.join("quarantine").join(path(kind, id));
        if let Some(folder) = target.parent() {
            self.done(fs::create_dir_all(folder))?;
        }
        self.done(fs::rename(source, target))
    }

    pub(super) fn sweep(&self) -> Result<(), Fault> {
        let packs = self.done(fs::read_dir(self.root.join("data")))?;
        let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|name| self.root.join(name)).collect();
        for folder in packs {
            folders.push(self.done(folder)?.path());
        }
        for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
            for entry in self.done(fs::read_dir(folder))? {
                let entry = self.done(entry)?;
                let unfinished = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
                let age = self
                    .done(entry.metadata())?
                    .modified()
                    .ok()
                    .and_then(|at| at.elapsed().ok());
                if unfinished && age.is_some_and(|age| age > ABANDONED) {
                    self.done(fs::remove_file(entry.path()))?;
                }
            }
        }
        Ok(())
    }

    fn path(&self, kind: FileType, id: &Id) -> PathBuf {
        self.root.join(path(kind, id))
    }

    fn sync(&self, folder: &Path) -> Result<(), Fault> {
        self.done(File::open(folder).and_then(|folder| folder.sync_all()))
    }

    fn done<T>(&self, result: io::Result<T>) -> Result<T, Fault> {
        result.map_err(|error| self.fault(&error))
    }

    /// A missing file means something else when the whole repository is missing.
    fn fault(&self, error: &io::Error) -> Fault {
        if error.kind() == ErrorKind::NotFound && !self.root.join("config").exists() {
            return Fault::absent(&self.name);
        }
        Fault::file(&self.name, error)
    }
}
