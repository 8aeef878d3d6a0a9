//! Reading one list, from where the last reading ended.

use std::path::PathBuf;

use forge::{Client, Collection, Cursor, Page, Repository, Walk};
use serde::{Deserialize, Serialize};

use super::journal::Journal;
use super::merge::{self, Merged};
use crate::blocking::blocking;
use crate::manifest::Digest;
use crate::{Error, staging};

/// Where pages come from.
pub(crate) trait Pages: Sync {
    /// One page of a collection.
    fn page(
        &self,
        collection: &'static Collection,
        cursor: Cursor,
    ) -> impl Future<Output = Result<Page, forge::Error>> + Send;
}

impl Pages for (&Client, &Repository) {
    async fn page(
        &self,
        collection: &'static Collection,
        cursor: Cursor,
    ) -> Result<Page, forge::Error> {
        self.0.page(collection.kind, self.1, &cursor).await
    }
}

/// One reading of one list.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) collection: &'static Collection,
    /// The file that holds the list.
    pub(crate) path: PathBuf,
    /// Where the walk is kept.
    pub(crate) journal: PathBuf,
    /// What is being done: a walk that was begun for something else is not trusted with pages that may have shifted.
    pub(crate) attempt: String,
    /// Whether to read everything, so that deletions are noticed.
    pub(crate) whole: bool,
    /// How many items the host's overview counts.
    pub(crate) expected: Option<u64>,
}

/// How many more items the list has than the host's overview counts, even after everything was read: fewer where it hides some.
/// Kept so that the same disagreement does not have everything read again each time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Disagreement {
    surplus: i64,
}

impl Disagreement {
    fn between(overview: u64, list: u64) -> Self {
        Self {
            surplus: list.cast_signed().saturating_sub(overview.cast_signed()),
        }
    }
}

impl Reading {
    /// Reads the list and puts it in place; tells how many items were read as they come. Answers the file's digest, or nothing if
    /// the list is empty.
    pub(crate) async fn run(
        self,
        pages: &impl Pages,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Option<Digest>, Error> {
        let mut journal = self.open().await?;
        journal = self.walk(journal, pages, progress).await?;
        let incremental = journal.position.since.is_some();
        let (mut journal, mut merged) = self.merge(journal).await?;
        if incremental && self.disagrees(merged.count)? {
            // Something was deleted on the host: only a reading of everything tells what.
            let again = self.clone();
            journal = blocking(move || {
                journal.restart(&again.attempt, None)?;
                Ok(journal)
            })
            .await?;
            journal = self.walk(journal, pages, progress).await?;
            (journal, merged) = self.merge(journal).await?;
        }
        blocking(move || {
            if journal.position.since.is_none() && self.collection.walk != Walk::Whole {
                self.remember(merged.count)?;
            }
            let digest = merged.publish(&self.path)?;
            journal.remove()?;
            Ok(digest)
        })
        .await
    }

    async fn open(&self) -> Result<Journal, Error> {
        let reading = self.clone();
        blocking(move || {
            let since = if reading.whole || reading.collection.walk == Walk::Whole {
                None
            } else {
                merge::watermark(&reading.path, reading.collection)?
            };
            Journal::open(
                &reading.journal,
                reading.collection,
                &reading.attempt,
                since,
            )
        })
        .await
    }

    /// Reads page after page, each kept before the next is asked for.
    async fn walk(
        &self,
        mut journal: Journal,
        pages: &impl Pages,
        progress: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Journal, Error> {
        loop {
            let position = journal.position.clone();
            let newest_first = self.collection.walk == Walk::NewestFirst;
            let cursor = Cursor {
                since: position.since.filter(|_| !newest_first),
                next: position.next.clone(),
            };
            let page = pages.page(self.collection, cursor).await?;
            let stop = position.since.filter(|_| newest_first);
            let is_behind = |at| stop.is_some_and(|stop| at < stop);
            let reached = page
                .items
                .iter()
                .filter_map(self.collection.updated_at)
                .any(is_behind);
            let next = page.next.filter(|_| !reached);
            let is_last = next.is_none();
            journal = blocking(move || {
                journal.append(&page.items, next)?;
                Ok(journal)
            })
            .await?;
            progress(journal.count());
            if is_last {
                return Ok(journal);
            }
        }
    }

    async fn merge(&self, journal: Journal) -> Result<(Journal, Merged), Error> {
        let reading = self.clone();
        blocking(move || {
            let with_stored = journal.position.since.is_some();
            let merged = Merged::write(&reading.path, &journal, reading.collection, with_stored)?;
            Ok((journal, merged))
        })
        .await
    }

    /// Whether the count is wrong in a way that a reading of everything has not shown to be normal.
    fn disagrees(&self, count: u64) -> Result<bool, Error> {
        let Some(expected) = self.expected else {
            return Ok(false);
        };
        let found = Disagreement::between(expected, count);
        let known: Option<Disagreement> = staging::read_json(&self.disagreement_file())?;
        Ok(found != Disagreement::default() && Some(found) != known)
    }

    fn remember(&self, count: u64) -> Result<(), Error> {
        match self.expected {
            Some(expected) if expected != count => staging::write_json(
                &self.disagreement_file(),
                &Disagreement::between(expected, count),
            ),
            _ => staging::remove_file(&self.disagreement_file()),
        }
    }

    fn disagreement_file(&self) -> PathBuf {
        self.journal
            .join(format!("{}-count.json", self.collection.kind))
    }
}
