//! How far a list has been read: its pages so far, and where to go on.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use forge::{Collection, Walk};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical;
use crate::{Error, staging};

/// Where a walk stands. On disk it names only pages that are on disk too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// What was asked for when the walk began.
    attempt: String,
    /// Changes before this are not read; nothing if all are.
    pub(super) since: Option<DateTime<Utc>>,
    /// For the next page.
    pub(super) next: Option<String>,
    /// Bytes of the pages file that count.
    length: u64,
}

/// Where a line is.
#[derive(Debug, Clone, Copy)]
enum Line {
    /// At this offset of the pages file, and so long.
    OnDisk(u64, usize),
    /// In the last page.
    Last(usize, usize),
}

/// The pages of one walk, on disk, and an index of their items.
#[derive(Debug)]
pub(super) struct Journal {
    collection: &'static Collection,
    pages: PathBuf,
    position_file: PathBuf,
    pub(super) position: Position,
    /// Where an item's newest line is. Lines come in the order of reading: the later one is the newer one.
    index: BTreeMap<i64, Line>,
    /// The last page, which nobody goes on from: most lists have no other, and need no file.
    last: Vec<u8>,
}

impl Journal {
    /// Goes on with a walk that was interrupted, or begins one.
    pub(super) fn open(
        folder: &Path,
        collection: &'static Collection,
        attempt: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Self, Error> {
        let kind = collection.kind;
        let mut journal = Self {
            collection,
            pages: folder.join(format!("{kind}.ndjson")),
            position_file: folder.join(format!("{kind}.json")),
            position: Position::default(),
            index: BTreeMap::new(),
            last: Vec::new(),
        };
        let found: Option<Position> = staging::read_json(&journal.position_file)?;
        // A walk over everything may stand in for one over what is new, but not the other way round. A list without dates that was
        // begun for another attempt may have changed since on pages that were read.
        let usable = found.filter(|found| {
            (found.since.is_none() || since.is_some())
                && (found.attempt == attempt || collection.walk != Walk::Whole)
        });
        match usable {
            Some(position) if journal.reload(position.length)? => journal.position = position,
            _ => journal.restart(attempt, since)?,
        }
        Ok(journal)
    }

    /// Forgets the walk and begins another.
    pub(super) fn restart(
        &mut self,
        attempt: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        self.remove()?;
        self.index.clear();
        self.last.clear();
        self.position = Position {
            attempt: attempt.to_owned(),
            since,
            ..Position::default()
        };
        Ok(())
    }

    /// Items read so far, each counted once.
    pub(super) fn count(&self) -> u64 {
        self.index.len() as u64
    }

    /// Keeps a page. When there is another one to be asked for, this one survives a power cut first.
    pub(super) fn append(&mut self, items: &[Value], next: Option<String>) -> Result<(), Error> {
        let failed = |error: io::Error| Error::staging(&self.pages, &error);
        let mut lines = Vec::new();
        for item in items {
            let key = self.key(item)?;
            let line = canonical::line(item).map_err(|error| failed(error.into()))?;
            let place = if next.is_some() {
                Line::OnDisk(self.position.length + lines.len() as u64, line.len())
            } else {
                Line::Last(lines.len(), line.len())
            };
            self.index.insert(key, place);
            lines.extend(line);
        }
        self.position.next = next;
        if self.position.next.is_none() {
            self.last = lines;
            return Ok(());
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.pages)
            .map_err(failed)?;
        file.write_all(&lines).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        self.position.length += lines.len() as u64;
        staging::write_json(&self.position_file, &self.position)
    }

    /// Each item's newest line, in the order of the keys.
    pub(super) fn lines(&self) -> Result<impl Iterator<Item = (i64, io::Result<Vec<u8>>)>, Error> {
        let mut file = match File::open(&self.pages) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::staging(&self.pages, &error)),
        };
        Ok(self.index.iter().map(move |(key, line)| {
            let read = match *line {
                Line::Last(offset, length) => self
                    .last
                    .get(offset..offset + length)
                    .map(<[u8]>::to_vec)
                    .ok_or_else(|| io::ErrorKind::UnexpectedEof.into()),
                Line::OnDisk(offset, length) => read_at(file.as_mut(), offset, length),
            };
            (*key, read)
        }))
    }

    /// Ends the walk.
    pub(super) fn remove(&self) -> Result<(), Error> {
        staging::remove_file(&self.position_file)?;
        staging::remove_file(&self.pages)
    }

    fn key(&self, item: &Value) -> Result<i64, Error> {
        (self.collection.key)(item).ok_or_else(|| {
            let detail = format!(
                "The host listed one of the {} without a number.",
                self.collection.kind
            );
            forge::Error::Protocol { detail }.into()
        })
    }

    /// Reads the index anew from the pages; whether they are all there.
    fn reload(&mut self, length: u64) -> Result<bool, Error> {
        let pages = self.pages.clone();
        let failed = |error: io::Error| Error::staging(&pages, &error);
        match fs::metadata(&self.pages) {
            Ok(found) if found.len() >= length => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(length == 0),
            Err(error) => return Err(failed(error)),
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.pages)
            .map_err(failed)?;
        file.set_len(length).map_err(failed)?;
        let mut reader = BufReader::new(file);
        let (mut offset, mut line) = (0, Vec::new());
        while reader.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            let Ok(item) = serde_json::from_slice::<Value>(&line) else {
                return Ok(false);
            };
            let key = self.key(&item)?;
            self.index.insert(key, Line::OnDisk(offset, line.len()));
            offset += line.len() as u64;
            line.clear();
        }
        Ok(true)
    }
}

fn read_at(file: Option<&mut File>, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let file = file.ok_or(io::ErrorKind::NotFound)?;
    let mut line = vec![0; length];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut line)?;
    Ok(line)
}
