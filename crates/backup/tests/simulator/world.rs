//! A simulated host, a pool, a storage, and a working folder between them, on one movable clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use backup::manifest::Manifest;
use backup::snapshot::{self, Job, Labels, Previous, Taken};
use backup::{Error, Keys, Location, Storage};
use chrono::TimeDelta;
use domain::{BucketKey, Clock, CredentialId, ForgeKind, Health, Host, Secret};
use forge::{Client, Marks, Repository};
use forge::{Forge, Member, Options, Pool, Scope, Sharing};
use forge_sim::control::RepositorySummary;
use forge_sim::{Control, Mutation, Recipe, RepositoryRecipe, UserRecipe};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) struct World {
    pub(crate) simulator: forge_sim::Handle,
    pub(crate) clock: Clock,
    host: Host,
    pool: Pool,
    forge: Forge,
    ids: Vec<CredentialId>,
    pub(crate) folder: TempDir,
    pub(crate) storage: Storage,
    pub(crate) keys: Keys,
    pub(crate) cancel: CancellationToken,
}

/// A repository with some of everything.
pub(crate) fn rich(name: &str) -> RepositoryRecipe {
    RepositoryRecipe {
        issues: 12,
        pulls: 5,
        comments_per_issue: 3,
        releases: 2,
        assets_per_release: 2,
        lfs_objects: 3,
        wiki: true,
        ..RepositoryRecipe::small(name)
    }
}

impl World {
    /// A host with these repositories in `acme`, and one user, whose token is in the pool.
    pub(crate) async fn new(repositories: Vec<RepositoryRecipe>) -> Self {
        let user = UserRecipe::member("ada");
        Self::with(
            Recipe::named("acme", repositories).with_user(user),
            Options::default(),
        )
        .await
    }

