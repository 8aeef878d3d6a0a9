//! `manifest.json`: what a snapshot was asked for, what it holds, and what it does not hold.
//!
//! It is a function of the content alone: no clock, no run, no credential. The same content makes the same bytes, so that an
//! unchanged repository makes no new snapshot.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{Kind, Omission};
use serde::{Deserialize, Serialize};

pub use crate::digest::Digest;
use crate::{Error, digest};

/// Name of the manifest in a snapshot.
pub(crate) const FILE: &str = "manifest.json";
/// The newest version of the layout that this program reads.
const FORMAT: u32 = 2;
/// The version of a snapshot of everything.
const FORMAT_WHOLE: u32 = 1;
/// The version of a snapshot of which a kind was not asked for, which readers of earlier versions do not understand.
const FORMAT_IN_PART: u32 = 2;

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the layout.
    pub format: u32,
    /// The host, as in the snapshot's label.
    pub host: String,
    /// The host's number for the repository, kept over renames.
    pub forge_id: i64,
    /// `owner/name` at the time of the snapshot.
    pub full_name: String,
    /// Name of the default branch, if there is one.
    pub default_branch: Option<String>,
    /// The git repository in `git/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<References>,
    /// The wiki's git repository in `wiki/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wiki: Option<References>,
    /// The files in `metadata/`, by kind.
    pub metadata: BTreeMap<Kind, Records>,
    /// LFS objects in `lfs/`, by path.
    pub lfs: BTreeMap<String, Digest>,
    /// Release assets in `assets/`, by path.
    pub assets: BTreeMap<String, Asset>,
    /// How much of each kind there is.
    pub coverage: BTreeMap<Kind, Coverage>,
    /// What is missing, and why.
    pub omissions: Vec<Omission>,
}

/// The references of a git repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct References {
    /// How many there are.
    pub count: u64,
    /// SHA-256 of the lines `OBJECT NAME`, sorted by name.
    pub sha256: String,
}

/// A file of JSON lines, or of one JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Path in the snapshot.
    pub path: String,
    /// Objects in it.
    pub count: u64,
    /// Length and hash.
    #[serde(flatten)]
    pub digest: Digest,
}

/// An asset of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Its name on the host.
    pub name: String,
    /// When it was uploaded, as the host says.
    pub updated_at: Option<DateTime<Utc>>,
    /// Length and hash.
    #[serde(flatten)]
    pub digest: Digest,
}

/// How much of one kind of data a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// In one word.
    pub state: State,
    /// Items held: references, objects, assets, records.
    pub count: u64,
}

/// How much of one kind of data a snapshot holds, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All that the host has.
    Complete,
    /// Not all: the omissions name the rest. What was read before may stand in for it.
    Partial,
    /// Nothing, because the host refused.
    Refused,
    /// The host has none of it, or has it switched off; what was read before stays.
    Absent,
    /// Nothing, because the plan does not take it.
    NotAsked,
}

/// The part of a manifest that every version has.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Manifest {
    /// An empty manifest of this version.
    pub(crate) fn new(host: String, repository: &forge::Repository) -> Self {
        Self {
            format: FORMAT_WHOLE,
            host,
            forge_id: repository.id,
            full_name: repository.name.to_string(),
            default_branch: repository.default_branch.clone(),
            git: None,
            wiki: None,
            metadata: BTreeMap::new(),
            lfs: BTreeMap::new(),
            assets: BTreeMap::new(),
            coverage: BTreeMap::new(),
            omissions: Vec::new(),
        }
    }

    /// Says that a kind was not asked for.
    pub(crate) fn leave_out(&mut self, kind: Kind) {
        self.format = FORMAT_IN_PART;
        let coverage = Coverage {
            state: State::NotAsked,
            count: 0,
        };
        self.coverage.insert(kind, coverage);
    }

    /// Reads a manifest; refuses one of a later version.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let unreadable = |error: serde_json::Error| {
            Error::storage(format!("The manifest cannot be read ({error})."))
        };
        let version: Version = serde_json::from_slice(bytes).map_err(unreadable)?;
        if version.format > FORMAT {
            return Err(Error::storage(format!(
                "The manifest has format {}, and this program reads formats up to {FORMAT}.",
                version.format
            )));
        }
        serde_json::from_slice(bytes).map_err(unreadable)
    }

    /// The manifest's bytes: the same content always gives the same.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| {
            Error::storage(format!("The manifest cannot be written ({error})."))
        })?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Every file outside the git repositories with its length and hash.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Digest)> {
        let records = self.metadata.values();
        records
            .map(|records| (records.path.as_str(), &records.digest))
            .chain(
                self.lfs
                    .iter()
                    .map(|(path, digest)| (path.as_str(), digest)),
            )
            .chain(
                self.assets
                    .iter()
                    .map(|(path, asset)| (path.as_str(), &asset.digest)),
            )
    }

    /// The git repositories, by folder.
    pub fn mirrors(&self) -> impl Iterator<Item = (&'static str, &References)> {
        let mirrors = [("git", &self.git), ("wiki", &self.wiki)];
        mirrors
            .into_iter()
            .filter_map(|(folder, references)| Some((folder, references.as_ref()?)))
    }

    /// Whether a path belongs to a snapshot with this manifest.
    pub(crate) fn holds(&self, path: &str) -> bool {
        path == FILE
            || self.mirrors().any(|(folder, _)| {
                path.strip_prefix(folder)
                    .is_some_and(|rest| rest.starts_with('/'))
            })
            || self.files().any(|(file, _)| file == path)
    }
}

impl References {
    /// Counts and hashes references: pairs of object and name, in the order of their names.
    pub(crate) fn of<'a>(sorted: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut text = String::new();
        let mut count = 0;
        for (name, object) in sorted {
            count += 1;
            text.push_str(object);
            text.push(' ');
            text.push_str(name);
            text.push('\n');
        }
        Self {
            count,
            sha256: digest::of_bytes(text.as_bytes()).sha256,
        }
    }
}

#[cfg(test)]
mod tests;
