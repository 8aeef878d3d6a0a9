//! Whether what was restored is what the source holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::files;
use crate::process;
use crate::simulator::Repository;

/// The simulator's word for a kind of data, and the file that holds it in a snapshot.
const KINDS: [(&str, &str); 8] = [
    ("labels", "labels"),
    ("milestones", "milestones"),
    ("issues", "issues"),
    ("issue_comments", "issue_comments"),
    ("pulls", "pull_requests"),
    ("reviews", "reviews"),
    ("review_comments", "review_comments"),
    ("releases", "releases"),
];

/// Where a mirror keeps what has vanished from its source.
const KEPT_REFS: &str = "refs/backup/";

/// Every difference between a restored repository and its source, a sentence each.
pub(crate) fn differences(restored: &Path, source: &Repository) -> Result<Vec<String>> {
    let mut found = refs("git", &restored.join("git"), &source.refs)?;
    if let Some(wiki) = &source.wiki_refs {
        found.extend(refs("wiki", &restored.join("wiki"), wiki)?);
    }
    for (word, kind) in KINDS {
        let kept = items(
            &restored.join("metadata").join(format!("{kind}.ndjson")),
            kind,
        )?;
        let count = source.counts.get(word).copied().unwrap_or_default();
        if count != kept {
            found.push(format!("there are {kept} {kind} instead of {count}"));
        }
    }
    let assets = source.assets.values().cloned().collect();
    found.extend(contents("assets", &restored.join("assets"), &assets)?);
    let objects = source.lfs_objects.keys().cloned().collect();
    found.extend(contents("lfs", &restored.join("lfs"), &objects)?);
    Ok(found)
}

fn refs(what: &str, folder: &Path, source: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let kept = if folder.is_dir() {
        kept_refs(folder)?
    } else {
        BTreeMap::new()
    };
    let names: BTreeSet<&String> = kept.keys().chain(source.keys()).collect();
    Ok(names
        .into_iter()
        .filter(|name| !name.starts_with(KEPT_REFS) && kept.get(*name) != source.get(*name))
        .map(|name| {
            let shown = |side: &BTreeMap<String, String>| {
                side.get(name).cloned().unwrap_or_else(|| "missing".into())
            };
            format!(
                "{what}: {name} is {}, in the source {}",
                shown(&kept),
                shown(source)
            )
        })
        .collect())
}

fn kept_refs(repository: &Path) -> Result<BTreeMap<String, String>> {
    let listed = process::output(
        Command::new("git")
            .arg("--git-dir")
            .arg(repository)
            .args(["for-each-ref", "--format=%(refname) %(objectname)"]),
    )
    .with_context(|| format!("the refs of {} cannot be read", repository.display()))?;
    Ok(String::from_utf8_lossy(&listed)
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, id)| (name.to_owned(), id.to_owned()))
        .collect())
}

/// Items of one kind. GitHub lists pull requests among the issues; they are counted as what they are. Reviews are kept by pull
/// request, in a list that is called like the kind.
fn items(file: &Path, kind: &str) -> Result<usize> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        // A kind of which there is nothing may have no file.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error).with_context(|| file.display().to_string()),
    };
    let mut count = 0;
    for line in text.lines() {
        let item: Value = serde_json::from_str(line)
            .with_context(|| format!("{} holds a line that is not JSON", file.display()))?;
        if item.get("pull_request").is_none() {
            count += item.get(kind).and_then(Value::as_array).map_or(1, Vec::len);
        }
    }
    Ok(count)
}

/// Files are compared by their content alone, wherever they lie below the folder.
fn contents(what: &str, folder: &Path, source: &BTreeSet<String>) -> Result<Vec<String>> {
    let mut kept = BTreeSet::new();
    for file in files::below(folder)? {
        kept.insert(hex::encode(Sha256::digest(std::fs::read(file)?)));
    }
    Ok(source
        .symmetric_difference(&kept)
        .map(|digest| {
            let side = if kept.contains(digest) {
                "not in the source"
            } else {
                "missing"
            };
            format!("{what}: the file with SHA-256 {digest} is {side}")
        })
        .collect())
}
