//! Reading the host: git, wiki and lists side by side, each going on where it was interrupted.

mod code;
mod held;
mod lists;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Kind, Omission, Reason};
use forge::{Client, Repository};
use serde_json::Value;
use tokio::sync::OnceCell;

pub(super) use self::held::{Held, Now};
use super::base::Ground;
use super::{Job, Refusal, Stock, plan};
use crate::git::Mirror;
use crate::manifest::{Digest, State};
use crate::metadata::write_settings;
use crate::staging::{Done, Staging, metadata_path};
use crate::{Error, Progress, Stage, digest};

/// One fetch.
pub(super) struct Fetch<'a> {
    job: &'a Job,
    client: &'a Client,
    staging: &'a Staging,
    ground: &'a Ground,
    progress: &'a (dyn Fn(Progress) + Send + Sync),
    wanted: BTreeSet<Kind>,
    attempt: String,
    done: Mutex<Done>,
    /// Set by whatever ends the fetch: nothing new is begun then, but what runs may come to its end.
    ending: AtomicBool,
    /// Whether the host still knows the repository; asked at most once.
    standing: OnceCell<Repository>,
}

impl<'a> Fetch<'a> {
    pub(super) fn new(
        job: &'a Job,
        client: &'a Client,
        staging: &'a Staging,
        ground: &'a Ground,
        progress: &'a (dyn Fn(Progress) + Send + Sync),
    ) -> Self {
        let content = ground.content.as_ref();
        let mut wanted = plan::wanted(&job.repository, content, job.sweep, &job.kinds);
        let missing = missing(staging, ground);
        wanted.extend(missing.intersection(&job.kinds));
        Self {
            job,
            client,
            staging,
            ground,
            progress,
            wanted,
            attempt: String::new(),
            done: Mutex::default(),
            ending: AtomicBool::new(false),
            standing: OnceCell::new(),
        }
    }

    /// Reads what is wanted.
    pub(super) async fn run(mut self) -> Result<Held, Error> {
        self.attempt = super::attempt(self.job, self.ground)?;
        self.done = Mutex::new(self.staging.done(&self.attempt)?);
        let mut held = Held::default();
        if self.wants(Kind::Settings) {
            let now = self.settings().await?;
            held.read.insert(Kind::Settings, now);
        }
        if !held.is_blocked() {
            // One branch may run into an empty bucket while another one is in the middle of a long clone: each ends by itself.
            let (git, wiki, lists) = tokio::join!(self.git(), self.wiki(), self.lists());
            for part in self.worst_first([git, wiki, lists])? {
                held.merge(part);
            }
        }
        held.settle_blocked(&self.wanted);
        // A mirror that was not fetched now may still have been fetched by an attempt that was interrupted.
        for (folder, kind, references) in [
            ("git", Kind::Git, &mut held.git),
            ("wiki", Kind::Wiki, &mut held.wiki_references),
        ] {
            if !self.asks(kind) {
                continue;
            }
            let mirror = Mirror::at(self.staging.path(folder), self.job.cancel.clone());
            if references.is_none() && mirror.exists() {
                let found = mirror.references();
                *references =
                    Some(found.map_err(|failure| failure.into_error("Reading the references"))?);
            }
        }
        Ok(held)
    }

    /// All parts, or the error that says most of why there is no snapshot.
    fn worst_first<const N: usize>(
        &self,
        parts: [Result<Held, Error>; N],
    ) -> Result<Vec<Held>, Error> {
        let mut whole = Vec::new();
        let mut worst: Option<Error> = None;
        for part in parts {
            match part {
                Ok(part) => whole.push(part),
                Err(error)
                    if worst
                        .as_ref()
                        .is_none_or(|worst| weight(&error) > weight(worst)) =>
                {
                    worst = Some(error);
                }
                Err(_) => {}
            }
        }
        if self.job.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        worst.map_or(Ok(whole), Err)
    }

    fn wants(&self, kind: Kind) -> bool {
        self.wanted.contains(&kind)
    }

    /// Whether the job is about a kind at all.
    fn asks(&self, kind: Kind) -> bool {
        self.job.kinds.contains(&kind)
    }

    /// Whether the working folder's content was made without a kind: what lies there of it is of another time.
    fn was_not_asked(&self, kind: Kind) -> bool {
        let manifest = self.ground.content.as_ref().map(|(manifest, _)| manifest);
        let coverage = manifest.and_then(|manifest| manifest.coverage.get(&kind));
        coverage.is_some_and(|coverage| coverage.state == State::NotAsked)
    }

