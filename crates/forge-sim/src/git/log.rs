//! Commits as a list, for the few answers that need more than an object id.

use std::path::Path;

use super::command;

/// A commit.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) tree: String,
    pub(crate) parents: Vec<String>,
    pub(crate) author: String,
    pub(crate) email: String,
    /// RFC 3339, in UTC.
    pub(crate) at: String,
    pub(crate) message: String,
}

/// The commits that `to` has and `from` has not, oldest first; none when git cannot tell.
pub(crate) fn between(git: &Path, from: &str, to: &str) -> Vec<Commit> {
    let range = format!("{from}..{to}");
    let arguments = [
        "log",
        "--reverse",
        "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
        "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%B%x01",
        &range,
        "--",
    ];
    let output = command::run(git, &arguments, &[]).unwrap_or_default();
    String::from_utf8_lossy(&output)
        .split('\u{1}')
        .filter_map(parse)
        .collect()
}

fn parse(record: &str) -> Option<Commit> {
    let mut fields = record.trim_start_matches('\n').split('\0');
    let mut next = || fields.next().map(str::to_owned);
    Some(Commit {
        sha: next().filter(|sha| !sha.is_empty())?,
        tree: next()?,
        parents: next()?.split_whitespace().map(str::to_owned).collect(),
        author: next()?,
        email: next()?,
        at: next()?,
        message: next()?.trim_end().to_owned(),
    })
}
