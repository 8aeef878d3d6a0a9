//! Reading files out of snapshots, with bounded memory, and without the engine's own restore, which panics on the first damaged blob.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::SystemTime;

use rustic_core::repofile::{Node, SnapshotFile};
use rustic_core::{IndexedFullStatus, LsOptions, Repository};

use super::Inner;
use crate::Error;
use crate::digest::{Digest, Hashing};

/// Files read at the same time.
const READERS: usize = 4;

/// A repository whose index is loaded in full.
pub(super) struct Reader<'a> {
    inner: &'a Inner,
    pub(super) repository: Arc<Readable>,
}

/// The engine's repository, ready for reading.
pub(super) type Readable = Repository<IndexedFullStatus>;

/// One file or folder of a snapshot. Its path has been checked: it leads nowhere but down.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) path: PathBuf,
    pub(super) node: Node,
}

/// What came out of an extraction.
#[derive(Debug, Default)]
pub(super) struct Extracted {
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// One sentence for each file that could not be read.
    pub(super) lost: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn open(inner: &'a Inner) -> Result<Self, Error> {
        let repository = inner
            .connect()?
            .to_indexed()
            .map_err(|error| inner.explain("Loading the index", &error))?;
        let repository = Arc::new(repository);
        Ok(Self { inner, repository })
    }

    /// Reads by an index that was loaded before.
    pub(super) fn over(inner: &'a Inner, repository: Arc<Readable>) -> Self {
        Self { inner, repository }
    }

    /// All files and folders of a snapshot, folders before what they hold.
    pub(super) fn items(&self, snapshot: &SnapshotFile) -> Result<Vec<Item>, Error> {
        let what = format!("Reading the folders of snapshot {}", snapshot.id);
        let failed = |error: Box<rustic_core::RusticError>| self.inner.explain(&what, &error);
        let root = self
            .repository
            .node_from_path(snapshot.tree, Path::new(""))
            .map_err(failed)?;
        let mut items = Vec::new();
        for entry in self
            .repository
            .ls(&root, &LsOptions::default())
            .map_err(failed)?
        {
            let (path, node) = entry.map_err(failed)?;
            check(&path, &node)?;
            items.push(Item { path, node });
        }
        Ok(items)
    }

    /// Writes a file's content.
    pub(super) fn dump(&self, node: &Node, to: &mut impl Write) -> Result<(), Error> {
        self.repository
            .dump(node, to)
            .map_err(|error| self.inner.explain("Reading a file", &error))
    }

