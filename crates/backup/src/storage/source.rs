//! A [`Tree`] as the engine reads it: every error is reported to the [`Watch`], and so is every difference from what was announced.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use rustic_core::repofile::{Node, NodeType};
use rustic_core::{
    ErrorKind, ReadSource, ReadSourceEntry, ReadSourceOpen, RusticError, RusticResult,
};

use super::tree::{Content, Entry, Tree};
use super::watch::Watch;

/// A [`Tree`] as the engine reads it.
#[derive(Debug)]
pub(super) struct Source {
    tree: Tree,
    watch: Arc<Watch>,
}

impl Source {
    pub(super) fn new(tree: Tree, watch: Arc<Watch>) -> Self {
        Self { tree, watch }
    }
}

impl ReadSource for Source {
    type Open = Opener;
    type Iter = std::vec::IntoIter<RusticResult<ReadSourceEntry<Opener>>>;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Self::Iter {
        let entries: Vec<_> = self
            .tree
            .entries
            .iter()
            .map(|(parts, entry)| {
                let mut path = PathBuf::from("/");
                path.extend(parts.iter().map(|part| OsStr::from_bytes(part)));
                let kind = match entry {
                    Entry::Folder => NodeType::Dir,
                    Entry::File { .. } => NodeType::File,
                };
                let name = path.file_name().unwrap_or_default();
                let node = Node::new_node(name, kind, entry.metadata());
                let open = match entry {
                    Entry::Folder => None,
                    Entry::File { content, size, .. } => Some(Opener {
                        content: content.clone(),
                        size: *size,
                        path: path.display().to_string(),
                        watch: Arc::clone(&self.watch),
                    }),
                };
                Ok(ReadSourceEntry { path, node, open })
            })
            .collect();
        entries.into_iter()
    }
}

/// A file that may be opened.
#[derive(Debug)]
pub(super) struct Opener {
    content: Content,
    size: u64,
    path: String,
    watch: Arc<Watch>,
}

impl ReadSourceOpen for Opener {
    type Reader = Checked;

    fn open(self) -> RusticResult<Checked> {
        let refused = |sentence: &str| RusticError::new(ErrorKind::InputOutput, sentence);
        if self.watch.is_cancelled() {
            return Err(refused("the work was cancelled"));
        }
        let inner = match self.content {
            Content::Memory(bytes) => Inner::Memory(Cursor::new(bytes)),
            Content::Local(file) => match File::open(&file) {
                Ok(file) => Inner::File(file),
                Err(error) => {
                    let sentence = format!("{} cannot be opened ({error}).", self.path);
                    let refusal = refused(&sentence);
                    self.watch.failed(sentence);
                    return Err(refusal);
                }
            },
            Content::Stored => {
                let path = self.path.trim_start_matches('/').to_owned();
                self.watch.needs(path);
                return Err(refused("the content is not here"));
            }
        };
        Ok(Checked {
            inner,
            left: self.size,
            path: self.path,
            watch: self.watch,
        })
    }
}

/// A reader that reports every error and any difference from the announced length.
#[derive(Debug)]
pub(super) struct Checked {
    inner: Inner,
    left: u64,
    path: String,
    watch: Arc<Watch>,
}

#[derive(Debug)]
enum Inner {
    File(File),
    Memory(Cursor<Bytes>),
}

impl Checked {
    fn fail(&mut self, what: &str) -> io::Error {
        self.left = 0;
        self.watch.failed(format!("{} {what}.", self.path));
        io::Error::other(what.to_owned())
    }
}

/// The engine goes on when storing a part of a file fails; whoever stops reading early is found out here.
impl Drop for Checked {
    fn drop(&mut self) {
        if self.left > 0 && !self.watch.is_cancelled() {
            self.watch
                .failed(format!("{} was not read to its end.", self.path));
        }
    }
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.watch.is_cancelled() {
            return Err(io::Error::other("the work was cancelled"));
        }
        let result = match &mut self.inner {
            Inner::File(file) => file.read(buffer),
            Inner::Memory(bytes) => bytes.read(buffer),
        };
        let count = match result {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(self.fail(&format!("cannot be read ({error})"))),
        };
        self.watch.count(count);
        match self.left.checked_sub(count as u64) {
            None => Err(self.fail("grew while it was read")),
            Some(left) if count == 0 && left > 0 && !buffer.is_empty() => {
                Err(self.fail("shrank while it was read"))
            }
            Some(left) => {
                self.left = left;
                Ok(count)
            }
        }
    }
}
