//! The file that keeps the master key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use domain::Secret;
use zeroize::Zeroizing;

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
            Ok(file) => return Self::read(file, path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let key = random_key()?;
        let text = Zeroizing::new(hex::encode(key.as_slice()));
        create(path, &text).map_err(failed)?;
        Self::read(File::open(path).map_err(failed)?, path)
    }

    fn read(file: File, path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::MasterKeyFile {
            path: path.to_owned(),
            source,
        };
        let mode = file.metadata().map_err(failed)?.mode();
        if mode & OTHERS != 0 {
            return Err(Error::MasterKeyExposed {
                path: path.to_owned(),
            });
        }
        let mut text = Zeroizing::new(String::new());
        file.take(LONGEST)
            .read_to_string(&mut text)
            .map_err(failed)?;
        Self::from_text(&Secret::new(text.as_str()))
    }
}

/// Writes the key beside its place and links it there, so that nobody reads half a key and no key is ever overwritten.
fn create(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", uuid::Uuid::now_v7()));
    let beside = Path::new(&beside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(beside)?;
    let written = writeln!(file, "{text}")
        .and_then(|()| file.sync_all())
        .and_then(|()| match fs::hard_link(beside, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    fs::remove_file(beside)?;
    written
}
