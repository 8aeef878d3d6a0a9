//! Forgetting, pruning, healing and measuring. All but the last need the exclusive lease of the repository.

use rustic_core::repofile::SnapshotId;
use rustic_core::{ALL_FILE_TYPES, FileType, LimitOption, PruneOptions, RepairIndexOptions};

use super::snapshots::hex;
use super::{Inner, Storage};
use crate::{Error, digest};

/// Share of the repository, in percent, that one pruning may rewrite.
const REWRITE_AT_MOST: u64 = 20;

/// What a scrub found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Objects whose hash was compared with their name.
    pub objects: u64,
    /// Paths of damaged objects, now under `quarantine/`.
    pub quarantined: Vec<String>,
}

impl Storage {
    /// Removes snapshots by id; those that are gone already do not matter. Their content stays until [`Storage::prune`].
    pub async fn forget(&self, ids: &[String]) -> Result<(), Error> {
        let ids = ids.to_vec();
        self.on_thread(move |inner| inner.forget(&ids)).await
    }

    /// Removes content that no snapshot uses, in two phases a day apart: what is found unused is marked now and removed by a
    /// later pruning. Refuses to touch a damaged repository.
    pub async fn prune(&self) -> Result<(), Error> {
        self.on_thread(Inner::prune).await
    }

    /// Finds damaged objects by their hashes, sets them aside and mends the index. The next backups bring back what their working
    /// folders or hosts still have.
    pub async fn heal(&self) -> Result<Scrubbed, Error> {
        self.on_thread(Inner::heal).await
    }

    /// Bytes stored.
    pub async fn size(&self) -> Result<u64, Error> {
        self.on_thread(|inner| {
            let mut total = 0;
            for kind in ALL_FILE_TYPES {
                let objects = inner.backend.objects.list(kind)?;
                total += objects.iter().map(|(_, size)| size).sum::<u64>();
            }
            Ok(total)
        })
        .await
    }
}

impl Inner {
    fn forget(&self, ids: &[String]) -> Result<(), Error> {
        let repository = self.connect()?;
        let there = self.backend.objects.list(FileType::Snapshot)?;
        let gone: Vec<SnapshotId> = ids
            .iter()
            .filter_map(|id| id.parse().ok())
            .filter(|id: &SnapshotId| there.iter().any(|(known, _)| **id == *known))
            .collect();
        repository
            .delete_snapshots(&gone)
            .map_err(|error| self.explain("Removing snapshots", &error))
    }

    fn prune(&self) -> Result<(), Error> {
        let failed =
            |error: Box<rustic_core::RusticError>| self.explain("Pruning the storage", &error);
        let repository = self.connect()?;
        let listed = self.listed(&repository)?;
        if let Some(first) = listed.unreadable.first() {
            return Err(Error::storage(format!(
                "The snapshot {first} cannot be read, so nothing is pruned: verify the storage."
            )));
        }
        let options = PruneOptions::default().max_repack(LimitOption::Percentage(REWRITE_AT_MOST));
        let plan = repository.prune_plan(&options).map_err(failed)?;
        repository.prune(&options, plan).map_err(failed)?;
        self.backend.objects.sweep()?;
        self.load().map(|_writable| ())
    }

    fn heal(&self) -> Result<Scrubbed, Error> {
        let mut scrubbed = Scrubbed::default();
        for kind in ALL_FILE_TYPES {
            for (id, _) in self.backend.objects.list(kind)? {
                let content = self.backend.objects.read(kind, &id)?;
                scrubbed.objects += 1;
                if digest::of_bytes(&content).sha256 != hex(&id) {
                    self.backend.objects.quarantine(kind, &id)?;
                    scrubbed
                        .quarantined
                        .push(format!("{}/{}", kind.dirname(), hex(&id)));
                }
            }
        }
        let repository = self.connect()?;
        repository
            .repair_index(&RepairIndexOptions::default(), false)
            .map_err(|error| self.explain("Mending the index", &error))?;
        self.load().map(|_writable| ())?;
        Ok(scrubbed)
    }
}
