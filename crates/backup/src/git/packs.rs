//! What packs hold, read from their indexes (gitformat-pack, "Version 2 pack-*.idx files").

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// How an index of version 2 begins.
const MAGIC: [u8; 8] = *b"\xfftOc\0\0\0\x02";
/// After it 256 counts: how many objects begin with a byte no larger than this.
const COUNTS: usize = 256 * 4;
/// Length of an object's name in SHA-1.
const NAME: usize = 20;

/// Whether the packs in a folder hold all of these objects.
pub(super) fn holds(folder: &Path, objects: &[&str]) -> io::Result<bool> {
    let mut missing: BTreeSet<Vec<u8>> = objects
        .iter()
        .map(|object| hex::decode(object).map_err(io::Error::other))
        .collect::<io::Result<_>>()?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "idx") {
            let index = fs::read(&path)?;
            let names = names(&index).ok_or_else(|| {
                io::Error::other(format!("{} is no index of a pack", path.display()))
            })?;
            missing.retain(|object| {
                names
                    .binary_search_by(|name| name.as_slice().cmp(object))
                    .is_err()
            });
        }
    }
    Ok(missing.is_empty())
}

/// The names of an index, in order.
fn names(index: &[u8]) -> Option<&[[u8; NAME]]> {
    let rest = index.strip_prefix(&MAGIC)?;
    let (counts, rest) = rest.split_at_checked(COUNTS)?;
    let count = u32::from_be_bytes(counts.last_chunk().copied()?);
    let count = usize::try_from(count).ok()?;
    let names = rest.get(..count.checked_mul(NAME)?)?;
    Some(names.as_chunks().0)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn an_index_tells_what_its_pack_holds() {
        let folder = tempfile::tempdir().unwrap();
        let script = "git init -q --bare --template= . && blob=$(echo one | git hash-object -w --stdin) \
            && printf '%s\\n' \"$blob\" | git pack-objects -q objects/pack/pack && printf %s \"$blob\"";
        let made = Command::new("sh")
            .args(["-c", script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let text = String::from_utf8(made.stdout).unwrap();
        let blob = &text[text.len() - 40..];
        let packs = folder.path().join("objects/pack");
        assert!(holds(&packs, &[blob]).unwrap());
        let other = "0".repeat(40);
        assert!(!holds(&packs, &[blob, &other]).unwrap());
        assert!(holds(&packs, &["no name"]).is_err());
        fs::write(packs.join("pack-broken.idx"), b"\xfftOc\0\0\0\x02\0").unwrap();
        assert!(holds(&packs, &[blob]).is_err());
    }
}
