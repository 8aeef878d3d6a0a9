//! A snapshot in a folder, as far as it can be written to a host.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::Kind;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::git::Mirror;
use crate::manifest::{self, Manifest};
use crate::staging::metadata_path;

#[derive(Debug)]
pub(super) struct Source {
    folder: PathBuf,
    pub(super) manifest: Manifest,
}

impl Source {
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(manifest::FILE);
        let bytes = fs::read(&path).map_err(|error| Error::staging(&path, &error))?;
        Ok(Self {
            folder: folder.to_owned(),
            manifest: Manifest::parse(&bytes)?,
        })
    }

    pub(super) fn path(&self, part: &str) -> PathBuf {
        self.folder.join(part)
    }

    /// How many of a kind the snapshot holds.
    pub(super) fn held(&self, kind: Kind) -> u64 {
        let coverage = self.manifest.coverage.get(&kind);
        coverage.map_or(0, |coverage| coverage.count)
    }

    /// Whether there is a branch or a tag to push.
    pub(super) fn has_git(&self) -> bool {
        self.manifest.git.as_ref().is_some_and(|git| git.count > 0)
    }

    pub(super) fn has_wiki(&self) -> bool {
        self.manifest
            .wiki
            .as_ref()
            .is_some_and(|wiki| wiki.count > 0)
    }

    /// Branches and tags with their objects.
    pub(super) fn references(
        &self,
        cancel: &CancellationToken,
    ) -> Result<BTreeMap<String, String>, Error> {
        if !self.has_git() {
            return Ok(BTreeMap::new());
        }
        let mirror = Mirror::at(self.path("git"), cancel.clone());
        let found = mirror.references();
        let found = found.map_err(|failure| failure.into_error("Reading the references"))?;
        Ok(found
            .current()
            .map(|(name, object)| (name.to_owned(), object.to_owned()))
            .collect())
    }

    /// The project's settings; nothing of them if the plan did not take them.
    pub(super) fn settings(&self) -> Result<Value, Error> {
        let rows = self.rows(Kind::Settings)?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// The rows of a list; none if the snapshot has no such list.
    pub(super) fn rows(&self, kind: Kind) -> Result<Vec<Value>, Error> {
        let path = self.path(&metadata_path(kind));
        let failed = |error: io::Error| Error::staging(&path, &error);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        text.lines()
            .map(|line| serde_json::from_str(line).map_err(|error| failed(error.into())))
            .collect()
    }
}

/// A text of a row; nothing where it has none.
pub(super) fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The row with this text under a name.
pub(super) fn named<'a>(rows: &'a [Value], name: &str, wanted: &str) -> Option<&'a Value> {
    rows.iter().find(|row| text(row, name) == wanted)
}