    /// A small file's content.
    pub(super) fn content(&self, item: &Item) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        self.dump(&item.node, &mut content)?;
        Ok(content)
    }

    /// Length and hash of a file.
    pub(super) fn digest(&self, node: &Node) -> Result<Digest, Error> {
        let mut hashing = Hashing::new(io::sink());
        self.dump(node, &mut hashing)?;
        Ok(hashing.finish().1)
    }

    /// Writes items below a folder. Nothing that exists is overwritten; a file that cannot be read is named, the others follow.
    pub(super) fn extract(
        &self,
        items: &[Item],
        to: &Path,
        written: &AtomicU64,
    ) -> Result<Extracted, Error> {
        for folder in items.iter().filter(|item| item.node.is_dir()) {
            let path = to.join(&folder.path);
            fs::create_dir_all(&path).map_err(|error| Error::staging(&path, &error))?;
        }
        let files: Vec<&Item> = items.iter().filter(|item| item.node.is_file()).collect();
        let next = Mutex::new(files.iter());
        let outcomes = thread::scope(|scope| {
            let readers: Vec<_> = (0..READERS)
                .map(|_| scope.spawn(|| self.extract_next(&next, to, written)))
                .collect();
            readers
                .into_iter()
                .map(|reader| {
                    reader
                        .join()
                        .unwrap_or_else(|_panic| Err(Error::storage("Reading a file broke off.")))
                })
                .collect::<Vec<_>>()
        });
        let mut all = Extracted {
            files: files.len() as u64,
            ..Extracted::default()
        };
        for outcome in outcomes {
            let part = outcome?;
            all.bytes += part.bytes;
            all.lost.extend(part.lost);
        }
        all.files -= all.lost.len() as u64;
        Ok(all)
    }

    /// One reader's share: file after file until none is left.
    fn extract_next<'i>(
        &self,
        next: &Mutex<impl Iterator<Item = &'i &'i Item>>,
        to: &Path,
        written: &AtomicU64,
    ) -> Result<Extracted, Error> {
        let mut done = Extracted::default();
        loop {
            let item = next.lock().ok().and_then(|mut next| next.next());
            let Some(item) = item else {
                return Ok(done);
            };
            match self.extract_file(item, &to.join(&item.path), written) {
                Ok(bytes) => done.bytes += bytes,
                Err(
                    error @ (Error::Staging { .. }
                    | Error::Storage {
                        unreachable: true, ..
                    }),
                ) => {
                    return Err(error);
                }
                Err(error) => done.lost.push(format!("{}: {error}", item.path.display())),
            }
        }
    }

    fn extract_file(&self, item: &Item, to: &Path, written: &AtomicU64) -> Result<u64, Error> {
        let failed = |error: io::Error| Error::staging(to, &error);
        let file = File::create_new(to).map_err(failed)?;
        let mut counting = Counting {
            inner: BufWriter::new(file),
            total: written,
            count: 0,
        };
        if let Err(error) = self.dump(&item.node, &mut counting) {
            return match counting.inner.flush() {
                // The engine does not tell a full disk here from a damaged blob there.
                Err(local) => Err(failed(local)),
                Ok(()) => Err(error),
            };
        }
        let count = counting.count;
        let file = counting
            .inner
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        if let Some(modified) = item.node.meta.mtime {
            file.set_modified(SystemTime::from(modified))
                .map_err(failed)?;
        }
        if count == item.node.meta.size {
            Ok(count)
        } else {
            Err(Error::storage(format!(
                "it has {count} bytes instead of {}.",
                item.node.meta.size
            )))
        }
    }
}

/// Counts what passes through.
struct Counting<'a, W> {
    inner: W,
    total: &'a AtomicU64,
    count: u64,
}

impl<W: Write> Write for Counting<'_, W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.count += count as u64;
        self.total.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Refuses a path that would lead out of the folder that it is restored to, and whatever is neither file nor folder.
pub(super) fn check(path: &Path, node: &Node) -> Result<(), Error> {
    let refused = |why: &str| {
        Err(Error::storage(format!(
            "The snapshot holds \"{}\", which {why}: nothing is restored from it.",
            path.display()
        )))
    };
    let name = node.name();
    let own_name = Path::new(&name);
    let down = |path: &Path| {
        path.components().next().is_some()
            && path
                .components()
                .all(|part| matches!(part, Component::Normal(_)))
    };
    if !down(path) || !down(own_name) || own_name.components().count() != 1 {
        return refused("leads out of its folder");
    }
    if !node.is_dir() && !node.is_file() {
        return refused("is neither a file nor a folder");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use rustic_core::repofile::{Metadata, NodeType};

    use super::*;

    fn judge(path: &str, name: &str, kind: NodeType) -> Result<(), Error> {
        let node = Node::new_node(OsStr::new(name), kind, Metadata::default());
        check(Path::new(path), &node)
    }

    #[test]
    fn a_path_leads_nowhere_but_down() {
        judge("git/HEAD", "HEAD", NodeType::File).unwrap();
        for (path, name) in [
            ("../HEAD", "HEAD"),
            ("git/../../HEAD", "HEAD"),
            ("/etc/passwd", "passwd"),
            ("..", ".."),
            ("", ""),
            ("git/a/b", "a/b"),
        ] {
            let refused = judge(path, name, NodeType::File).unwrap_err().to_string();
            assert!(refused.contains("leads out"), "{path}: {refused}");
        }
    }

    #[test]
    fn links_are_not_restored() {
        let link = NodeType::from_link(Path::new("/etc"));
        assert!(judge("git/refs", "refs", link).is_err());
    }
}
