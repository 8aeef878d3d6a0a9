//! The file that keeps the master key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::Secret;
use zeroize::Zeroizing;

use super::ring::{Ring, Version};
use super::{Sealer, random_key};
use crate::Error;

/// The bits of a file's mode by which anybody but its owner may do anything with it.
const OTHERS: u32 = 0o077;

/// A master key's file is no longer than this; anything longer is something else.
const LONGEST: u64 = 1024;

impl Sealer {
    /// Reads the master key from its file; makes both if there is no such file, readable by its owner alone.
    ///
    /// Several processes may do so at once: they end up with one key.
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::MasterKeyFile {
            path: path.to_owned(),
            source,
        };
        match File::open(path) {
            Ok(_) => return Ring::from_file(path).map(Self),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let key = random_key()?;
        let text = Zeroizing::new(hex::encode(key.as_slice()));
        create(path, &text).map_err(failed)?;
        Ring::from_file(path).map(Self)
    }
}

/// Reads the keys in a file, and by what it will be seen that the file was replaced.
pub(super) fn read(path: &Path) -> Result<(Secret, Version), Error> {
    let failed = |source| Error::MasterKeyFile {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.mode() & OTHERS != 0 {
        return Err(Error::MasterKeyExposed {
            path: path.to_owned(),
        });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok((Secret::new(text.as_str()), Version::of(&metadata)))
}

/// Puts other keys in the place of those in a file; who reads meanwhile reads the ones or the others.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::MasterKeyFile {
        path: path.to_owned(),
        source,
    };
    let beside = write_beside(path, text).map_err(failed)?;
    fs::rename(&beside, path).map_err(|source| {
        drop(fs::remove_file(&beside));
        failed(source)
    })?;
    // The rename itself lasts through a crash only when the folder is written too.
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

/// Writes the key beside its place and links it there, so that nobody reads half a key and no key is ever overwritten.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let beside = write_beside(path, text)?;
    let linked = match fs::hard_link(&beside, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    };
    fs::remove_file(beside)?;
    linked
}

/// Writes a file of another name into the same folder, for its owner alone.
fn write_beside(path: &Path, text: &str) -> io::Result<PathBuf> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", uuid::Uuid::now_v7()));
    let beside = PathBuf::from(beside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    writeln!(file, "{text}")
        .and_then(|()| file.sync_all())
        .inspect_err(|_| drop(fs::remove_file(&beside)))?;
    Ok(beside)
}
