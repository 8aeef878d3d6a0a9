//! What the console shows of snapshots: storages opened for reading, kept open for a while, because loading an index takes time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backup::Shelf;
use bytes::Bytes;
use domain::tree::{Found, Names, Part};
use domain::{OrganizationId, StorageId, TenantId};
use futures_util::{StreamExt, TryStreamExt};
use store::{Db, Sealer};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};
use web::contents::{Answer, Broken, Contents, Place, Taken, Trouble};

/// Storages that are kept open.
const OPEN: usize = 8;

/// One that nobody has looked into for this long is closed.
const IDLE: Duration = Duration::from_mins(10);

/// An index is loaded again after this time, so that what is gone from the storage is not looked for.
const FRESH: Duration = Duration::from_mins(15);

/// How long a person waits for a storage.
const PATIENCE: Duration = Duration::from_secs(25);

/// Parts of snapshots that are taken out at the same time.
const AT_ONCE: usize = 4;

/// The folder below the data folder in which bundles are made.
const SCRATCH: &str = "downloads";

/// Which storage repository.
type Site = (TenantId, OrganizationId, StorageId);

/// The storages that this process has open for reading.
pub(crate) struct Shelves {
    db: Db,
    sealer: Arc<Sealer>,
    data: PathBuf,
    open: Mutex<BTreeMap<Site, Slot>>,
    downloads: Arc<Semaphore>,
}

/// One storage: whoever comes while it is being opened waits for that.
type Slot = Arc<tokio::sync::Mutex<Option<Opened>>>;

#[derive(Clone)]
struct Opened {
    shelf: Shelf,
    loaded_at: Instant,
    used_at: Instant,
}

impl std::fmt::Debug for Shelves {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelves").finish_non_exhaustive()
    }
}

impl Shelves {
    /// Opens nothing yet. What an earlier process left of its downloads is removed.
    pub(crate) fn new(db: Db, sealer: Arc<Sealer>, data: PathBuf) -> Self {
        let scratch = data.join(SCRATCH);
        match std::fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                warn!(%error, folder = %scratch.display(), "What was left of downloads could not be removed.");
            }
            Ok(()) | Err(_) => {}
        }
        Self {
            db,
            sealer,
            data,
            open: Mutex::default(),
            downloads: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The storage of a snapshot; opened anew if `stale` is what was tried before.
    async fn shelf(&self, at: &Place, stale: Option<Instant>) -> Result<(Shelf, Instant), Trouble> {
        let site = (at.tenant, at.organization, at.storage);
        let slot = self.slot(site);
        let mut opened = slot.lock().await;
        let now = Instant::now();
        if let Some(open) = &mut *opened
            && stale != Some(open.loaded_at)
            && open.loaded_at.elapsed() < FRESH
        {
            open.used_at = now;
            return Ok((open.shelf.clone(), open.loaded_at));
        }
        let scoped = self.db.tenant(at.tenant);
        let storage = scheduler::open_storage(
            &scoped,
            &self.sealer,
            at.organization,
            at.storage,
            &self.data,
        )
        .await
        .map_err(|error| unopened(&error))?;
        let shelf = storage.shelf().await.map_err(|error| trouble(&error))?;
        debug!("A storage was opened to look around in it.");
        *opened = Some(Opened {
            shelf: shelf.clone(),
            loaded_at: now,
            used_at: now,
        });
        Ok((shelf, now))
    }

    /// The place of a storage among the open ones; those that nobody uses make room.
    fn slot(&self, site: Site) -> Slot {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|known, slot| *known == site || is_used(slot));
        if !open.contains_key(&site) && open.len() >= OPEN {
            let oldest = open
                .iter()
                .filter_map(|(site, slot)| {
                    let opened = slot.try_lock().ok()?;
                    Some((opened.as_ref()?.used_at, *site))
                })
                .min();
            if let Some((_, site)) = oldest {
                open.remove(&site);
            }
        }
        Arc::clone(open.entry(site).or_default())
    }

    /// Asks an open storage. If it fails, the index may be older than what has been stored or removed since: it is loaded once more.
    async fn ask<T, F>(
        &self,
        at: &Place,
        question: impl Fn(Shelf) -> F + Send + Sync,
    ) -> Result<T, Trouble>
    where
        T: Send,
        F: Future<Output = Result<T, backup::Error>> + Send,
    {
        let asked = async {
            let (shelf, loaded_at) = self.shelf(at, None).await?;
            match question(shelf).await {
                Ok(answer) => Ok(answer),
                Err(error) if loaded_at.elapsed() < Duration::from_secs(1) => Err(trouble(&error)),
                Err(_) => {
                    let (shelf, _) = self.shelf(at, Some(loaded_at)).await?;
                    question(shelf).await.map_err(|error| trouble(&error))
                }
            }
        };
        timeout(PATIENCE, asked).await.unwrap_or_else(|_elapsed| {
            Err(Trouble::Away(format!(
                "The storage did not answer within {} seconds: check that it can be reached, then try again.",
                PATIENCE.as_secs()
            )))
        })
    }
}

fn is_used(slot: &Slot) -> bool {
    match slot.try_lock() {
        Ok(opened) => opened
            .as_ref()
            .is_some_and(|opened| opened.used_at.elapsed() < IDLE),
        Err(_busy) => true,
    }
}

impl Contents for Shelves {
    fn find<'a>(&'a self, at: &'a Place, path: &'a Names) -> Answer<'a, Found> {
        Box::pin(async move {
            self.ask(at, |shelf| async move {
                shelf.find(&at.snapshot, path.as_slice()).await
            })
            .await?
            .ok_or(Trouble::Missing)
        })
    }

    fn head<'a>(&'a self, at: &'a Place, path: &'a Names, limit: usize) -> Answer<'a, Bytes> {
        Box::pin(async move {
            self.ask(at, |shelf| async move {
                shelf.head(&at.snapshot, path.as_slice(), limit).await
            })
            .await?
            .ok_or(Trouble::Missing)
        })
    }

    fn take<'a>(&'a self, at: &'a Place, part: &'a Part) -> Answer<'a, Taken> {
        Box::pin(async move {
            let permit = Arc::clone(&self.downloads)
                .try_acquire_owned()
                .map_err(|_none_left| {
                    Trouble::Away(format!(
                        "{AT_ONCE} downloads are under way, as many as this server serves at once: try again when one has ended."
                    ))
                })?;
            let scratch = self.data.join(SCRATCH);
            let scratch = scratch.as_path();
            let taken = self
                .ask(at, |shelf| async move {
                    shelf.take(&at.snapshot, part, scratch).await
                })
                .await?;
            let (flow, length) = taken.ok_or(Trouble::Missing)?;
            let body = flow
                .map_err(|error| -> Broken { Box::new(error) })
                .inspect(move |_| {
                    let _held_until_the_end = &permit;
                });
            Ok(Taken {
                length,
                body: Box::pin(body),
            })
        })
    }
}

fn unopened(error: &scheduler::Error) -> Trouble {
    let sentence = error.to_string();
    warn!(
        error = sentence,
        "A storage could not be opened to look around."
    );
    Trouble::Away(format!("The storage could not be opened. {sentence}"))
}

fn trouble(error: &backup::Error) -> Trouble {
    match error {
        backup::Error::Storage {
            unreachable: true,
            detail,
            ..
        } => Trouble::Away(detail.clone()),
        other => Trouble::Failed(other.to_string()),
    }
}
