//! Taking a snapshot of one repository: fetch into the working folder, describe in a manifest, store as a whole.

mod assemble;
mod base;
mod content;
mod mirrors;
mod plan;
mod refusal;
mod stock;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use domain::{Kind, Omission};
use forge::{Client, Marks, Repository};
use tokio_util::sync::CancellationToken;

use self::base::Ground;
use self::content::Fetch;
pub(crate) use self::refusal::Refusal;
pub(crate) use self::stock::Stock;
use crate::staging::{Base, Staging};
use crate::storage::{Archived, Labelling};
use crate::{Error, Progress, Storage, digest, git};

/// How often a snapshot is tried anew because the storage turned out not to hold what it was thought to hold.
const ROUNDS: u32 = 3;

/// What to take a snapshot of, and from where to go on.
#[derive(Debug, Clone)]
pub struct Job {
    /// The working folder of this repository on this machine. One job holds it at a time.
    pub staging: PathBuf,
    /// The repository as the organization's list tells it.
    pub repository: Repository,
    /// The newest snapshot of it in this storage.
    pub previous: Option<Previous>,
    /// The kinds of data to take. What is not among them is neither read nor stored, and is no omission.
    pub kinds: BTreeSet<Kind>,
    /// Whether to read everything again, so that what was deleted on the host is noticed.
    pub sweep: bool,
    /// What the snapshot is called.
    pub labels: Labels,
    /// When the fetch began.
    pub taken_at: DateTime<Utc>,
    /// Ends the work; nothing is stored then.
    pub cancel: CancellationToken,
    /// [`wiki_digest`] as it was answered a moment ago, if it was asked: saves asking again.
    pub wiki_known: Option<String>,
}

/// The newest snapshot of a repository.
#[derive(Debug, Clone)]
pub struct Previous {
    /// Its full id.
    pub snapshot: String,
    /// What the organization's list said when it was taken.
    pub marks: Marks,
}

/// What a snapshot is called. A comma in a tag becomes a hyphen: commas separate tags.
#[derive(Debug, Clone)]
pub struct Labels {
    /// The host in short: with the repository's number it is the snapshot's label.
    pub host: String,
    /// The tenant.
    pub tenant: String,
    /// The organization's name: restic's host.
    pub organization: String,
    /// The plan.
    pub plan: String,
    /// The run.
    pub run: String,
}

/// A snapshot that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its full id: of the new one, or of the previous one if nothing has changed.
    pub snapshot: String,
    /// Whether it is new.
    pub new: bool,
    /// The id of its root folder.
    pub tree: String,
    /// Bytes that the storage grew by.
    pub bytes_added: u64,
    /// Bytes of all files.
    pub bytes_total: u64,
    /// Items held, by kind.
    pub counts: BTreeMap<Kind, u64>,
    /// What is missing, and why.
    pub omissions: Vec<Omission>,
    /// Hash of the manifest.
    pub manifest_sha256: String,
    /// To be compared with [`wiki_digest`]: nothing if there is no wiki.
    pub wiki: Option<String>,
}

/// Takes a snapshot. After an error the working folder keeps what has come so far, and the next call goes on from there.
pub async fn take(
    job: Job,
    client: &Client,
    storage: &Storage,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Taken, Error> {
    let staging = Staging::open(&job.staging)?;
    let mut ground = Ground::find(&staging, storage, &job, progress).await?;
    let mut round = 1;
    loop {
        let held = Box::pin(Fetch::new(&job, client, &staging, &ground, progress).run()).await?;
        let wiki = held.wiki.clone();
        let forge = client.host().kind();
        let manifest = assemble::manifest(held, &job, forge, &staging, &ground).await?;
        let (manifest_sha256, tree) = assemble::tree(&staging, &manifest).await?;
        let archived = storage
            .archive(
                tree,
                labelling(&job),
                ground.parent(),
                job.cancel.clone(),
                progress,
            )
            .await?;
        let (facts, new) = match archived {
            Archived::New(facts) => (facts, true),
            Archived::Unchanged(facts) => (facts, false),
            Archived::Needs(paths) if round < ROUNDS => {
                tracing::warn!(
                    count = paths.len(),
                    "content of the previous snapshot is fetched again"
                );
                ground.forget(&paths);
                round += 1;
                continue;
            }
            Archived::Needs(paths) => {
                return Err(Error::storage(format!(
                    "The storage does not hold {} of the files that it should hold: verify and heal it.",
                    paths.len()
                )));
            }
        };
        staging.set_base(&Base {
            snapshot: facts.id.clone(),
            marks: job.repository.marks.clone(),
            manifest_sha256: manifest_sha256.clone(),
        })?;
        assemble::drop_stored(&staging).await?;
        return Ok(Taken {
            snapshot: facts.id,
            new,
            tree: facts.tree,
            bytes_added: facts.bytes_added,
            bytes_total: facts.bytes_total,
            counts: manifest
                .coverage
                .iter()
                .map(|(kind, coverage)| (*kind, coverage.count))
                .collect(),
            omissions: manifest.omissions,
            manifest_sha256,
            wiki,
        });
    }
}

/// Hash of the wiki's references on the host; nothing if there is no wiki. Costs no API request.
pub async fn wiki_digest(
    client: &Client,
    repository: &Repository,
) -> Result<Option<String>, Error> {
    if !repository.has_wiki {
        return Ok(None);
    }
    let cancel = &CancellationToken::new();
    let asked = mirrors::retrying(client, repository, true, cancel, |access| async move {
        git::host_references(client, &access).await
    });
    match asked.await {
        Ok(references) => Ok(references.host_digest()),
        Err(mirrors::Refused::Git(failure)) if failure.class == git::Class::NotFound => Ok(None),
        Err(refused) => Err(refused.into_error("Asking for the wiki")),
    }
}

fn labelling(job: &Job) -> Labelling {
    let labels = &job.labels;
    let tag = |name: &str, value: &str| format!("{name}:{}", value.replace(',', "-"));
    Labelling {
        host: labels.organization.clone(),
        label: format!("{}/{}", labels.host, job.repository.id),
        tags: vec![
            tag("run", &labels.run),
            tag("plan", &labels.plan),
            tag("tenant", &labels.tenant),
            tag("repo", &job.repository.name.to_string()),
        ],
        taken_at: job.taken_at,
    }
}

/// What this attempt is: the same words mean that an interrupted one may go on.
fn attempt(job: &Job, ground: &Ground) -> Result<String, Error> {
    let text = serde_json::to_vec(&(
        &job.repository.marks,
        ground.snapshot(),
        job.sweep,
        &job.kinds,
    ))
    .map_err(|error| Error::storage(format!("The marks cannot be compared ({error}).")))?;
    Ok(digest::of_bytes(&text).sha256)
}
