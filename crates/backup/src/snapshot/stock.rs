//! Large files that need not be on this machine, because the parent snapshot holds them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::manifest::Digest;
use crate::staging::Staging;

/// What is there already.
#[derive(Debug)]
pub(crate) struct Stock<'a> {
    staging: &'a Staging,
    parent: &'a BTreeMap<String, Digest>,
}

impl<'a> Stock<'a> {
    pub(super) fn new(staging: &'a Staging, parent: &'a BTreeMap<String, Digest>) -> Self {
        Self { staging, parent }
    }

    /// Where a file lies while it is on this machine.
    pub(crate) fn local(&self, path: &str) -> PathBuf {
        self.staging.path(path)
    }

    /// Whether a file need not be fetched. One on this machine was checked before it was put in place.
    pub(crate) fn has(&self, path: &str, digest: &Digest) -> bool {
        let local = self.local(path).metadata();
        self.parent.get(path) == Some(digest) || local.is_ok_and(|found| found.len() == digest.size)
    }
}
