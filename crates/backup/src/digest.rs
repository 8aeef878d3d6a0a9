//! Lengths and hashes of what passes by.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Error;

/// Length and SHA-256 of some content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

/// A writer that hashes what it passes on.
#[derive(Debug)]
pub(crate) struct Hashing<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W> Hashing<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            size: 0,
        }
    }

    pub(crate) fn finish(self) -> (W, Digest) {
        let digest = Digest {
            size: self.size,
            sha256: hex::encode(self.hash.finalize()),
        };
        (self.inner, digest)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.hash.update(buffer.get(..count).unwrap_or_default());
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Digest of bytes in memory.
pub(crate) fn of_bytes(bytes: &[u8]) -> Digest {
    Digest {
        size: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    }
}

/// Digest of a file on this machine.
pub(crate) fn of_file(path: &Path) -> Result<Digest, Error> {
    let failed = |error: io::Error| Error::staging(path, &error);
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut file, &mut hashing).map_err(failed)?;
    Ok(hashing.finish().1)
}

/// Digest of a file on this machine, and how many lines it has.
pub(crate) fn of_lines(path: &Path) -> Result<(Digest, u64), Error> {
    let failed = |error: io::Error| Error::staging(path, &error);
    let mut reader = BufReader::new(std::fs::File::open(path).map_err(failed)?);
    let mut hashing = Hashing::new(io::sink());
    let (mut lines, mut line) = (0, Vec::new());
    while reader.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        hashing.write_all(&line).map_err(failed)?;
        lines += 1;
        line.clear();
    }
    Ok((hashing.finish().1, lines))
}
