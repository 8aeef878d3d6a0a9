//! Git and the wiki: which credential, how often, and what a refusal means.

use std::time::Duration;

use domain::{Kind, Reason};
use forge::{Client, GitAccess, Repository};
use tokio_util::sync::CancellationToken;

use super::Job;
use crate::Error;
use crate::git::{Class, Failure, Fetching, Mirror, References, host_references};

/// How often the host may fail before it is left alone.
const ATTEMPTS: u32 = 3;
/// Wait before the second attempt; twice as long before the third.
const PAUSE: Duration = Duration::from_secs(1);

/// Why git did not come.
#[derive(Debug)]
pub(super) enum Refused {
    Git(Failure),
    Forge(forge::Error),
}

impl Refused {
    pub(super) fn into_error(self, what: &str) -> Error {
        match self {
            Self::Git(failure) => failure.into_error(what),
            Self::Forge(forge::Error::Cancelled) => Error::Cancelled,
            Self::Forge(error) => error.into(),
        }
    }
}

/// Runs a git command with one credential after another until one is not refused, and again when the host fails.
pub(super) async fn retrying<T, F>(
    client: &Client,
    repository: &Repository,
    wiki: bool,
    cancel: &CancellationToken,
    command: impl Fn(GitAccess) -> F,
) -> Result<T, Refused>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut failures = 0;
    let mut last: Option<Failure> = None;
    loop {
        let access = match (client.git_access(repository, wiki), last.take()) {
            (Ok(access), _) => access,
            (Err(_), Some(failure)) => return Err(Refused::Git(failure)),
            (Err(error), None) => return Err(Refused::Forge(error)),
        };
        let failure = match command(access.clone()).await {
            Ok(done) => return Ok(done),
            Err(failure) => failure,
        };
        if let Some(status) = failure.status() {
            client.git_refused(&access, status);
        }
        match failure.class {
            Class::Unauthorized => {}
            Class::Forbidden | Class::NotFound if !wiki => {}
            Class::Host if failures + 1 < ATTEMPTS => {
                failures += 1;
                tracing::debug!(words = failure.words, "git is tried again");
                tokio::select! {
                    () = cancel.cancelled() => return Err(Refused::Forge(forge::Error::Cancelled)),
                    () = tokio::time::sleep(PAUSE * failures) => {}
                }
            }
            Class::Forbidden
            | Class::NotFound
            | Class::Host
            | Class::Blocked
            | Class::Moved
            | Class::Full
            | Class::Cancelled
            | Class::Other => return Err(Refused::Git(failure)),
        }
        last = Some(failure);
    }
}

/// What came of a git repository.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The mirror has the host's state.
    Fetched(References),
    /// The host refused, for this reason and in these words.
    Refused(Reason, String),
    /// There is none.
    Absent,
}

impl Outcome {
    /// Judges what came of the repository itself or of its wiki; what makes the snapshot pointless is an error.
    pub(super) fn judge(
        kind: Kind,
        fetched: Result<Option<References>, Refused>,
    ) -> Result<Self, Error> {
        let is_wiki = kind == Kind::Wiki;
        let what = if is_wiki {
            "Fetching the wiki"
        } else {
            "Fetching the git data"
        };
        let failure = match fetched {
            Ok(Some(references)) => return Ok(Self::Fetched(references)),
            Ok(None) => return Ok(Self::Absent),
            Err(Refused::Git(failure)) => failure,
            Err(refused @ Refused::Forge(_)) => return Err(refused.into_error(what)),
        };
        let refused = |reason, failure: Failure| Ok(Self::Refused(reason, failure.words));
        match failure.class {
            Class::NotFound if is_wiki => Ok(Self::Absent),
            Class::NotFound => refused(Reason::NotFound, failure),
            Class::Forbidden | Class::Unauthorized => refused(Reason::Denied, failure),
            Class::Blocked => refused(Reason::Blocked, failure),
            Class::Host | Class::Other if is_wiki => refused(Reason::HostError, failure),
            Class::Host | Class::Other | Class::Moved | Class::Full | Class::Cancelled => {
                Err(failure.into_error(what))
            }
        }
    }
}

/// Whether the name that was asked for leads elsewhere now.
pub(super) fn has_moved<T>(fetched: &Result<T, Refused>) -> bool {
    matches!(fetched, Err(Refused::Git(failure)) if failure.class == Class::Moved)
}

/// Brings the repository's mirror to the host's state.
pub(super) async fn git(
    client: &Client,
    repository: &Repository,
    job: &Job,
    mirror: &Mirror,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Option<References>, Refused> {
    retrying(
        client,
        repository,
        false,
        &job.cancel,
        |access| async move {
            let fetching = Fetching {
                client,
                mirror,
                access: &access,
                default_branch: repository.default_branch.as_deref(),
                at: job.taken_at,
                progress,
            };
            fetching.run().await.map(Some)
        },
    )
    .await
}

/// Brings the wiki's mirror to the host's state; nothing if there is no wiki. Most repositories have none: the host is asked before
/// anything is made.
pub(super) async fn wiki(
    client: &Client,
    repository: &Repository,
    job: &Job,
    mirror: &Mirror,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Option<References>, Refused> {
    let cancel = &job.cancel;
    retrying(client, repository, true, cancel, |access| async move {
        let host = match &job.wiki_known {
            Some(known) => Some(known.clone()),
            None => host_references(client, &access).await?.host_digest(),
        };
        if mirror.exists() {
            let local = mirror.references()?;
            if local.host_digest() == host {
                return Ok(Some(local));
            }
        } else if host.is_none() {
            return Ok(None);
        }
        let fetching = Fetching {
            client,
            mirror,
            access: &access,
            default_branch: None,
            at: job.taken_at,
            progress,
        };
        fetching.run().await.map(Some)
    })
    .await
}
