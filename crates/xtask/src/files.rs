//! What lies below a folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Every file, whatever the depth. A folder that does not exist holds none.
pub(crate) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(below(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Bytes of all of them.
pub(crate) fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in below(folder)? {
        bytes += std::fs::symlink_metadata(file)?.len();
    }
    Ok(bytes)
}
