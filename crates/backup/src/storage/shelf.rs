//! Looking around in snapshots and taking parts of them out, with an index that is loaded once.
//!
//! What a person names is looked for level by level among the names that a folder holds: a name that leads elsewhere is found
//! nowhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use chrono::DateTime;
use domain::tree::{Found, Item, Part};
use rustic_core::TreeId;
use rustic_core::repofile::{Node, SnapshotFile};

use super::flow::{Flow, Inflow, flow};
use super::read::{Readable, Reader, check};
use super::{Inner, Storage};
use crate::blocking::blocking;
use crate::manifest::{self, Manifest};
use crate::{Error, git};

mod pack;

/// Folders' sizes are added up over at most this many files and folders.
const WEIGHED: usize = 20_000;

/// An open repository to look around in. Clones share its index.
#[derive(Clone)]
pub struct Shelf {
    inner: Arc<Inner>,
    repository: Arc<Readable>,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shelf").field(&self.inner).finish()
    }
}

impl Storage {
    /// Loads the index to look around.
    pub async fn shelf(&self) -> Result<Shelf, Error> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let repository = Reader::open(&inner)?.repository;
            Ok(Shelf { inner, repository })
        })
        .await
    }
}

impl Shelf {
    /// What lies at a path; nothing if there is nothing. The empty path is the snapshot's own folder.
    pub async fn find(&self, snapshot: &str, path: &[String]) -> Result<Option<Found>, Error> {
        let path = path.to_vec();
        self.on_thread(snapshot, move |looker, snapshot| {
            let Some(node) = looker.node(snapshot, &path)? else {
                return Ok(None);
            };
            match node {
                At::Root => looker.folder(snapshot.tree).map(Some),
                At::Node(node) => match node.subtree.filter(|_| node.is_dir()) {
                    Some(tree) => looker.folder(tree).map(Some),
                    None => Ok(Some(Found::File(item(&node, Some(node.meta.size))))),
                },
            }
        })
        .await
    }

    /// The beginning of a file; nothing if there is no such file.
    pub async fn head(
        &self,
        snapshot: &str,
        path: &[String],
        limit: usize,
    ) -> Result<Option<Bytes>, Error> {
        let path = path.to_vec();
        self.on_thread(snapshot, move |looker, snapshot| {
            let Some(node) = looker.file(snapshot, &path)? else {
                return Ok(None);
            };
            let failed = |error: Box<rustic_core::RusticError>| {
                looker.shelf.inner.explain("Reading a file", &error)
            };
            let repository = &looker.shelf.repository;
            let open = repository.open_file(&node).map_err(failed)?;
            repository
                .read_file_at(&open, 0, limit)
                .map(Some)
                .map_err(failed)
        })
        .await
    }

    /// Takes a part out, as a stream; `None` if the snapshot does not hold it, or holds nothing in it. Files are needed for a
    /// while to make a bundle: they lie in a folder of their own below `scratch`, and go with the stream.
    pub async fn take(
        &self,
        snapshot: &str,
        part: &Part,
        scratch: &Path,
    ) -> Result<Option<(Flow, Option<u64>)>, Error> {
        match part {
            Part::Archive => self.archive(snapshot).await.map(|flow| Some((flow, None))),
            Part::File(names) => self.one_file(snapshot, names.as_slice()).await,
            Part::Git => self.bundle(snapshot, "git", scratch).await,
            Part::Wiki => self.bundle(snapshot, "wiki", scratch).await,
        }
    }

    async fn archive(&self, snapshot: &str) -> Result<Flow, Error> {
        let snapshot = self
            .on_thread(snapshot, |_, snapshot| Ok(snapshot.clone()))
            .await?;
        Ok(self.pour(move |reader, to| {
            let items = reader.items(&snapshot)?;
            pack::tar(reader, &items, to)
        }))
    }

