//! The engine's view of the objects: counts, guards and reports, but adds nothing to what [`Objects`] does.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustic_core::{
    BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend,
};

use super::fault::Newest;
use super::objects::Objects;
use super::watch;

/// Objects of one repository with counters and the newest fault.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) objects: Objects,
    pub(super) newest: Newest,
    read: AtomicU64,
}

impl Backend {
    pub(super) fn new(objects: Objects) -> Self {
        Self {
            objects,
            newest: Newest::default(),
            read: AtomicU64::new(0),
        }
    }

    /// Bytes read so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    fn counted(&self, content: Bytes) -> Bytes {
        self.read.fetch_add(content.len() as u64, Ordering::Relaxed);
        content
    }
}

impl ReadBackend for Backend {
    fn location(&self) -> String {
        self.objects.name().to_owned()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        let all = self
            .objects
            .list(kind)
            .map_err(|fault| self.newest.report(fault))?;
        all.into_iter()
            .map(|(id, size)| {
                let size = u32::try_from(size).map_err(|error| {
                    RusticError::with_source(
                        ErrorKind::Backend,
                        "An object is larger than any object can be.",
                        error,
                    )
                })?;
                Ok((id, size))
            })
            .collect()
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        self.objects
            .read(kind, id)
            .map(|content| self.counted(content))
            .map_err(|fault| self.newest.report(fault))
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        _cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        self.objects
            .read_range(kind, id, offset, length)
            .map(|content| self.counted(content))
            .map_err(|fault| self.newest.report(fault))
    }

    fn warmup_path(&self, _kind: FileType, id: &Id) -> String {
        id.to_hex().as_str().to_owned()
    }
}

impl WriteBackend for Backend {
    fn create(&self) -> RusticResult<()> {
        Ok(())
    }

    fn write_bytes(
        &self,
        kind: FileType,
        id: &Id,
        _cacheable: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        if kind == FileType::Snapshot && watch::refuses_snapshot() {
            return Err(RusticError::new(
                ErrorKind::InputOutput,
                "the source was not read as a whole",
            ));
        }
        self.objects
            .write(kind, id, content)
            .map_err(|fault| self.newest.report(fault))
    }

    fn remove(&self, kind: FileType, id: &Id, _cacheable: bool) -> RusticResult<()> {
        self.objects
            .remove(kind, id)
            .map_err(|fault| self.newest.report(fault))
    }
}
