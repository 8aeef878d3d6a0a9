//! What the host no longer has: deleted branches and tags, and what a force-push overwrote.
//!
//! Before a fetch every reference that will move or go is copied to `refs/backup/<time>/…`; after it, the copies whose history is
//! still reachable from the host's own references are dropped. What remains is exactly what would be lost, so that a repository
//! that only grows keeps nothing, and an unchanged one does not change.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::command::Git;
use super::failure::Failure;
use super::mirror::Mirror;
use super::references::References;

const FOLDER: &str = "refs/backup/";
/// How the time of a fetch is written in a name.
const TIME: &str = "%Y%m%dT%H%M%SZ";
/// Length of that, as in `20261231T235959Z`.
const TIME_LENGTH: usize = 16;

/// Whether a reference is a copy of ours; a host may have references of its own below `refs/backup/`.
pub(super) fn is_kept(name: &str) -> bool {
    let Some((time, rest)) = name
        .strip_prefix(FOLDER)
        .and_then(|name| name.split_once('/'))
    else {
        return false;
    };
    let digits = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (stamp, repeat) = time.split_at_checked(TIME_LENGTH).unwrap_or((time, ""));
    stamp.len() == TIME_LENGTH
        && digits(stamp.get(..8))
        && stamp.get(8..9) == Some("T")
        && digits(stamp.get(9..15))
        && stamp.ends_with('Z')
        && (repeat.is_empty() || digits(repeat.strip_prefix('-')))
        && !rest.is_empty()
}

/// A folder for the copies of one fetch that has none yet.
fn folder(local: &References, at: DateTime<Utc>) -> String {
    let time = at.format(TIME).to_string();
    let taken = |folder: &str| local.kept().any(|(name, _)| name.starts_with(folder));
    let first = format!("{FOLDER}{time}/");
    if !taken(&first) {
        return first;
    }
    (2..=u32::MAX)
        .map(|repeat| format!("{FOLDER}{time}-{repeat}/"))
        .find(|folder| !taken(folder))
        .unwrap_or(first)
}

/// What makes room for the host's state without losing ours, as input of `git update-ref --stdin`; nothing if there is nothing to do.
pub(super) fn copies(local: &References, host: &References, at: DateTime<Utc>) -> Option<String> {
    let folder = folder(local, at);
    let mut commands = Vec::new();
    for (name, object) in local.current() {
        let now = host.0.get(name);
        if now.is_some_and(|now| now == object) {
            continue;
        }
        let short = name.strip_prefix("refs/").unwrap_or(name);
        commands.push(format!("create {folder}{short} {object}\n"));
        if now.is_none() {
            commands.push(format!("delete {name} {object}\n"));
        }
    }
    (!commands.is_empty()).then(|| commands.concat())
}

/// Drops the copies that keep nothing: those reachable from the host's references, and repetitions. Answers whether there were any.
pub(super) async fn drop_needless(mirror: &Mirror, all: &References) -> Result<bool, Failure> {
    if all.kept().next().is_none() {
        return Ok(false);
    }
    let commits = commits(mirror).await?;
    let lost = lost(mirror, all, &commits).await?;
    let current: BTreeSet<&str> = all.current().map(|(_, object)| object).collect();
    let mut seen = BTreeSet::new();
    let mut commands = Vec::new();
    // Names begin with the time: the oldest copy of an object stays.
    for (name, object) in all.kept() {
        let still_there = if commits.contains(object) {
            !lost.contains(object)
        } else {
            current.contains(object)
        };
        if still_there || !seen.insert(object) {
            commands.push(format!("delete {name} {object}\n"));
        }
    }
    if commands.is_empty() {
        return Ok(false);
    }
    mirror.update_references(commands.concat()).await?;
    Ok(true)
}

/// Copies that point to commits, and not to tags, folders or files.
async fn commits(mirror: &Mirror) -> Result<BTreeSet<String>, Failure> {
    let arguments = [
        "for-each-ref",
        "--format=%(objecttype) %(objectname)",
        FOLDER,
    ];
    let output = Git::on(mirror.path(), arguments)
        .run(mirror.cancel())
        .await?;
    let text = String::from_utf8_lossy(&output);
    let commits = text.lines().filter_map(|line| line.strip_prefix("commit "));
    Ok(commits.map(str::to_owned).collect())
}

/// Commits that only copies lead to.
async fn lost(
    mirror: &Mirror,
    all: &References,
    commits: &BTreeSet<String>,
) -> Result<BTreeSet<String>, Failure> {
    let kept = all.kept().filter(|(_, object)| commits.contains(*object));
    let mut input: Vec<String> = kept.map(|(_, object)| format!("{object}\n")).collect();
    if input.is_empty() {
        return Ok(BTreeSet::new());
    }
    let current: BTreeSet<&str> = all.current().map(|(_, object)| object).collect();
    input.extend(current.into_iter().map(|object| format!("^{object}\n")));
    let output = Git::on(mirror.path(), ["rev-list", "--stdin"])
        .input(input.concat().into_bytes())
        .run(mirror.cancel())
        .await?;
    let lines = String::from_utf8_lossy(&output);
    Ok(lines.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_copies_count_as_kept() {
        for name in [
            "refs/backup/20261231T235959Z/heads/main",
            "refs/backup/20261231T235959Z-2/tags/v1",
        ] {
            assert!(is_kept(name), "{name}");
        }
        for name in [
            "refs/heads/main",
            "refs/backup/main",
            "refs/backup/old/heads/main",
            "refs/backup/20261231T235959Z",
            "refs/backup/20261231T235959Z/",
            "refs/backup/20261231T235959Zx/heads/main",
            "refs/backup/20261231T235959Z-/heads/main",
        ] {
            assert!(!is_kept(name), "{name}");
        }
    }

    #[test]
    fn what_goes_or_moves_is_copied_first() {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let of = References::of_lines;
        let local = of(
            "aa refs/heads/main\nbb refs/heads/gone\ncc refs/heads/same\ndd refs/backup/20260102T030405Z/heads/x\n",
        );
        let host = of("ab refs/heads/main\ncc refs/heads/same\nee refs/heads/new\n");
        assert_eq!(
            copies(&local, &host, at).unwrap(),
            "create refs/backup/20260102T030405Z-2/heads/gone bb\n\
             delete refs/heads/gone bb\n\
             create refs/backup/20260102T030405Z-2/heads/main aa\n"
        );
        let grown =
            of("aa refs/heads/main\nbb refs/heads/gone\ncc refs/heads/same\nee refs/heads/new\n");
        assert_eq!(copies(&local, &grown, at), None);
    }
}