    async fn one_file(
        &self,
        snapshot: &str,
        path: &[String],
    ) -> Result<Option<(Flow, Option<u64>)>, Error> {
        let path = path.to_vec();
        let found = self
            .on_thread(snapshot, move |looker, snapshot| {
                looker.file(snapshot, &path)
            })
            .await?;
        Ok(found.map(|node| {
            let size = node.meta.size;
            let flow = self.pour(move |reader, to| pack::file(reader, &node, to));
            (flow, Some(size))
        }))
    }

    /// Whether there is anything to bundle is known at once; bringing the repository to this machine takes its time, while
    /// whoever takes the stream waits.
    async fn bundle(
        &self,
        snapshot: &str,
        folder: &'static str,
        scratch: &Path,
    ) -> Result<Option<(Flow, Option<u64>)>, Error> {
        let found = self
            .on_thread(snapshot, move |looker, snapshot| {
                let references = looker.references(snapshot, folder)?;
                Ok(references.map(|references| (snapshot.clone(), references)))
            })
            .await?;
        let Some((snapshot, references)) = found else {
            return Ok(None);
        };
        let failed = |error: std::io::Error| Error::staging(scratch, &error);
        tokio::fs::create_dir_all(scratch).await.map_err(failed)?;
        let scratch = tempfile::Builder::new()
            .prefix("bundle-")
            .tempdir_in(scratch)
            .map_err(failed)?;
        let (to, flow) = flow();
        let own = self.clone();
        tokio::spawn(async move {
            let target = scratch.path().to_owned();
            let work = async {
                let repository = blocking(move || {
                    Looker { shelf: &own }.mirror(&snapshot, folder, &references, &target)
                });
                git::bundle(&repository.await?, &to).await
            };
            let ended = tokio::select! {
                ended = work => ended,
                // Nobody is there to take it.
                () = to.abandoned() => Err(Error::Cancelled),
            };
            if let Err(error) = ended {
                to.break_off(error).await;
            }
            if let Err(error) = tokio::task::spawn_blocking(move || scratch.close()).await {
                tracing::warn!(%error, "The files of a bundle were not removed.");
            }
        });
        Ok(Some((flow, None)))
    }

