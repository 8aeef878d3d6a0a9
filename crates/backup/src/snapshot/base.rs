//! What a fetch starts from: the content of the working folder, and the snapshot that the next one is compared with.

use std::collections::BTreeMap;
use std::path::Path;

use forge::Marks;

use super::Job;
use crate::manifest::{self, Digest, Manifest};
use crate::staging::{Base, Staging};
use crate::{Error, Progress, Stage, Storage, digest};

/// The ground that a fetch stands on.
#[derive(Debug)]
pub(super) struct Ground {
    /// The manifest of the working folder's content, and the marks that it is the state of; nothing to begin from nothing.
    pub(super) content: Option<(Manifest, Marks)>,
    /// The previous snapshot in this storage, if the storage has it.
    parent: Option<String>,
    /// Large files in that snapshot, which need not be on this machine.
    pub(super) stored: BTreeMap<String, Digest>,
}

impl Ground {
    /// Looks at the working folder; where it is new or lost, brings it back from the previous snapshot.
    pub(super) async fn find(
        staging: &Staging,
        storage: &Storage,
        job: &Job,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Self, Error> {
        let base = staging.base()?;
        let own = match &base {
            Some(base) => Some((read(staging)?, base.marks.clone())),
            None => None,
        };
        let Some(previous) = &job.previous else {
            return Ok(Self {
                content: own,
                parent: None,
                stored: BTreeMap::new(),
            });
        };
        let is_parent = base.is_some_and(|base| base.snapshot == previous.snapshot);
        let manifest = match &own {
            Some((manifest, _)) if is_parent => Some(manifest.clone()),
            _ => storage.manifest(&previous.snapshot).await?,
        };
        let content = match (own, &manifest) {
            (Some(own), _) => Some(own),
            (None, Some(manifest)) => {
                progress(Progress {
                    stage: Stage::Hydrate,
                    kind: None,
                    done: 0,
                    total: None,
                });
                hydrate(staging, storage, previous).await?;
                Some((manifest.clone(), previous.marks.clone()))
            }
            (None, None) => None,
        };
        Ok(Self {
            content,
            parent: manifest.is_some().then(|| previous.snapshot.clone()),
            stored: manifest
                .map(|manifest| large(&manifest))
                .unwrap_or_default(),
        })
    }

    /// The snapshot to compare with.
    pub(super) fn parent(&self) -> Option<String> {
        self.parent.clone()
    }

    pub(super) fn snapshot(&self) -> Option<&str> {
        self.parent.as_deref()
    }

    /// The previous snapshot turned out not to hold these.
    pub(super) fn forget(&mut self, paths: &[String]) {
        for path in paths {
            self.stored.remove(path);
        }
    }
}

/// LFS objects and assets of a manifest.
fn large(manifest: &Manifest) -> BTreeMap<String, Digest> {
    let assets = manifest
        .assets
        .iter()
        .map(|(path, asset)| (path, &asset.digest));
    manifest
        .lfs
        .iter()
        .chain(assets)
        .map(|(path, digest)| (path.clone(), digest.clone()))
        .collect()
}

fn read(staging: &Staging) -> Result<Manifest, Error> {
    let path = staging.path(manifest::FILE);
    let bytes = std::fs::read(&path).map_err(|error| Error::staging(&path, &error))?;
    Manifest::parse(&bytes)
}

/// Fills the folder from a snapshot. Costs reads of the storage and no request to the host. Large files stay where they are.
async fn hydrate(
    staging: &Staging,
    storage: &Storage,
    previous: &super::Previous,
) -> Result<(), Error> {
    staging.clear()?;
    let wanted = |path: &Path| !path.starts_with("lfs") && !path.starts_with("assets");
    storage
        .extract(&previous.snapshot, staging.root(), wanted)
        .await?;
    let path = staging.path(manifest::FILE);
    staging.set_base(&Base {
        snapshot: previous.snapshot.clone(),
        marks: previous.marks.clone(),
        manifest_sha256: digest::of_file(&path)?.sha256,
    })
}