    fn is_done(&self, kind: Kind) -> bool {
        self.done.lock().is_ok_and(|done| done.contains_key(&kind))
    }

    fn finished(&self, kind: Kind, file: Option<Digest>) -> Result<(), Error> {
        match self.done.lock() {
            Ok(mut done) => {
                self.staging.note_done(&self.attempt, kind, file.clone())?;
                done.insert(kind, file);
                Ok(())
            }
            Err(_) => Ok(()),
        }
    }

    /// Whether something has ended the fetch already.
    fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed) || self.job.cancel.is_cancelled()
    }

    fn tell(&self, kind: Kind, done: u64, total: Option<u64>) {
        (self.progress)(Progress {
            stage: Stage::Fetch,
            kind: Some(kind),
            done,
            total,
        });
    }

    async fn settings(&self) -> Result<Now, Error> {
        if self.is_done(Kind::Settings) {
            return Ok(Now::Read);
        }
        match self.client.settings(&self.job.repository).await {
            Ok(settings) => {
                self.standing
                    .get_or_init(|| async { self.named_by(&settings) })
                    .await;
                let path = self.staging.path(&metadata_path(Kind::Settings));
                write_settings(&path, settings)?;
                self.finished(Kind::Settings, Some(digest::of_file(&path)?))?;
                self.tell(Kind::Settings, 1, Some(1));
                Ok(Now::Read)
            }
            // Whoever may not see this sees nothing of the repository.
            Err(error @ forge::Error::Missing { .. }) => Err(error.into()),
            Err(error) => self.refused(Kind::Settings, Refusal::judge(error)?).await,
        }
    }

    /// The repository as the host knows it now; an error if it has vanished.
    async fn standing(&self) -> Result<&Repository, Error> {
        let asked = self.standing.get_or_try_init(|| async {
            let settings = self.client.settings(&self.job.repository).await?;
            Ok(self.named_by(&settings))
        });
        asked.await.map_err(|error: forge::Error| match error {
            forge::Error::Cancelled => Error::Cancelled,
            error => error.into(),
        })
    }

    /// The repository under the name that its settings tell: it may have been renamed since it was listed.
    fn named_by(&self, settings: &Value) -> Repository {
        let name = self.client.name_in(settings);
        let name = name.and_then(|name| name.parse().ok());
        let mut repository = self.job.repository.clone();
        if let Some(name) = name {
            repository.name = name;
        }
        repository
    }

    /// The repository under the newest name that is known.
    fn repository(&self) -> &Repository {
        self.standing.get().unwrap_or(&self.job.repository)
    }

    /// A kind that was refused. "Not found" may mean that the whole repository is gone, which is no omission.
    async fn refused(&self, kind: Kind, refusal: Refusal) -> Result<Now, Error> {
        match refusal {
            Refusal::Absent => Ok(Now::Absent),
            Refusal::Omit(reason, detail) => {
                if reason == Reason::NotFound
                    && let Err(error @ Error::Forge(forge::Error::Missing { .. })) =
                        self.standing().await
                {
                    return Err(error);
                }
                Ok(Now::Lacking(vec![Omission {
                    kind,
                    reason,
                    detail,
                }]))
            }
        }
    }
}

/// Kinds of which the working folder and the storage lack something that the folder's manifest names: the storage is another one,
/// was damaged, or somebody took files away.
fn missing(staging: &Staging, ground: &Ground) -> BTreeSet<Kind> {
    let mut missing = BTreeSet::new();
    let Some((manifest, _)) = &ground.content else {
        return missing;
    };
    let stock = Stock::new(staging, &ground.stored);
    if !manifest
        .lfs
        .iter()
        .all(|(path, digest)| stock.has(path, digest))
    {
        missing.insert(Kind::Lfs);
    }
    if !manifest
        .assets
        .iter()
        .all(|(path, asset)| stock.has(path, &asset.digest))
    {
        missing.insert(Kind::Assets);
    }
    if manifest.git.is_some() && !staging.path("git/HEAD").is_file() {
        missing.insert(Kind::Git);
    }
    let records = manifest
        .metadata
        .iter()
        .filter(|(_, records)| !staging.path(&records.path).is_file());
    missing.extend(records.map(|(kind, _)| *kind));
    missing
}

/// Which of several errors says most: a throttled fetch goes on by itself, a failed one does not.
fn weight(error: &Error) -> u8 {
    match error {
        Error::Forge(forge::Error::Throttled { .. }) => 0,
        Error::Forge(_) | Error::Git { .. } => 1,
        Error::Staging { .. } | Error::Storage { .. } => 2,
        Error::Cancelled => 3,
    }
}
