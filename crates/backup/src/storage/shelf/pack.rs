//! Files of a snapshot as one stream: a tar archive, or a single file.

use std::io::{self, Write};

use rustic_core::repofile::Node;
use tar::{Builder, EntryType, Header};

use super::super::flow::{Inflow, Writer};
use super::super::read::{Item, Reader};
use crate::Error;

/// The unit of a tar archive (POSIX.1-2001, pax interchange format).
const BLOCK: u64 = 512;

/// Writes files and folders as a tar archive.
pub(super) fn tar(reader: &Reader<'_>, items: &[Item], to: Inflow) -> Result<(), Error> {
    let mut archive = Builder::new(to.writer());
    for item in items {
        let mut header = Header::new_gnu();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(modified(&item.node));
        if item.node.is_dir() {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
        } else {
            header.set_entry_type(EntryType::Regular);
            header.set_mode(0o644);
            header.set_size(item.node.meta.size);
        }
        // The content follows by hand, because the engine writes it rather than being read from.
        archive
            .append_data(&mut header, &item.path, io::empty())
            .map_err(abandoned)?;
        if item.node.is_file() {
            content(reader, &item.node, archive.get_mut())?;
            pad(item.node.meta.size, archive.get_mut()).map_err(abandoned)?;
        }
    }
    let mut writer = archive.into_inner().map_err(abandoned)?;
    writer.flush().map_err(abandoned)
}

/// Writes one file.
pub(super) fn file(reader: &Reader<'_>, node: &Node, to: Inflow) -> Result<(), Error> {
    let mut writer = to.writer();
    content(reader, node, &mut writer)?;
    writer.flush().map_err(abandoned)
}

fn content(reader: &Reader<'_>, node: &Node, to: &mut Writer) -> Result<(), Error> {
    let before = to.written();
    reader.dump(node, to)?;
    let written = to.written() - before;
    if written == node.meta.size {
        Ok(())
    } else {
        Err(Error::storage(format!(
            "\"{}\" has {written} bytes instead of {}: verify the storage.",
            node.name().to_string_lossy(),
            node.meta.size
        )))
    }
}

fn pad(size: u64, to: &mut Writer) -> io::Result<()> {
    let past = size % BLOCK;
    if past > 0 {
        io::copy(&mut io::Read::take(io::repeat(0), BLOCK - past), to)?;
    }
    Ok(())
}

fn modified(node: &Node) -> u64 {
    node.meta
        .mtime
        .and_then(|time| u64::try_from(time.as_second()).ok())
        .unwrap_or_default()
}

/// Writing fails for one reason alone: nobody takes what is written.
fn abandoned(_error: io::Error) -> Error {
    Error::Cancelled
}
