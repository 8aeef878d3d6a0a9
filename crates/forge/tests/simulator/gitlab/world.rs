//! A simulated GitLab, a pool, and a client between them, on one movable clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Clock, CredentialId, ForgeKind, Health, Host, Kind, Secret};
use forge::{Account, Client, Cursor, Forge, Member, Pool, Repository, Scope, Sharing};
use forge_sim::gitlab::{self, Control, Limits, Options, ProjectRecipe, Recipe, UserRecipe};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) struct GitLab {
    simulator: gitlab::Handle,
    pub(crate) clock: Clock,
    pub(crate) host: Host,
    pub(crate) pool: Pool,
    pub(crate) forge: Forge,
    pub(crate) ids: Vec<CredentialId>,
}

/// A group with a rich project in a subgroup and three small ones; `ann` owns it.
pub(crate) fn acme() -> Recipe {
    Recipe::group("acme", 3)
        .with_project(ProjectRecipe {
            merge_requests: 3,
            ..ProjectRecipe::rich("sub/rich")
        })
        .with_user(UserRecipe::member("ann"))
}

impl GitLab {
    pub(crate) async fn new(recipe: Recipe) -> Self {
        Self::start(Options::new(recipe)).await
    }

    pub(crate) async fn limited(recipe: Recipe, limits: Limits) -> Self {
        Self::start(Options {
            limits,
            ..Options::new(recipe)
        })
        .await
    }

    pub(crate) async fn with(change: impl FnOnce(Options) -> Options) -> Self {
        Self::start(change(Options::new(acme()))).await
    }

    async fn start(options: Options) -> Self {
        let users: Vec<String> = options
            .recipe
            .users
            .iter()
            .map(|user| user.username.clone())
            .collect();
        let simulator = gitlab::start(options).await.unwrap();
        // Windows end with the minute. The end of one that is near is waited for within a request, and our clock stands still.
        let control = simulator.control();
        let left = 60_000 - control.now().timestamp_millis().rem_euclid(60_000);
        control.advance(Duration::from_millis(left.try_into().unwrap()));
        let clock = Clock::manual(control.now());
        let host = Host::parse(ForgeKind::GitLab, simulator.web(), &[]).unwrap();
        let pool = Pool::new(clock.clone(), Sharing::Alone);
        let forge = crate::world::forge(&pool, &clock);
        let mut world = Self {
            simulator,
            clock,
            host,
            pool,
            forge,
            ids: Vec::new(),
        };
        for user in users {
            let id = world.add(&user).await;
            world.ids.push(id);
        }
        world.control().reset_log();
        world
    }

    /// Puts a user's token into the pool.
    pub(crate) async fn add(&self, user: &str) -> CredentialId {
        let token = Secret::new(self.control().token(user).unwrap());
        let owner = self.forge.owner(&self.host, &token).await.unwrap();
        let id = CredentialId::new();
        self.pool.insert(Member {
            id,
            name: user.to_owned(),
            bucket: owner.bucket,
            token,
            reserve_percent: 0,
            health: Health::Healthy,
            renewable: false,
        });
        id
    }

    pub(crate) fn control(&self) -> Control {
        self.simulator.control()
    }

    /// Moves both clocks.
    pub(crate) fn advance(&self, seconds: u32) {
        self.control().advance(Duration::from_secs(seconds.into()));
        self.clock.advance(TimeDelta::seconds(seconds.into()));
    }

    /// Moves both clocks to an instant of ours.
    pub(crate) fn advance_to(&self, until: DateTime<Utc>) {
        let by = (until - self.clock.now()).max(TimeDelta::milliseconds(1));
        self.control().advance(by.to_std().unwrap());
        self.clock.advance(by);
    }

    /// Gets the address banned, as somebody with a wrong password would.
    pub(crate) async fn ban(&self) {
        let dead = Secret::new("glpat-wrong");
        let id = CredentialId::new();
        let bucket = self.pool.members()[0].bucket.clone();
        self.pool.insert(Member {
            id,
            name: "wrong".to_owned(),
            bucket,
            token: dead,
            reserve_percent: 0,
            health: Health::Healthy,
            renewable: false,
        });
        let project = self.project("acme/sub/rich").await;
        let client = self.client_of(&[id]);
        let access = client.git_access(&project, false).unwrap();
        assert!(client.git_references(&access).await.is_err());
        self.pool.remove(id);
    }

    pub(crate) fn client(&self) -> Client {
        self.client_of(&self.ids)
    }

    pub(crate) fn client_of(&self, credentials: &[CredentialId]) -> Client {
        let scope = Scope {
            credentials: credentials.to_vec(),
            repository: None,
            patience: Duration::ZERO,
            cancel: CancellationToken::new(),
        };
        self.forge.session(&self.host, scope)
    }

    /// Every project of the group.
    pub(crate) async fn projects(&self) -> Vec<Repository> {
        let id = self
            .control()
            .with_world(|world| world.group("acme").unwrap().id);
        let account = Account {
            id: i64::try_from(id).unwrap(),
            login: "acme".to_owned(),
            is_organization: true,
        };
        let client = self.client();
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let listing = client
                .repositories(&account, after.as_deref())
                .await
                .unwrap();
            all.extend(listing.repositories);
            after = listing.next;
            if after.is_none() {
                return all;
            }
        }
    }

    pub(crate) async fn project(&self, path: &str) -> Repository {
        let all = self.projects().await;
        all.into_iter()
            .find(|one| one.name.to_string() == path)
            .unwrap()
    }

    /// Every item of a list.
    pub(crate) async fn items(&self, kind: Kind, project: &Repository) -> Vec<Value> {
        let client = self.client();
        let (mut all, mut cursor) = (Vec::new(), Cursor::default());
        loop {
            let page = client.page(kind, project, &cursor).await.unwrap();
            all.extend(page.items);
            cursor.next = page.next;
            if cursor.next.is_none() {
                return all;
            }
        }
    }
}
