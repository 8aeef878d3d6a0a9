//! Reads the references of a repository from its files: a process per repository would make every list slow.

use std::collections::BTreeMap;
use std::path::Path;

/// What belongs to a clone and not to what it was cloned from: git is told to hide these too.
pub(super) const HIDDEN: [&str; 2] = ["refs/remotes", "refs/stash"];

/// All references that are served and the objects they name, symbolic ones left out.
pub(crate) fn all(git: &Path) -> BTreeMap<String, String> {
    let mut refs = BTreeMap::new();
    if let Ok(packed) = std::fs::read_to_string(git.join("packed-refs")) {
        for line in packed.lines() {
            if let Some((id, name)) = line.split_once(' ')
                && !line.starts_with(['#', '^'])
            {
                refs.insert(name.to_owned(), id.to_owned());
            }
        }
    }
    read_loose(&git.join("refs"), "refs", &mut refs);
    refs.retain(|name, _| !HIDDEN.iter().any(|hidden| name.starts_with(hidden)));
    refs
}

/// Branches with the objects they name.
pub(crate) fn branches(git: &Path) -> BTreeMap<String, String> {
    under(git, "refs/heads/")
}

/// Tags with the objects they name, which may be tag objects.
pub(crate) fn tags(git: &Path) -> BTreeMap<String, String> {
    under(git, "refs/tags/")
}

/// Whether there is no branch at all.
pub(crate) fn is_empty(git: &Path) -> bool {
    branches(git).is_empty()
}

/// The branch that `HEAD` names.
pub(crate) fn default_branch(git: &Path) -> Option<String> {
    let head = std::fs::read_to_string(git.join("HEAD")).ok()?;
    head.trim()
        .strip_prefix("ref: refs/heads/")
        .map(str::to_owned)
}

fn under(git: &Path, prefix: &str) -> BTreeMap<String, String> {
    all(git)
        .into_iter()
        .filter_map(|(name, id)| Some((name.strip_prefix(prefix)?.to_owned(), id)))
        .collect()
}

fn read_loose(directory: &Path, prefix: &str, refs: &mut BTreeMap<String, String>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let full = format!("{prefix}/{name}");
        if entry.path().is_dir() {
            read_loose(&entry.path(), &full, refs);
        } else if let Ok(content) = std::fs::read_to_string(entry.path()) {
            let id = content.trim();
            let is_object_id = id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_object_id {
                refs.insert(full, id.to_owned());
            }
        }
    }
}
