//! From what was stored and what was read to what is stored next, a line at a time.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Lines, Write};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use forge::Collection;
use serde_json::Value;

use super::journal::Journal;
use crate::digest::Hashing;
use crate::manifest::Digest;
use crate::{Error, digest, staging};

/// A list is asked again for this much of what it told before: hosts round times and commit late.
const OVERLAP: TimeDelta = TimeDelta::seconds(2);

/// From when on changes are asked for; nothing if nothing is stored.
pub(super) fn watermark(
    path: &Path,
    collection: &Collection,
) -> Result<Option<DateTime<Utc>>, Error> {
    let mut newest = None;
    let mut stored = Stored::open(path, collection)?;
    while let Some(item) = stored.next_item()? {
        newest = newest.max((collection.updated_at)(&item.value));
    }
    Ok(newest.map(|newest| newest - OVERLAP))
}

/// The finished list, not yet in place.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) count: u64,
    digest: Digest,
}

impl Merged {
    /// Writes the list beside the file: what was read and, if wanted, what was stored and not read again. Sorted by key.
    pub(super) fn write(
        path: &Path,
        journal: &Journal,
        collection: &Collection,
        with_stored: bool,
    ) -> Result<Self, Error> {
        let failed = |error: io::Error| Error::staging(path, &error);
        let file = File::create(staging::unfinished(path)?).map_err(failed)?;
        let mut output = Hashing::new(BufWriter::new(file));
        let mut stored = if with_stored {
            Stored::open(path, collection)?
        } else {
            Stored::empty(path, collection)
        };
        let mut count = 0;
        let mut old = stored.next_item()?;
        for (key, line) in journal.lines()? {
            while let Some(item) = old.take_if(|item| item.key < key) {
                output.write_all(item.line.as_bytes()).map_err(failed)?;
                output.write_all(b"\n").map_err(failed)?;
                count += 1;
                old = stored.next_item()?;
            }
            if old.take_if(|item| item.key == key).is_some() {
                old = stored.next_item()?;
            }
            output.write_all(&line.map_err(failed)?).map_err(failed)?;
            count += 1;
        }
        while let Some(item) = old {
            output.write_all(item.line.as_bytes()).map_err(failed)?;
            output.write_all(b"\n").map_err(failed)?;
            count += 1;
            old = stored.next_item()?;
        }
        output.flush().map_err(failed)?;
        Ok(Self {
            count,
            digest: output.finish().1,
        })
    }

    /// Puts the list in place, unless it is there already; an empty list has no file.
    pub(super) fn publish(self, path: &Path) -> Result<Option<Digest>, Error> {
        let failed = |error: io::Error| Error::staging(path, &error);
        let unfinished = staging::unfinished(path)?;
        if self.count == 0 {
            staging::remove_file(&unfinished)?;
            staging::remove_file(path)?;
            return Ok(None);
        }
        if path.is_file() && digest::of_file(path)? == self.digest {
            staging::remove_file(&unfinished)?;
        } else {
            fs::rename(&unfinished, path).map_err(failed)?;
        }
        Ok(Some(self.digest))
    }
}

/// A file of JSON lines, sorted by key.
struct Stored<'a> {
    path: &'a Path,
    collection: &'a Collection,
    lines: Option<Lines<BufReader<File>>>,
}

struct Item {
    key: i64,
    line: String,
    value: Value,
}

impl<'a> Stored<'a> {
    fn open(path: &'a Path, collection: &'a Collection) -> Result<Self, Error> {
        let lines = match File::open(path) {
            Ok(file) => Some(BufReader::new(file).lines()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::staging(path, &error)),
        };
        Ok(Self {
            path,
            collection,
            lines,
        })
    }

    fn empty(path: &'a Path, collection: &'a Collection) -> Self {
        Self {
            path,
            collection,
            lines: None,
        }
    }

    fn next_item(&mut self) -> Result<Option<Item>, Error> {
        let Some(line) = self.lines.as_mut().and_then(Iterator::next) else {
            return Ok(None);
        };
        let failed = |error: io::Error| Error::staging(self.path, &error);
        let line = line.map_err(failed)?;
        let value: Value = serde_json::from_str(&line).map_err(|error| failed(error.into()))?;
        let key = (self.collection.key)(&value)
            .ok_or_else(|| failed(io::Error::other("a line has no number")))?;
        Ok(Some(Item { key, line, value }))
    }
}
