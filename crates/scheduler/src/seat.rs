//! A worker's place in its data folder. Whoever takes the place of a process that was killed gives its work back at once,
//! instead of waiting until that process counts as dead.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use domain::WorkerId;

use crate::Error;

/// The file whose lock is the place; it holds the id of the worker that last had it.
const FILE: &str = "worker";

/// A worker's place, held until the value or the process ends. Further processes on the same folder have none, and work all the same.
#[derive(Debug)]
pub(crate) struct Seat {
    file: Option<File>,
    path: PathBuf,
}

impl Seat {
    /// Takes the place in a folder, if it is free.
    pub(crate) fn take(data: &Path) -> Result<Self, Error> {
        let path = data.join(FILE);
        let failed = |source| Error::Folder {
            path: data.to_owned(),
            source,
        };
        std::fs::create_dir_all(data).map_err(failed)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        let file = match file.try_lock() {
            Ok(()) => Some(file),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        };
        Ok(Self { file, path })
    }

    /// The worker that had the place before: it is dead, or it could not be taken.
    pub(crate) fn predecessor(&mut self) -> Result<Option<WorkerId>, Error> {
        let Some(file) = &mut self.file else {
            return Ok(None);
        };
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|source| Error::Folder {
                path: self.path.clone(),
                source,
            })?;
        Ok(text.trim().parse().ok())
    }

    /// Writes the name of this worker at its place.
    pub(crate) fn sign(&mut self, worker: WorkerId) -> Result<(), Error> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{worker}"))
            .map_err(|source| Error::Folder {
                path: self.path.clone(),
                source,
            })
    }
}

#[cfg(test)]
mod tests;
