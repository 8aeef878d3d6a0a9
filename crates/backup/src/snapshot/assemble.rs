//! From the working folder to a manifest and to the files of a snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::{ForgeKind, Kind, Omission};

use super::Job;
use super::base::Ground;
use super::content::{Held, Now};
use crate::blocking::blocking;
use crate::manifest::{self, Coverage, Manifest, Records, State};
use crate::staging::{self, Staging, metadata_path};
use crate::storage::Tree;
use crate::{Error, digest};

/// Describes the content of the working folder.
pub(super) async fn manifest(
    held: Held,
    job: &Job,
    forge: ForgeKind,
    staging: &Staging,
    ground: &Ground,
) -> Result<Manifest, Error> {
    let root = staging.root().to_owned();
    let before = ground.content.as_ref().map(|(manifest, _)| manifest);
    let mut manifest = Manifest::new(job.labels.host.clone(), &job.repository);
    let kinds = job.kinds.clone();
    manifest.metadata = blocking(move || records(&root, &kinds)).await?;
    manifest.git = held.git.map(|references| references.digest());
    manifest.wiki = held.wiki_references.map(|references| references.digest());
    if job.kinds.contains(&Kind::Lfs) {
        manifest.lfs = held
            .lfs
            .or_else(|| before.map(|before| before.lfs.clone()))
            .unwrap_or_default();
    }
    if job.kinds.contains(&Kind::Assets) {
        manifest.assets = held
            .assets
            .or_else(|| before.map(|before| before.assets.clone()))
            .unwrap_or_default();
    }
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_of(forge)) {
        if !job.kinds.contains(&kind) {
            manifest.leave_out(kind);
            continue;
        }
        let count = count(&manifest, kind);
        let state = match held.read.get(&kind) {
            Some(Now::Read) => State::Complete,
            Some(Now::Absent) => State::Absent,
            Some(Now::Lacking(omissions)) => {
                manifest.omissions.extend(omissions.iter().cloned());
                if count > 0 {
                    State::Partial
                } else {
                    State::Refused
                }
            }
            None => {
                manifest
                    .omissions
                    .extend(before.into_iter().flat_map(|before| omitted(before, kind)));
                let coverage = before.and_then(|before| before.coverage.get(&kind));
                coverage.map_or(State::Absent, |coverage| coverage.state)
            }
        };
        manifest.coverage.insert(kind, Coverage { state, count });
    }
    manifest.omissions.sort();
    Ok(manifest)
}

fn omitted(before: &Manifest, kind: Kind) -> impl Iterator<Item = Omission> {
    before
        .omissions
        .iter()
        .filter(move |omission| omission.kind == kind)
        .cloned()
}

fn count(manifest: &Manifest, kind: Kind) -> u64 {
    match kind {
        Kind::Git => manifest
            .git
            .as_ref()
            .map_or(0, |references| references.count),
        Kind::Wiki => manifest
            .wiki
            .as_ref()
            .map_or(0, |references| references.count),
        Kind::Lfs => manifest.lfs.len() as u64,
        Kind::Assets => manifest.assets.len() as u64,
        Kind::Settings
        | Kind::Labels
        | Kind::Milestones
        | Kind::Issues
        | Kind::IssueComments
        | Kind::PullRequests
        | Kind::Reviews
        | Kind::ReviewComments
        | Kind::Releases
        | Kind::Boards
        | Kind::Snippets
        | Kind::Uploads
        | Kind::Members
        | Kind::ProtectedBranches
        | Kind::ProtectedTags
        | Kind::Hooks
        | Kind::Variables
        | Kind::PipelineSchedules
        | Kind::DeployKeys => manifest
            .metadata
            .get(&kind)
            .map_or(0, |records| records.count),
    }
}

/// Measures the files of metadata.
fn records(root: &Path, kinds: &BTreeSet<Kind>) -> Result<BTreeMap<Kind, Records>, Error> {
    let mut all = BTreeMap::new();
    for kind in kinds.iter().copied() {
        let path = metadata_path(kind);
        if root.join(&path).is_file() {
            let (digest, count) = digest::of_lines(&root.join(&path))?;
            all.insert(
                kind,
                Records {
                    path,
                    count,
                    digest,
                },
            );
        }
    }
    Ok(all)
}

/// Writes the manifest into the working folder and lists what the snapshot is made of. Answers the manifest's hash too.
pub(super) async fn tree(staging: &Staging, manifest: &Manifest) -> Result<(String, Tree), Error> {
    let (root, manifest) = (staging.root().to_owned(), manifest.clone());
    blocking(move || {
        let bytes = manifest.to_bytes()?;
        staging::replace(&root.join(manifest::FILE), &bytes)?;
        Ok((digest::of_bytes(&bytes).sha256, files(&root, &manifest)?))
    })
    .await
}

fn files(root: &Path, manifest: &Manifest) -> Result<Tree, Error> {
    let mut tree = Tree::default();
    tree.add_file(manifest::FILE, &root.join(manifest::FILE))?;
    for (folder, _) in manifest.mirrors() {
        tree.add_mirror(folder, &root.join(folder))?;
    }
    for records in manifest.metadata.values() {
        tree.add_file(&records.path, &root.join(&records.path))?;
    }
    let objects = manifest
        .lfs
        .iter()
        .map(|(path, digest)| (path, digest, None));
    let assets = manifest
        .assets
        .iter()
        .map(|(path, asset)| (path, &asset.digest, asset.updated_at));
    for (path, digest, at) in objects.chain(assets) {
        let local = root.join(path);
        if local.is_file() {
            tree.add_file(path, &local)?;
        } else {
            tree.add_stored(path, digest.size, staging::fixed_time(at))?;
        }
    }
    Ok(tree)
}

/// Removes large files that the new snapshot holds: they are not needed here any more.
pub(super) async fn drop_stored(staging: &Staging) -> Result<(), Error> {
    let folders: Vec<PathBuf> = ["lfs", "assets"].map(|name| staging.path(name)).into();
    blocking(move || {
        for folder in folders {
            match fs::remove_dir_all(&folder) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::staging(&folder, &error)),
            }
        }
        Ok(())
    })
    .await
}
