//! Proving that what is stored can be brought back.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::AtomicU64;

use rustic_core::repofile::{Node, SnapshotFile};
use rustic_core::{CheckOptions, DataId, TreeId};
use tokio::runtime::Handle;

use super::fault::one_line;
use super::read::{Item, Reader};
use super::snapshots::hex;
use super::{Inner, Storage};
use crate::manifest::{self, Manifest, References};
use crate::{Error, git};

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Snapshots looked at.
    pub snapshots: u64,
    /// One sentence for each thing that is not as it should be.
    pub problems: Vec<String>,
    /// Bytes read from the storage.
    pub bytes_read: u64,
}

impl Storage {
    /// Verifies one snapshot, or all: the structure of the repository, every manifest, and that its files are there. With
    /// `read_data` every byte is read: hashes are compared with the manifests and the git repositories pass `git fsck`.
    pub async fn verify(&self, id: Option<&str>, read_data: bool) -> Result<Verification, Error> {
        let id = id.map(str::to_owned);
        self.on_thread(move |inner| inner.verify(id.as_deref(), read_data))
            .await
    }
}

impl Inner {
    fn verify(&self, id: Option<&str>, read_data: bool) -> Result<Verification, Error> {
        let before = self.backend.bytes_read();
        let repository = self.connect()?;
        let mut problems = Vec::new();
        let snapshots = if let Some(id) = id {
            vec![self.snapshot(&repository, id)?]
        } else {
            let listed = self.listed(&repository)?;
            let unreadable = listed.unreadable.iter();
            problems.extend(unreadable.map(|id| format!("The snapshot {id} cannot be read.")));
            listed.snapshots
        };
        let trees = snapshots.iter().map(|snapshot| snapshot.tree).collect();
        let found = repository
            .check_with_trees(CheckOptions::default().read_data(read_data), trees)
            .map_err(|error| self.explain("Checking the storage", &error))?;
        let findings = found.0.iter();
        // The engine does not export the levels; leftovers of killed writers are warnings.
        problems.extend(
            findings
                .filter(|(level, _)| format!("{level:?}") == "Error")
                .map(|(_, finding)| format!("{}.", one_line(&finding.to_string()))),
        );
        drop(repository);
        let mut proof = Proof {
            reader: Reader::open(self)?,
            read_data,
            files: HashSet::new(),
            mirrors: HashSet::new(),
        };
        for snapshot in &snapshots {
            let name = format!("Snapshot {} ({})", short(snapshot), snapshot.label);
            match proof.snapshot(snapshot) {
                Ok(found) => problems.extend(found.iter().map(|what| format!("{name}: {what}"))),
                Err(
                    gone @ Error::Storage {
                        unreachable: true, ..
                    },
                ) => return Err(gone),
                Err(error) => problems.push(format!("{name}: {error}")),
            }
        }
        Ok(Verification {
            snapshots: snapshots.len() as u64,
            problems,
            bytes_read: self.backend.bytes_read() - before,
        })
    }
}

fn short(snapshot: &SnapshotFile) -> String {
    hex(&snapshot.id).chars().take(8).collect()
}

/// What has been proven so far: snapshots share files, and each is read once.
struct Proof<'a> {
    reader: Reader<'a>,
    read_data: bool,
    files: HashSet<(Vec<DataId>, String)>,
    mirrors: HashSet<(TreeId, String)>,
}

impl Proof<'_> {
    /// Compares a snapshot with its manifest.
    fn snapshot(&mut self, snapshot: &SnapshotFile) -> Result<Vec<String>, Error> {
        let items = self.reader.items(snapshot)?;
        let by_path: BTreeMap<&Path, &Item> = items
            .iter()
            .map(|item| (item.path.as_path(), item))
            .collect();
        let Some(item) = by_path.get(Path::new(manifest::FILE)) else {
            return Ok(vec!["it has no manifest.".to_owned()]);
        };
        let manifest = Manifest::parse(&self.reader.content(item)?)?;
        let mut problems = Vec::new();
        for (path, expected) in manifest.files() {
            match by_path.get(Path::new(path)) {
                None => problems.push(format!("{path} is missing.")),
                Some(item) if item.node.meta.size != expected.size => problems.push(format!(
                    "{path} has {} bytes instead of {}.",
                    item.node.meta.size, expected.size
                )),
                Some(item) if self.read_data => {
                    problems.extend(self.file(path, &item.node, &expected.sha256));
                }
                Some(_) => {}
            }
        }
        let files = items.iter().filter(|item| item.node.is_file());
        problems.extend(
            files
                .map(|item| item.path.display().to_string())
                .filter(|path| !manifest.holds(path))
                .map(|path| format!("{path} is not in the manifest.")),
        );
        for (folder, references) in manifest.mirrors() {
            match by_path.get(Path::new(folder)) {
                None => problems.push(format!("{folder} is missing.")),
                Some(item) if self.read_data => {
                    problems.extend(self.mirror(folder, &item.node, references, &items)?);
                }
                Some(_) => {}
            }
        }
        Ok(problems)
    }

    fn file(&mut self, path: &str, node: &Node, sha256: &str) -> Option<String> {
        let key = (node.content.clone().unwrap_or_default(), sha256.to_owned());
        if self.files.contains(&key) {
            return None;
        }
        match self.reader.digest(node) {
            Err(error) => Some(format!("{path}: {error}")),
            Ok(found) if found.sha256 != sha256 => {
                Some(format!("{path} is not what the manifest says."))
            }
            Ok(_) => {
                self.files.insert(key);
                None
            }
        }
    }

    /// Extracts a git repository to a temporary folder and lets git check it.
    fn mirror(
        &mut self,
        folder: &str,
        node: &Node,
        references: &References,
        items: &[Item],
    ) -> Result<Option<String>, Error> {
        let key = (node.subtree.unwrap_or_default(), references.sha256.clone());
        if self.mirrors.contains(&key) {
            return Ok(None);
        }
        let temporary =
            tempfile::tempdir().map_err(|error| Error::staging(Path::new(folder), &error))?;
        let part: Vec<Item> = items
            .iter()
            .filter(|item| item.path.starts_with(folder))
            .cloned()
            .collect();
        let extracted = self
            .reader
            .extract(&part, temporary.path(), &AtomicU64::new(0))?;
        if let Some(first) = extracted.lost.first() {
            return Ok(Some(format!(
                "{first} ({} files lost)",
                extracted.lost.len()
            )));
        }
        match Handle::current().block_on(git::check(&temporary.path().join(folder), references)) {
            Ok(()) => {
                self.mirrors.insert(key);
                Ok(None)
            }
            Err(error) => Ok(Some(format!("{folder}: {error}"))),
        }
    }
}