    pub(crate) async fn with(recipe: Recipe, options: Options) -> Self {
        let users: Vec<String> = recipe.users.iter().map(|user| user.login.clone()).collect();
        let simulator = forge_sim::start(forge_sim::Options::new(recipe))
            .await
            .unwrap();
        let clock = Clock::manual(simulator.control().now());
        let host = Host::parse(ForgeKind::GitHub, simulator.web(), &[]).unwrap();
        let pool = Pool::new(clock.clone(), Sharing::Alone);
        let options = Options {
            retry_pause: Duration::from_millis(1),
            ..options
        };
        let forge = Forge::new(pool.clone(), clock.clone(), options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (storage, keys) = storage(&folder.path().join("storage")).await;
        let mut world = Self {
            simulator,
            clock,
            host,
            pool,
            forge,
            ids: Vec::new(),
            folder,
            storage,
            keys,
            cancel: CancellationToken::new(),
        };
        for login in users {
            world.add(&login).await;
        }
        world.control().reset_statistics();
        world
    }

    async fn add(&mut self, login: &str) {
        let token = Secret::new(self.control().token(login).unwrap());
        let identity = self.forge.owner(&self.host, &token).await.unwrap();
        let id = CredentialId::new();
        self.pool.insert(member(id, login, identity.bucket, token));
        self.forge.refresh(&self.host, id).await.unwrap();
        self.ids.push(id);
    }

    pub(crate) fn control(&self) -> Control {
        self.simulator.control()
    }

    pub(crate) fn mutate(&self, mutation: &Mutation) {
        self.advance(60);
        self.control().mutate(mutation).unwrap();
    }

    /// Moves both clocks.
    pub(crate) fn advance(&self, seconds: u32) {
        self.control().advance(Duration::from_secs(seconds.into()));
        self.clock.advance(TimeDelta::seconds(seconds.into()));
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// A session without patience.
    pub(crate) fn client(&self, repository: Option<i64>) -> Client {
        let scope = Scope {
            credentials: self.ids.clone(),
            repository,
            patience: Duration::ZERO,
            cancel: self.cancel.clone(),
        };
        self.forge.session(&self.host, scope)
    }

    /// The repository `acme/NAME` as the list tells it now. The list's cost is not counted.
    pub(crate) async fn repository(&self, name: &str) -> Repository {
        let listing = self.client(None).repositories(&acme(), None).await.unwrap();
        let found = listing
            .repositories
            .into_iter()
            .find(|repository| repository.name.name() == name);
        self.control().reset_statistics();
        found.unwrap()
    }

    /// The repository as it really is.
    pub(crate) fn source(&self, name: &str) -> RepositorySummary {
        let world = self.control().world();
        world
            .repositories()
            .find(|repository| repository.name == name)
            .unwrap()
            .clone()
    }

    pub(crate) fn job(&self, repository: &Repository, previous: Option<&Snapshot>) -> Job {
        Job {
            staging: self.path("staging"),
            repository: repository.clone(),
            previous: previous.map(|previous| Previous {
                snapshot: previous.taken.snapshot.clone(),
                marks: previous.marks.clone(),
            }),
            kinds: domain::Content::default().kinds_of(ForgeKind::GitHub),
            sweep: false,
            labels: Labels {
                host: self.host.authority(),
                tenant: "tenant".into(),
                organization: "acme".into(),
                plan: "nightly, all".into(),
                run: "1".into(),
            },
            taken_at: self.clock.now(),
            cancel: self.cancel.clone(),
            wiki_known: None,
        }
    }

    pub(crate) async fn run(&self, job: Job) -> Result<Snapshot, Error> {
        let marks = job.repository.marks.clone();
        let client = self.client(Some(job.repository.id));
        let taken = snapshot::take(job, &client, &self.storage, &|_| {}).await?;
        Ok(Snapshot { taken, marks })
    }

    /// Takes a snapshot of the repository as it is now.
    pub(crate) async fn take(
        &self,
        name: &str,
        previous: Option<&Snapshot>,
    ) -> Result<Snapshot, Error> {
        let repository = self.repository(name).await;
        self.run(self.job(&repository, previous)).await
    }

    /// Restores a snapshot to a new folder.
    pub(crate) async fn restore(&self, snapshot: &Snapshot) -> Restored {
        let number = std::fs::read_dir(self.folder.path()).unwrap().count();
        let folder = self.path(&format!("restored-{number}"));
        self.storage
            .restore(&snapshot.taken.snapshot, &folder, &|_| {})
            .await
            .unwrap();
        Restored { folder }
    }

    /// Verifies everything that is stored.
    pub(crate) async fn verify(&self) {
        let found = self.storage.verify(None, true).await.unwrap();
        assert_eq!(found.problems, Vec::<String>::new());
    }

    pub(crate) fn requests(&self) -> u64 {
        self.control().statistics().requests
    }
}

/// A new repository in a folder.
pub(crate) async fn storage(path: &Path) -> (Storage, Keys) {
    std::fs::create_dir_all(path).unwrap();
    let location = Location::Local {
        path: path.to_owned(),
    };
    let keys = Storage::create(&location, "acme").await.unwrap();
    let storage = Storage::open(&location, "acme", &keys, None).await.unwrap();
    (storage, keys)
}

fn member(id: CredentialId, name: &str, bucket: BucketKey, token: Secret) -> Member {
    Member {
        id,
        name: name.to_owned(),
        bucket,
        token,
        reserve_percent: 0,
        health: Health::Healthy,
        renewable: false,
    }
}

/// A snapshot, and what the list said when it was taken.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) taken: Taken,
    pub(crate) marks: Marks,
}

/// A restored snapshot.
pub(crate) struct Restored {
    pub(crate) folder: PathBuf,
}

impl Restored {
    pub(crate) fn manifest(&self) -> Manifest {
        Manifest::parse(&std::fs::read(self.folder.join("manifest.json")).unwrap()).unwrap()
    }

    pub(crate) fn refs(&self, mirror: &str) -> BTreeMap<String, String> {
        refs(&self.folder.join(mirror))
    }

    pub(crate) fn lines(&self, kind: &str) -> Vec<serde_json::Value> {
        let path = self.folder.join(format!("metadata/{kind}.ndjson"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Names and objects of a repository on this machine.
pub(crate) fn refs(repository: &Path) -> BTreeMap<String, String> {
    let text = git(
        repository,
        &["for-each-ref", "--format=%(refname) %(objectname)"],
    );
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs
        .map(|(name, object)| (name.to_owned(), object.to_owned()))
        .collect()
}

pub(crate) fn git(repository: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("--git-dir")
        .arg(repository)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The organization as a listing wants it.
fn acme() -> forge::Account {
    forge::Account {
        id: 0,
        login: "acme".to_owned(),
        is_organization: true,
    }
}