    /// Lets a thread write, and answers the other end.
    fn pour(
        &self,
        write: impl FnOnce(&Reader<'_>, Inflow) -> Result<(), Error> + Send + 'static,
    ) -> Flow {
        let (to, flow) = flow();
        let own = self.clone();
        tokio::spawn(async move {
            let teller = to.clone();
            let written = blocking(move || {
                let reader = Reader::over(&own.inner, Arc::clone(&own.repository));
                write(&reader, to)
            });
            if let Err(error) = written.await {
                teller.break_off(error).await;
            }
        });
        flow
    }

    async fn on_thread<T, F>(&self, snapshot: &str, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Looker<'_>, &SnapshotFile) -> Result<T, Error> + Send + 'static,
    {
        let (own, id) = (self.clone(), snapshot.to_owned());
        blocking(move || {
            let snapshot = own.inner.snapshot(&own.repository, &id)?;
            work(&Looker { shelf: &own }, &snapshot)
        })
        .await
    }
}

/// Where a path leads.
enum At {
    Root,
    Node(Box<Node>),
}

/// A thread that looks around.
struct Looker<'a> {
    shelf: &'a Shelf,
}

impl Looker<'_> {
    fn reader(&self) -> Reader<'_> {
        Reader::over(&self.shelf.inner, Arc::clone(&self.shelf.repository))
    }

    fn tree(&self, id: &TreeId) -> Result<Vec<Node>, Error> {
        let tree = self.shelf.repository.get_tree(id).map_err(|error| {
            self.shelf
                .inner
                .explain("Reading a folder of the snapshot", &error)
        })?;
        Ok(tree.nodes)
    }

    fn node(&self, snapshot: &SnapshotFile, path: &[String]) -> Result<Option<At>, Error> {
        let mut at = At::Root;
        let mut walked = PathBuf::new();
        for name in path {
            let tree = match &at {
                At::Root => snapshot.tree,
                At::Node(node) => match node.subtree.filter(|_| node.is_dir()) {
                    Some(tree) => tree,
                    None => return Ok(None),
                },
            };
            let found = self
                .tree(&tree)?
                .into_iter()
                .find(|node| node.name() == std::ffi::OsStr::new(name));
            let Some(node) = found else {
                return Ok(None);
            };
            walked.push(name);
            check(&walked, &node)?;
            at = At::Node(Box::new(node));
        }
        Ok(Some(at))
    }

    fn file(&self, snapshot: &SnapshotFile, path: &[String]) -> Result<Option<Node>, Error> {
        Ok(match self.node(snapshot, path)? {
            Some(At::Node(node)) if node.is_file() => Some(*node),
            Some(At::Node(_) | At::Root) | None => None,
        })
    }

    fn folder(&self, tree: TreeId) -> Result<Found, Error> {
        let mut budget = WEIGHED;
        let mut items = Vec::new();
        for node in self.tree(&tree)? {
            let bytes = match node.subtree.filter(|_| node.is_dir()) {
                Some(subtree) => self.weigh(&subtree, &mut budget)?,
                None => Some(node.meta.size),
            };
            items.push(item(&node, bytes));
        }
        items.sort_by(|one, other| {
            other
                .is_folder
                .cmp(&one.is_folder)
                .then_with(|| one.name.cmp(&other.name))
        });
        Ok(Found::Folder(items))
    }

    /// Bytes below a folder; nothing when that is too much to count.
    fn weigh(&self, tree: &TreeId, budget: &mut usize) -> Result<Option<u64>, Error> {
        let mut bytes = 0;
        for node in self.tree(tree)? {
            let Some(left) = budget.checked_sub(1) else {
                return Ok(None);
            };
            *budget = left;
            bytes += match node.subtree.filter(|_| node.is_dir()) {
                None => node.meta.size,
                Some(subtree) => match self.weigh(&subtree, budget)? {
                    Some(below) => below,
                    None => return Ok(None),
                },
            };
        }
        Ok(Some(bytes))
    }

    /// What the manifest says of a git repository's references; nothing if the snapshot has none, or an empty one.
    fn references(
        &self,
        snapshot: &SnapshotFile,
        folder: &str,
    ) -> Result<Option<manifest::References>, Error> {
        let Some(file) = self.file(snapshot, &[manifest::FILE.to_owned()])? else {
            return Err(Error::storage(
                "The snapshot has no manifest: verify the storage.",
            ));
        };
        let mut bytes = Vec::new();
        self.reader().dump(&file, &mut bytes)?;
        let manifest = Manifest::parse(&bytes)?;
        let found = manifest.mirrors().find(|(name, _)| *name == folder);
        Ok(found
            .map(|(_, references)| references.clone())
            .filter(|references| references.count > 0))
    }

    /// Brings a git repository to a folder, and answers where it is.
    fn mirror(
        &self,
        snapshot: &SnapshotFile,
        folder: &str,
        expected: &manifest::References,
        to: &Path,
    ) -> Result<PathBuf, Error> {
        let reader = self.reader();
        let mut items = reader.items(snapshot)?;
        items.retain(|item| item.path.starts_with(folder));
        let extracted = reader.extract(&items, to, &AtomicU64::new(0))?;
        self.shelf.inner.whole(&extracted, to)?;
        let repository = to.join(folder);
        git::check_references(&repository, expected)?;
        Ok(repository)
    }
}

fn item(node: &Node, bytes: Option<u64>) -> Item {
    Item {
        name: node.name().to_string_lossy().into_owned(),
        is_folder: node.is_dir(),
        bytes,
        modified_at: node
            .meta
            .mtime
            .and_then(|time| DateTime::from_timestamp(time.as_second(), 0)),
    }
}
