//! What bringing a project back would do, and what it cannot.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{Host, Kind};
use forge::Made;
use serde_json::Value;

use super::source::Source;
use crate::Error;

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Whether the project is there, of an earlier attempt or empty: what it has already is left as it is.
    pub goes_on: bool,
    /// Things to write, by their kind.
    pub writes: BTreeMap<Kind, u64>,
    /// What stays in the snapshot, in half sentences.
    pub stays: Vec<String>,
    /// How long the host's own limits make it take at least; nothing where they are not written down.
    pub at_least: Option<Duration>,
}

/// Kinds that are held and cannot be written, or not by this version.
const STAYS: [(Kind, &str); 11] = [
    (
        Kind::Lfs,
        "objects of Git LFS: the project has pointers in their place, and LFS switched off",
    ),
    (
        Kind::PullRequests,
        "merge requests: the API cannot make merged or closed ones",
    ),
    (Kind::Uploads, "uploads: they would get other addresses"),
    (Kind::Boards, "boards"),
    (Kind::Snippets, "snippets"),
    (Kind::Members, "members"),
    (Kind::ProtectedBranches, "protections"),
    (Kind::Hooks, "hooks: their secrets are not in any backup"),
    (Kind::Variables, "variables"),
    (Kind::PipelineSchedules, "pipeline schedules"),
    (Kind::DeployKeys, "deploy keys"),
];

pub(super) fn of(source: &Source, host: &Host, goes_on: bool) -> Result<Plan, Error> {
    let mut writes = BTreeMap::new();
    for kind in [Kind::Labels, Kind::Milestones, Kind::Issues, Kind::Releases] {
        writes.insert(kind, source.rows(kind)?.len() as u64);
    }
    writes.insert(Kind::IssueComments, notes(source)?);
    for (kind, is_there) in [
        (Kind::Git, source.has_git()),
        (Kind::Wiki, source.has_wiki()),
    ] {
        writes.insert(kind, u64::from(is_there));
    }
    writes.retain(|_, count| *count > 0);
    let mut stays: Vec<String> = STAYS
        .iter()
        .filter(|(kind, _)| source.held(*kind) > 0)
        .map(|(kind, words)| format!("{} {words}", source.held(*kind)))
        .collect();
    if writes.contains_key(&Kind::Issues) {
        stays.push("authors and dates of change: the token's user becomes the author".to_owned());
    }
    let pace = |made: Made, kind| {
        let count = writes.get(&kind).copied().unwrap_or_default();
        made.a_minute(host)
            .map(|most| Duration::from_secs(count * 60 / u64::from(most.max(1))))
    };
    Ok(Plan {
        goes_on,
        at_least: pace(Made::Note, Kind::IssueComments).max(pace(Made::Issue, Kind::Issues)),
        writes,
        stays,
    })
}

/// How many notes people wrote on issues.
fn notes(source: &Source) -> Result<u64, Error> {
    let rows = source.rows(Kind::IssueComments)?;
    let threads = rows
        .iter()
        .filter_map(|row| row.get("discussions").and_then(Value::as_array))
        .flatten();
    let notes = threads
        .filter_map(|thread| thread.get("notes").and_then(Value::as_array))
        .flatten()
        .filter(|note| note.get("system").and_then(Value::as_bool) != Some(true));
    Ok(notes.count() as u64)
}
