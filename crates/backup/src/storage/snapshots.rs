//! Which snapshots there are.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rustic_core::repofile::{SnapshotFile, SnapshotId};
use rustic_core::{Open, OpenStatus, Repository};

use super::{Inner, Storage};
use crate::Error;

/// One snapshot, as the repository itself tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// Its id, 64 hex digits.
    pub id: String,
    /// The id of its root folder: equal trees are equal contents.
    pub tree: String,
    /// The repository: `HOST/forge_id`.
    pub label: String,
    /// When its fetch began.
    pub taken_at: DateTime<Utc>,
    /// Run, plan and name of the repository.
    pub tags: Vec<String>,
    /// Bytes of all its files.
    pub size: u64,
    /// How many files it has.
    pub files: u64,
}

impl Storage {
    /// All snapshots, oldest first. One that cannot be read is an error, not an absence.
    pub async fn snapshots(&self) -> Result<Vec<SnapshotFacts>, Error> {
        self.on_thread(|inner| {
            let listed = inner.listed(&inner.connect()?)?;
            if !listed.unreadable.is_empty() {
                return Err(Error::storage(format!(
                    "{} snapshots cannot be read, {} among them: verify the storage.",
                    listed.unreadable.len(),
                    listed.unreadable.join(", ")
                )));
            }
            Ok(listed.snapshots.iter().map(SnapshotFacts::of).collect())
        })
        .await
    }
}

/// What a listing found.
#[derive(Debug)]
pub(super) struct Listed {
    /// Oldest first.
    pub(super) snapshots: Vec<SnapshotFile>,
    /// Ids of those that are listed but cannot be read.
    pub(super) unreadable: Vec<String>,
}

impl Inner {
    /// Reads every snapshot. The engine reads many at once but says little of one that it cannot read: then they are read singly.
    pub(super) fn listed(&self, repository: &Repository<OpenStatus>) -> Result<Listed, Error> {
        let ids: BTreeSet<SnapshotId> = repository
            .list()
            .map_err(|error| self.explain("Listing the snapshots", &error))?
            .collect();
        let at_once = repository
            .get_all_snapshots()
            .ok()
            .filter(|found| found.len() == ids.len());
        let (mut snapshots, unreadable) = match at_once {
            Some(snapshots) => (snapshots, Vec::new()),
            None => self.singly(repository, &ids)?,
        };
        snapshots.sort_by(|one, other| one.time.cmp(&other.time).then(one.id.cmp(&other.id)));
        Ok(Listed {
            snapshots,
            unreadable,
        })
    }

    fn singly(
        &self,
        repository: &Repository<OpenStatus>,
        ids: &BTreeSet<SnapshotId>,
    ) -> Result<(Vec<SnapshotFile>, Vec<String>), Error> {
        let (mut snapshots, mut unreadable) = (Vec::new(), Vec::new());
        for id in ids.iter().map(|id| hex(id)) {
            match self.snapshot(repository, &id) {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(
                    gone @ Error::Storage {
                        unreachable: true, ..
                    },
                ) => return Err(gone),
                Err(_) => unreadable.push(id),
            }
        }
        Ok((snapshots, unreadable))
    }

    /// One snapshot by its full id.
    pub(super) fn snapshot<S: Open>(
        &self,
        repository: &Repository<S>,
        id: &str,
    ) -> Result<SnapshotFile, Error> {
        let parsed: SnapshotId = id.parse().map_err(|_unparsed| {
            Error::storage(format!("\"{id}\" is not the id of a snapshot."))
        })?;
        let mut snapshot: SnapshotFile = repository
            .get_file(&parsed)
            .map_err(|error| self.explain(&format!("Reading the snapshot {id}"), &error))?;
        snapshot.id = parsed;
        Ok(snapshot)
    }
}

/// The full text of an id; its `Display` is cut short.
pub(super) fn hex(id: &rustic_core::Id) -> String {
    id.to_hex().as_str().to_owned()
}

impl SnapshotFacts {
    fn of(snapshot: &SnapshotFile) -> Self {
        let summary = snapshot.summary.clone().unwrap_or_default();
        Self {
            id: hex(&snapshot.id),
            tree: hex(&snapshot.tree),
            label: snapshot.label.clone(),
            taken_at: DateTime::from_timestamp(snapshot.time.timestamp().as_second(), 0)
                .unwrap_or_default(),
            tags: snapshot.tags.iter().cloned().collect(),
            size: summary.total_bytes_processed,
            files: summary.total_files_processed,
        }
    }
}
