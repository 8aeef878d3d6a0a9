//! What happens to a repository after it was made: pushes, pull requests, tags, and the end of everything.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::history::{create, head_ref};
use super::refs;
use super::stream::{Commit, Parent, Signature, Stream};
use crate::error::Error;
use crate::seed::words;

/// Adds commits to a branch, after its tip or, when forced, after nothing.
pub(crate) fn push(
    git: &Path,
    branch: &str,
    commits: u64,
    forced: bool,
    author: &str,
    at: DateTime<Utc>,
) -> Result<String, Error> {
    let mut random = fastrand::Rng::with_seed(at.timestamp_micros().unsigned_abs());
    let tip = refs::branches(git).remove(branch).filter(|_| !forced);
    let mut stream = Stream::default();
    let mut mark = 0;
    for index in 0..commits.max(1) {
        let parent = match (&tip, index) {
            (Some(tip), 0) => Some(Parent::Object(tip)),
            (None, 0) => None,
            _ => Some(Parent::Mark(mark)),
        };
        let message = words::title(&mut random);
        let file = (
            format!("pushed/{}.txt", random.u32(..)),
            words::lines(&mut random, 400),
        );
        mark = stream.commit(&Commit {
            reference: &format!("refs/heads/{branch}"),
            parent,
            signature: &Signature {
                name: author.to_owned(),
                at,
            },
            message: &message,
            files: &[file],
        });
    }
    let ids = stream.import(git)?;
    Ok(ids.get(&mark).cloned().unwrap_or_default())
}

/// Adds the commit and the references of a new pull request; returns its base and its head.
pub(crate) fn open_pull(
    git: &Path,
    number: u64,
    base_ref: &str,
    author: &str,
    at: DateTime<Utc>,
) -> Result<(String, String), Error> {
    let base = refs::branches(git)
        .remove(base_ref)
        .ok_or_else(|| Error::Unknown(format!("branch {base_ref}")))?;
    let mut random = fastrand::Rng::with_seed(number);
    let mut stream = Stream::default();
    let head = stream.commit(&Commit {
        reference: &format!("refs/pull/{number}/head"),
        parent: Some(Parent::Object(&base)),
        signature: &Signature {
            name: author.to_owned(),
            at,
        },
        message: &words::title(&mut random),
        files: &[(
            format!("topics/{number}.txt"),
            words::lines(&mut random, 300),
        )],
    });
    stream.reset(&format!("refs/heads/{}", head_ref(number)), head);
    let head = stream.import(git)?.remove(&head).unwrap_or_default();
    Ok((base, head))
}

/// Puts a tag on the tip of a branch.
pub(crate) fn tag(git: &Path, branch: &str, tag: &str) -> Result<(), Error> {
    let tip = refs::branches(git)
        .remove(branch)
        .ok_or_else(|| Error::Unknown(format!("branch {branch}")))?;
    let path = git.join("refs/tags").join(tag);
    std::fs::write(&path, format!("{tip}\n")).map_err(Error::file(path))
}

/// Takes every branch, tag and pull request away.
pub(crate) fn empty(git: &Path) -> Result<(), Error> {
    let default_branch = refs::default_branch(git).unwrap_or_else(|| "main".to_owned());
    create(git, &default_branch)
}
