//! Writing a snapshot.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustic_core::jiff::{Timestamp, tz::TimeZone};
use rustic_core::repofile::SnapshotFile;
use rustic_core::{BackupOptions, ParentOptions, SnapshotOptions};
use tokio_util::sync::CancellationToken;

use super::snapshots::hex;
use super::source::Source;
use super::watch::{self, Watch};
use super::{Inner, Storage, Tree, Writable};
use crate::Error;
use crate::progress::{Progress, Stage};

/// After how many snapshots the index is loaded anew, so that repositories share what they have in common.
const INDEX_LASTS: u64 = 500;
/// How often progress is told.
const TICK: Duration = Duration::from_millis(250);

/// What a snapshot is called.
#[derive(Debug, Clone)]
pub(crate) struct Labelling {
    /// The organization's name.
    pub(crate) host: String,
    /// The repository: `HOST/forge_id`.
    pub(crate) label: String,
    /// Words without commas.
    pub(crate) tags: Vec<String>,
    pub(crate) taken_at: DateTime<Utc>,
}

/// What became of an archiving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Archived {
    /// There is a new snapshot.
    New(Facts),
    /// Nothing differs from the parent.
    Unchanged(Facts),
    /// The parent does not hold the content of these paths after all: fetch it and try again.
    Needs(Vec<String>),
}

/// The figures of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) id: String,
    pub(crate) tree: String,
    pub(crate) bytes_added: u64,
    pub(crate) bytes_total: u64,
}

impl Storage {
    /// Writes a snapshot, unless it would equal its parent.
    pub(crate) async fn archive(
        &self,
        tree: Tree,
        labelling: Labelling,
        parent: Option<String>,
        cancel: CancellationToken,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Archived, Error> {
        let watch = Watch::new(cancel);
        let watched = Arc::clone(&watch);
        let work = self
            .on_thread(move |inner| inner.archive(tree, &labelling, parent.as_deref(), &watched));
        tokio::pin!(work);
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                archived = &mut work => return archived,
                _ = tick.tick() => progress(Progress {
                    stage: Stage::Store,
                    kind: None,
                    done: watch.bytes_read(),
                    total: None,
                }),
            }
        }
    }
}

impl Inner {
    fn archive(
        &self,
        tree: Tree,
        labelling: &Labelling,
        parent: Option<&str>,
        watch: &Arc<Watch>,
    ) -> Result<Archived, Error> {
        self.backend.newest.clear();
        if self.written.load(Ordering::Relaxed) >= INDEX_LASTS {
            self.load()?;
        }
        let (repository, parent) = self.with_parent(parent)?;
        let parent_options = match &parent {
            Some(parent) => ParentOptions::default()
                .parents(vec![hex(&parent.id)])
                .skip_if_unchanged(true),
            None => ParentOptions::default().force(true),
        };
        let options = BackupOptions::default()
            .no_scan(true)
            .parent_opts(parent_options);
        let files = tree.files();
        let source = Source::new(tree, Arc::clone(watch));
        let snapshot = labelling
            .snapshot()
            .map_err(|error| self.explain("Naming the snapshot", &error))?;
        let written = watch::over(watch, || {
            repository.archive(&options, &source, snapshot, &[PathBuf::from("/")])
        });
        let needed = watch.needed();
        if !needed.is_empty() && !watch.is_cancelled() {
            return Ok(Archived::Needs(needed));
        }
        watch.verdict()?;
        let written = written.map_err(|error| self.explain("Writing the snapshot", &error))?;
        self.settle(&repository, &written, parent.as_ref(), files)
    }

    /// A repository whose index knows the parent, and the parent. Its index may be older than the parent.
    fn with_parent(
        &self,
        parent: Option<&str>,
    ) -> Result<(Arc<Writable>, Option<SnapshotFile>), Error> {
        let repository = self.writable()?;
        let Some(parent) = parent else {
            return Ok((repository, None));
        };
        let snapshot = match self.snapshot(&repository, parent) {
            Ok(snapshot) => snapshot,
            Err(
                absent @ Error::Storage {
                    unreachable: true, ..
                },
            ) => return Err(absent),
            Err(_) => return Ok((repository, None)),
        };
        if repository.get_tree(&snapshot.tree).is_ok() {
            return Ok((repository, Some(snapshot)));
        }
        let repository = self.load()?;
        let known = repository.get_tree(&snapshot.tree).is_ok();
        Ok((repository, known.then_some(snapshot)))
    }

    /// Takes the figures, and takes the snapshot back if the engine left a file out.
    fn settle(
        &self,
        repository: &Writable,
        written: &SnapshotFile,
        parent: Option<&SnapshotFile>,
        files: u64,
    ) -> Result<Archived, Error> {
        let summary = written.summary.clone().unwrap_or_default();
        let mut facts = Facts {
            id: hex(&written.id),
            tree: hex(&written.tree),
            bytes_added: summary.data_added_packed,
            bytes_total: summary.total_bytes_processed,
        };
        if summary.total_files_processed != files {
            if !written.id.is_null() {
                repository
                    .delete_snapshots(&[written.id])
                    .map_err(|error| self.explain("Taking back a snapshot", &error))?;
            }
            return Err(Error::storage(format!(
                "The snapshot would hold {} of {files} files, so it was taken back.",
                summary.total_files_processed
            )));
        }
        match parent {
            Some(parent) if written.id.is_null() => {
                facts.id = hex(&parent.id);
                Ok(Archived::Unchanged(facts))
            }
            _ => {
                self.written.fetch_add(1, Ordering::Relaxed);
                Ok(Archived::New(facts))
            }
        }
    }
}

impl Labelling {
    fn snapshot(&self) -> rustic_core::RusticResult<SnapshotFile> {
        let time = Timestamp::new(self.taken_at.timestamp(), 0).unwrap_or_default();
        SnapshotOptions::default()
            .host(self.host.clone())
            .label(self.label.clone())
            .add_tags(&self.tags.join(","))?
            .time(time.to_zoned(TimeZone::UTC))
            .command("holdfast".to_owned())
            .to_snapshot()
    }
}
