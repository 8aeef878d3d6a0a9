//! The storage repositories that this process has open: one each, shared by all fetches that write to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use backup::Storage;
use domain::{OrganizationId, RunId, StorageId, TenantId};
use futures_util::FutureExt;
use store::{Db, LeaseMode, Sealer, StorageLease};
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::Error;

mod open;

pub(crate) use open::locate_storage;
pub use open::open_storage;

/// The index is loaded again after this many snapshots, so that what other workers stored is not stored twice.
const REFRESH_AFTER_SNAPSHOTS: u32 = 500;

/// The index is loaded again after this time.
const REFRESH_AFTER: Duration = Duration::from_mins(15);

/// A storage that was full or away is left alone by its run for this long: fetches fail at once with the same sentence.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// How long a writer waits for somebody who has the storage to himself.
const LEASE_PATIENCE: Duration = Duration::from_mins(2);

/// Time between two attempts at a lease.
const LEASE_PAUSE: Duration = Duration::from_secs(1);

/// Which storage repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Site {
    pub(crate) tenant: TenantId,
    pub(crate) organization: OrganizationId,
    pub(crate) storage: StorageId,
}

/// The storage repositories of a process.
#[derive(Debug)]
pub(crate) struct Storages {
    db: Db,
    sealer: Arc<Sealer>,
    cache: PathBuf,
    entries: Mutex<BTreeMap<Site, Arc<Entry>>>,
}

/// One storage repository.
#[derive(Debug, Default)]
struct Entry {
    opened: tokio::sync::Mutex<Option<Opened>>,
    lease: tokio::sync::Mutex<Weak<StorageLease>>,
    trouble: Mutex<Option<Trouble>>,
    written: AtomicU32,
}

#[derive(Debug)]
struct Opened {
    storage: Storage,
    /// As which revision of the storage, and with which of its access key.
    revision: Option<(i32, Option<i32>)>,
    loaded_at: Instant,
}

/// A storage that is full or away.
#[derive(Debug)]
struct Trouble {
    at: Instant,
    run: RunId,
    error: backup::Error,
}

/// The right to write snapshots to a storage repository.
#[derive(Debug)]
pub(crate) struct Writer {
    /// The storage repository.
    pub(crate) storage: Storage,
    entry: Arc<Entry>,
    run: RunId,
    _lease: Arc<StorageLease>,
}

impl Storages {
    /// No storage is opened yet.
    pub(crate) fn new(db: Db, sealer: Arc<Sealer>, data: &Path) -> Self {
        Self {
            db,
            sealer,
            cache: data.join("cache"),
            entries: Mutex::default(),
        }
    }

    /// Opens a storage repository for writing; the first writer of all makes it.
    pub(crate) async fn writer(&self, site: Site, run: RunId) -> Result<Writer, Error> {
        let entry = self
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(site)
            .or_default()
            .clone();
        if let Some(trouble) = entry.trouble(run) {
            return Err(trouble.into());
        }
        let opened = self.open(site, run, &entry).await;
        if let Err(Error::Backup(error)) = &opened {
            entry.note(run, error);
        }
        let storage = opened?;
        let lease = self.lease(site, &entry).await?;
        Ok(Writer {
            storage,
            entry,
            run,
            _lease: lease,
        })
    }

    /// The repository, opened once and shared; its index is loaded again now and then.
    async fn open(&self, site: Site, run: RunId, entry: &Entry) -> Result<Storage, Error> {
        let mut opened = entry.opened.lock().await;
        if let Some(trouble) = entry.trouble(run) {
            return Err(trouble.into());
        }
        let revision = self
            .db
            .tenant(site.tenant)
            .storage_revision(site.storage)
            .await?;
        if let Some(Opened {
            storage,
            loaded_at,
            revision: opened_as,
        }) = &mut *opened
            // A storage that was changed is opened anew by everybody who writes from here on.
            && *opened_as == revision
        {
            let many = entry.written.load(Ordering::Relaxed) >= REFRESH_AFTER_SNAPSHOTS;
            if many || loaded_at.elapsed() >= REFRESH_AFTER {
                storage.refresh().await?;
                *loaded_at = Instant::now();
                entry.written.store(0, Ordering::Relaxed);
                debug!("The index of a storage was loaded again.");
            }
            return Ok(storage.clone());
        }
        let storage = open::for_writing(&self.db, &self.sealer, site, &self.cache).await?;
        *opened = Some(Opened {
            storage: storage.clone(),
            revision,
            loaded_at: Instant::now(),
        });
        Ok(storage)
    }

    /// The lease that all writers of this process share; it is given back when the last one has ended.
    async fn lease(&self, site: Site, entry: &Entry) -> Result<Arc<StorageLease>, Error> {
        let mut current = entry.lease.lock().await;
        if let Some(lease) = current.upgrade()
            && lease.lost().now_or_never().is_none()
        {
            return Ok(lease);
        }
        let scoped = self.db.tenant(site.tenant);
        let began = Instant::now();
        loop {
            let lease = scoped
                .lease_storage(site.organization, site.storage, LeaseMode::Shared)
                .await?;
            if let Some(lease) = lease {
                let lease = Arc::new(lease);
                *current = Arc::downgrade(&lease);
                return Ok(lease);
            }
            if began.elapsed() >= LEASE_PATIENCE {
                return Err(Error::Busy {
                    storage: site.storage.to_string(),
                });
            }
            tokio::time::sleep(LEASE_PAUSE).await;
        }
    }
}

impl Entry {
    /// What this run has met with lately; another run, which a person may have asked for after mending it, tries for itself.
    fn trouble(&self, run: RunId) -> Option<backup::Error> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble
            .as_ref()
            .filter(|trouble| trouble.run == run && trouble.at.elapsed() < LEFT_ALONE)
            .map(|trouble| trouble.error.clone())
    }

    /// Remembers that the storage is full or away; nothing else concerns other writers.
    fn note(&self, run: RunId, error: &backup::Error) {
        if let backup::Error::Storage {
            full, unreachable, ..
        } = error
            && (*full || *unreachable)
        {
            warn!(%error, "A storage is full or away; the run's other fetches fail for a while without trying it.");
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(Trouble {
                at: Instant::now(),
                run,
                error: error.clone(),
            });
        }
    }
}

impl Writer {
    /// Remembers how a write ended, for those who come after.
    pub(crate) fn note(&self, ended: Result<(), &backup::Error>) {
        match ended {
            Ok(()) => {
                self.entry.written.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => self.entry.note(self.run, error),
        }
    }
}
