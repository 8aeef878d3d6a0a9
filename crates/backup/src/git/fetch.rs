//! Bringing a mirror to the host's state.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use forge::{Client, GitAccess};
use tokio::sync::mpsc;

use super::command::Git;
use super::failure::{Class, Failure};
use super::kept;
use super::mirror::Mirror;
use super::references::References;

/// Everything but the test merges of pull and merge requests, which hosts make anew whenever their base moves.
const REFERENCES: [&str; 3] = [
    "+refs/*:refs/*",
    "^refs/pull/*/merge",
    "^refs/merge-requests/*/merge",
];

/// One fetch.
pub(crate) struct Fetching<'a> {
    pub(crate) client: &'a Client,
    pub(crate) mirror: &'a Mirror,
    pub(crate) access: &'a GitAccess,
    pub(crate) default_branch: Option<&'a str>,
    /// Names the copies of what the host no longer has.
    pub(crate) at: DateTime<Utc>,
    /// Told how many objects have come, of how many.
    pub(crate) progress: &'a (dyn Fn(u64, u64) + Send + Sync),
}

impl Fetching<'_> {
    /// Fetches all references and answers what the mirror has then, kept ones included.
    pub(crate) async fn run(&self) -> Result<References, Failure> {
        self.mirror.prepare()?;
        if let Some(branch) = self.default_branch {
            self.mirror.set_head(branch)?;
        }
        let local = self.mirror.references()?;
        let host = host_references(self.client, self.access).await?;
        if local.same_as(&host) {
            return Ok(local);
        }
        if local.is_empty() && host.is_plain() {
            self.clone(&host).await?;
            if self.default_branch.is_none()
                && let Some(branch) = likely_head(&host)
            {
                self.mirror.set_head(branch)?;
            }
            return Ok(host);
        }
        if let Some(commands) = kept::copies(&local, &host, self.at) {
            self.mirror.update_references(commands).await?;
        }
        self.fetch().await?;
        self.mirror.pack_references()?;
        let all = self.mirror.references()?;
        let all = if kept::drop_needless(self.mirror, &all).await? {
            self.mirror.pack_references()?;
            self.mirror.references()?
        } else {
            all
        };
        if self.default_branch.is_none()
            && let Some(branch) = likely_head(&all)
        {
            self.mirror.set_head(branch)?;
        }
        self.mirror.compact().await?;
        Ok(all)
    }

    /// Fills an empty mirror: one request for a pack and one process that checks and indexes it, where `git fetch` takes six.
    async fn clone(&self, host: &References) -> Result<(), Failure> {
        let wanted: BTreeSet<&str> = host.objects().collect();
        let wanted: Vec<&str> = wanted.into_iter().collect();
        let pack = self.client.git_pack(self.access, &wanted).await;
        let pack = pack.map_err(|error| Failure::of_host(&error))?;
        let arguments = [
            "index-pack",
            "--stdin",
            "-v",
            "--check-self-contained-and-connected",
        ];
        let git = Git::on(self.mirror.path(), arguments).stream(pack);
        self.watched(git).await?;
        self.mirror.set_references(host, &wanted)
    }

    async fn fetch(&self) -> Result<(), Failure> {
        let mut arguments = vec![
            "fetch",
            "--progress",
            "--force",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--recurse-submodules=no",
            self.access.url.as_str(),
        ];
        arguments.extend(REFERENCES);
        let git = Git::to_host(self.mirror.path(), self.access, &arguments).await?;
        match left_out(&self.watched(git).await?) {
            None => Ok(()),
            Some(words) => Err(Failure::new(
                Class::Other,
                format!("the host's history is cut off: {words}"),
            )),
        }
    }

    /// Runs a command that tells how many objects have come, and answers its words.
    async fn watched(&self, git: Git) -> Result<String, Failure> {
        let (watcher, mut pieces) = mpsc::unbounded_channel::<String>();
        let git = git.watched_by(watcher);
        let watch = async {
            while let Some(piece) = pieces.recv().await {
                if let Some((done, total)) = objects_in(&piece) {
                    (self.progress)(done, total);
                }
            }
        };
        let (ended, ()) = tokio::join!(git.run_whole(self.mirror.cancel()), watch);
        Ok(ended?.stderr)
    }
}

/// What git says of a reference that it did not take although it ended well: one whose history is cut off on the host.
fn left_out(stderr: &str) -> Option<&str> {
    stderr
        .split(['\n', '\r'])
        .filter_map(|line| line.trim().strip_prefix("warning: "))
        .find(|words| words.starts_with("rejected "))
}

/// The branch to check out where the host does not say: wikis are still born with `master`.
fn likely_head(references: &References) -> Option<&str> {
    let branches = || {
        references
            .current()
            .filter_map(|(name, _)| name.strip_prefix("refs/heads/"))
    };
    ["main", "master"]
        .into_iter()
        .find_map(|usual| branches().find(|branch| *branch == usual))
        .or_else(|| branches().next())
}

/// What the host has, without fetching it.
pub(crate) async fn host_references(
    client: &Client,
    access: &GitAccess,
) -> Result<References, Failure> {
    let listed = client.git_references(access).await;
    listed
        .map(References::of_host)
        .map_err(|error| Failure::of_host(&error))
}

/// Reads `Receiving objects:  45% (9/20)`.
fn objects_in(piece: &str) -> Option<(u64, u64)> {
    let (_, rest) = piece.rsplit_once("Receiving objects:")?;
    let (_, rest) = rest.split_once('(')?;
    let (numbers, _) = rest.split_once(')')?;
    let (done, total) = numbers.split_once('/')?;
    Some((done.parse().ok()?, total.parse().ok()?))
}

#[cfg(test)]
mod tests;
