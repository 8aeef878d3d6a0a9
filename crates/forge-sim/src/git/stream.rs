//! Builds the input of `git fast-import`, so that a whole history costs one process.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::command;
use crate::error::Error;

/// A history in the making.
#[derive(Debug, Default)]
pub(super) struct Stream {
    text: String,
    marks: usize,
}

/// Who made a commit and when.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub(super) name: String,
    pub(super) at: DateTime<Utc>,
}

/// A commit to be made.
#[derive(Debug)]
pub(super) struct Commit<'a> {
    pub(super) reference: &'a str,
    pub(super) parent: Option<Parent<'a>>,
    pub(super) signature: &'a Signature,
    pub(super) message: &'a str,
    pub(super) files: &'a [(String, String)],
}

/// What a commit comes after.
#[derive(Debug, Clone, Copy)]
pub(super) enum Parent<'a> {
    /// A commit of this stream.
    Mark(usize),
    /// A commit that is in the repository already.
    Object(&'a str),
}

impl Stream {
    /// Adds a commit and returns its mark.
    pub(super) fn commit(&mut self, commit: &Commit<'_>) -> usize {
        self.marks += 1;
        let (name, at) = (&commit.signature.name, commit.signature.at.timestamp());
        self.line(format_args!("commit {}", commit.reference));
        let mark = self.marks;
        self.line(format_args!("mark :{mark}"));
        self.line(format_args!(
            "author {name} <{name}@example.com> {at} +0000"
        ));
        self.line(format_args!(
            "committer {name} <{name}@example.com> {at} +0000"
        ));
        self.data(commit.message);
        match commit.parent {
            None => {}
            Some(Parent::Mark(mark)) => self.line(format_args!("from :{mark}")),
            Some(Parent::Object(id)) => self.line(format_args!("from {id}")),
        }
        for (path, content) in commit.files {
            self.line(format_args!("M 100644 inline {path}"));
            self.data(content);
        }
        self.marks
    }

    /// Adds an annotated tag.
    pub(super) fn tag(&mut self, name: &str, mark: usize, signature: &Signature, message: &str) {
        let (tagger, at) = (&signature.name, signature.at.timestamp());
        self.line(format_args!("tag {name}"));
        self.line(format_args!("from :{mark}"));
        self.line(format_args!(
            "tagger {tagger} <{tagger}@example.com> {at} +0000"
        ));
        self.data(message);
    }

    /// Points a reference at a commit.
    pub(super) fn reset(&mut self, reference: &str, mark: usize) {
        self.line(format_args!("reset {reference}"));
        self.line(format_args!("from :{mark}"));
        self.line(format_args!(""));
    }

    /// Writes everything into the repository; returns the object id of each mark.
    pub(super) fn import(self, git: &Path) -> Result<BTreeMap<usize, String>, Error> {
        let marks = git.join("fast-import.marks");
        let export = format!("--export-marks={}", marks.display());
        command::run(
            git,
            &["fast-import", "--quiet", "--force", &export],
            self.text.as_bytes(),
        )?;
        let exported = std::fs::read_to_string(&marks).map_err(Error::file(&marks))?;
        std::fs::remove_file(&marks).map_err(Error::file(&marks))?;
        Ok(exported
            .lines()
            .filter_map(|line| {
                let (mark, id) = line.strip_prefix(':')?.split_once(' ')?;
                Some((mark.parse().ok()?, id.to_owned()))
            })
            .collect())
    }

    fn data(&mut self, content: &str) {
        self.line(format_args!("data {}", content.len()));
        self.line(format_args!("{content}"));
    }

    #[expect(clippy::let_underscore_must_use, reason = "a string never refuses")]
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "{line}");
    }
}
