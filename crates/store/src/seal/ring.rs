//! The master keys that a process knows: the first one seals, all of them open.
//!
//! There is more than one only while the master key is being changed. A process whose keys come from a file notices the
//! change by itself: it looks at the file before it seals, and when nothing that it knows opens something.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::RandomizedNonceKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Secret;
use tracing::{info, warn};
use zeroize::Zeroizing;

use super::{KEY_LEN, cipher, file, open, seal};
use crate::Error;

/// More keys than any change of the master key needs.
const KEYS_MAX: usize = 4;

/// Master keys, and the file that they were read from.
pub(super) struct Ring {
    known: RwLock<Arc<Keys>>,
    file: Option<PathBuf>,
}

/// The keys at one time.
struct Keys {
    first: Arc<RandomizedNonceKey>,
    others: Vec<Arc<RandomizedNonceKey>>,
    /// What sealed before the file was read again: something read from the database just before may need it.
    former: Option<Arc<RandomizedNonceKey>>,
    version: Option<Version>,
}

/// By what a file that was replaced is told from what it was.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Version {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Version {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl Ring {
    pub(super) fn from_text(text: &Secret) -> Result<Self, Error> {
        Ok(Self {
            known: RwLock::new(Arc::new(Keys::parse(text, None)?)),
            file: None,
        })
    }

    pub(super) fn from_file(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            known: RwLock::new(Arc::new(Keys::read(path)?)),
            file: Some(path.to_owned()),
        })
    }

    /// How many keys open what this process reads.
    pub(super) fn len(&self) -> usize {
        self.refresh();
        1 + self.known().others.len()
    }

    pub(super) fn seal(&self, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.refresh();
        seal(&self.known().first, place, plain)
    }

    /// Opens with whichever key fits.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.known()
            .open(place, sealed)
            .or_else(|| self.refresh().then(|| self.known().open(place, sealed))?)
    }

    /// Seals anew with the first key what another one has sealed; nothing if that is how it is already.
    pub(super) fn reseal(&self, place: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let known = self.known();
        if open(&known.first, place, sealed).is_some() {
            return Ok(None);
        }
        let plain = known.open(place, sealed).ok_or(Error::WrongMasterKey)?;
        seal(&known.first, place, &plain).map(Some)
    }

    fn known(&self) -> Arc<Keys> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file again if it is not the one that was read, and says whether it did.
    fn refresh(&self) -> bool {
        let Some(path) = &self.file else { return false };
        let unchanged = path
            .metadata()
            .is_ok_and(|metadata| self.known().version == Some(Version::of(&metadata)));
        if unchanged {
            return false;
        }
        match Keys::read(path) {
            Ok(mut keys) => {
                keys.former = Some(Arc::clone(&self.known().first));
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
                info!("The master key's file has changed and was read again.");
                true
            }
            Err(error) => {
                warn!(%error, "The master key's file has changed and cannot be read: the keys known so far stay in use.");
                false
            }
        }
    }
}

impl Keys {
    fn read(path: &Path) -> Result<Self, Error> {
        let (text, version) = file::read(path)?;
        Self::parse(&text, Some(version))
    }

    fn parse(text: &Secret, version: Option<Version>) -> Result<Self, Error> {
        let mut keys = texts(text)
            .map(|text| parse_key(text).map(Arc::new))
            .collect::<Result<Vec<_>, Error>>()?
            .into_iter();
        match (keys.next(), keys.len()) {
            (Some(first), others) if others < KEYS_MAX => Ok(Self {
                first,
                others: keys.collect(),
                former: None,
                version,
            }),
            (Some(_), _) => Err(Error::MasterKey {
                detail: format!("there are more than {KEYS_MAX} keys: keep those that are in use."),
            }),
            (None, _) => Err(no_key()),
        }
    }

    fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        std::iter::once(&self.first)
            .chain(&self.others)
            .chain(&self.former)
            .find_map(|key| open(key, place, sealed))
    }
}

/// The keys that stand in a text, one after the other.
pub(super) fn texts(text: &Secret) -> impl Iterator<Item = &str> {
    text.expose()
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|key| !key.is_empty())
}

pub(super) fn parse_key(text: &str) -> Result<RandomizedNonceKey, Error> {
    let bytes = if text.len() == 2 * KEY_LEN {
        hex::decode(text).ok()
    } else {
        STANDARD.decode(text).ok()
    };
    let bytes = Zeroizing::new(bytes.unwrap_or_default());
    let key = <&[u8; KEY_LEN]>::try_from(bytes.as_slice())
        .map_err(|_error: std::array::TryFromSliceError| no_key())?;
    cipher(key)
}

fn no_key() -> Error {
    Error::MasterKey {
        detail: format!(
            "it must be {KEY_LEN} random bytes in hexadecimal or base64, as `openssl rand -hex {KEY_LEN}` prints."
        ),
    }
}
