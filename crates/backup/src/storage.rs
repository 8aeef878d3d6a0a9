//! One repository in restic's format: where snapshots lie. The only module that names the storage engine.
//!
//! The engine is synchronous; everything here runs it on threads that may block. Whoever writes holds a shared lease of the
//! repository and whoever forgets, prunes or heals an exclusive one: the engine itself has no locks.

mod archive;
mod backend;
mod fault;
mod flow;
mod location;
mod objects;
mod probe;
mod read;
mod restore;
mod shelf;
mod snapshots;
mod source;
mod tree;
mod upkeep;
mod verify;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use bytesize::ByteSize;
use domain::Secret;
use rustic_core::repofile::MasterKey;
use rustic_core::{
    ConfigOptions, Credentials, FileType, Id, IndexedIdsStatus, KeyOptions, OpenStatus, Repository,
    RepositoryBackends, RepositoryOptions, WriteBackend,
};

pub(crate) use self::archive::{Archived, Labelling};
use self::backend::Backend;
pub use self::flow::Flow;
pub(crate) use self::flow::Inflow;
pub use self::location::{Keys, Location};
use self::objects::Objects;
pub use self::restore::Restored;
pub use self::shelf::Shelf;
pub use self::snapshots::SnapshotFacts;
pub(crate) use self::tree::Tree;
pub use self::upkeep::Scrubbed;
pub use self::verify::Verification;
use crate::Error;
use crate::blocking::blocking;

/// Largest pack of data: restic's own limit, and a bound on the memory of readers.
const LARGEST_PACK: ByteSize = ByteSize::mib(128);

/// An open repository. Clones share its index.
#[derive(Clone, Debug)]
pub struct Storage {
    inner: Arc<Inner>,
}

/// The engine's repository, ready for writing.
type Writable = Repository<IndexedIdsStatus>;

struct Inner {
    backend: Arc<Backend>,
    options: RepositoryOptions,
    master: Secret,
    /// Loaded by the first writer; replaced by [`Storage::refresh`].
    writable: RwLock<Option<Arc<Writable>>>,
    /// Snapshots written since the index was loaded.
    written: AtomicU64,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("objects", &self.backend.objects)
            .finish_non_exhaustive()
    }
}

impl Storage {
    /// Makes a new repository and its keys; refuses when something is there already.
    pub async fn create(location: &Location, prefix: &str) -> Result<Keys, Error> {
        let (location, prefix) = (location.clone(), prefix.to_owned());
        blocking(move || {
            let objects = Objects::at(&location, &prefix)?;
            objects.prepare()?;
            init(&Arc::new(Backend::new(objects)))
        })
        .await
    }

    /// Opens a repository. What is not there is not made.
    pub async fn open(
        location: &Location,
        prefix: &str,
        keys: &Keys,
        cache: Option<PathBuf>,
    ) -> Result<Self, Error> {
        let (location, prefix, master) = (location.clone(), prefix.to_owned(), keys.master.clone());
        blocking(move || {
            let cache = cache.filter(|_| matches!(location, Location::S3 { .. }));
            let backend = Arc::new(Backend::new(Objects::at(&location, &prefix)?));
            Self::over(backend, master, cache.as_deref())
        })
        .await
    }

    fn over(backend: Arc<Backend>, master: Secret, cache: Option<&Path>) -> Result<Self, Error> {
        let options = match cache {
            Some(folder) => RepositoryOptions::default().cache_dir(folder.to_owned()),
            None => RepositoryOptions::default().no_cache(true),
        };
        let inner = Inner {
            backend,
            options,
            master,
            writable: RwLock::new(None),
            written: AtomicU64::new(0),
        };
        inner.connect()?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Loads the index anew: after many snapshots, or when another process has written.
    pub async fn refresh(&self) -> Result<(), Error> {
        self.on_thread(|inner| inner.load().map(|_writable| ()))
            .await
    }

    /// Runs work on the repository on a thread that may block.
    async fn on_thread<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Inner) -> Result<T, Error> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        blocking(move || work(&inner)).await
    }
}

impl Inner {
    /// Opens the repository by its master key, which costs less than a millisecond.
    fn connect(&self) -> Result<Repository<OpenStatus>, Error> {
        self.backend.newest.clear();
        if self.backend.objects.list(FileType::Config)?.is_empty() {
            return Err(Error::Storage {
                detail: format!(
                    "The storage {} is not there: the repository that should be in it is missing.",
                    self.backend.objects.name()
                ),
                full: false,
                unreachable: true,
            });
        }
        let master: MasterKey = serde_json::from_str(self.master.expose())
            .map_err(|_unshown| Error::storage("The key of the storage is not a key."))?;
        Repository::new(&self.options, &backends(&self.backend))
            .and_then(|repository| repository.open(&Credentials::Masterkey(master)))
            .map_err(|error| self.explain("Opening the storage", &error))
    }

    /// The repository with the index that is loaded, or loads it.
    fn writable(&self) -> Result<Arc<Writable>, Error> {
        let loaded = self.writable.read().ok().and_then(|loaded| loaded.clone());
        match loaded {
            Some(repository) => Ok(repository),
            None => self.load(),
        }
    }

    fn load(&self) -> Result<Arc<Writable>, Error> {
        let mut place = self
            .writable
            .write()
            .map_err(|_poisoned| Error::storage("Loading the index broke off."))?;
        let repository = self
            .connect()?
            .to_indexed_ids()
            .map_err(|error| self.explain("Loading the index", &error))?;
        self.written.store(0, Ordering::Relaxed);
        Ok(Arc::clone(place.insert(Arc::new(repository))))
    }

    fn explain(&self, what: &str, error: &rustic_core::RusticError) -> Error {
        self.backend.newest.explain(what, error)
    }
}

fn backends(backend: &Arc<Backend>) -> RepositoryBackends {
    let backend: Arc<dyn WriteBackend> = Arc::<Backend>::clone(backend);
    RepositoryBackends::new(backend, None)
}

fn init(backend: &Arc<Backend>) -> Result<Keys, Error> {
    // The engine's random id is as long as the password is to be: 256 bits.
    let password = Secret::new(Id::random().to_hex().as_str());
    let config = ConfigOptions::default()
        .set_datapack_size_limit(LARGEST_PACK)
        .set_treepack_size_limit(LARGEST_PACK);
    let repository = Repository::new(
        &RepositoryOptions::default().no_cache(true),
        &backends(backend),
    )
    .and_then(|repository| {
        repository.init(
            &Credentials::password(password.expose()),
            &KeyOptions::default(),
            &config,
        )
    })
    .map_err(|error| backend.newest.explain("Making the repository", &error))?;
    let master = serde_json::to_string(&repository.key())
        .map_err(|_unshown| Error::storage("The new key cannot be written down."))?;
    Ok(Keys {
        password,
        master: Secret::new(master),
    })
}

#[cfg(test)]
mod tests;
