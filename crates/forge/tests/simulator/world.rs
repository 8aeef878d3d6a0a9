//! A simulated host, a pool, and a client between them, on one movable clock.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use domain::{BucketKey, Clock, CredentialId, ForgeKind, Health, Host, Kind, Secret};
use forge::{Account, Client, Cursor, Repository, collection};
use forge::{Error, Forge, Member, Options, Pool, Scope, Sharing};
use forge_sim::{Control, Mutation, Recipe, RepositoryRecipe, UserRecipe};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) struct World {
    pub(crate) simulator: forge_sim::Handle,
    pub(crate) clock: Clock,
    pub(crate) host: Host,
    pub(crate) pool: Pool,
    pub(crate) forge: Forge,
    pub(crate) ids: Vec<CredentialId>,
}

/// An organization `acme` with these repositories.
pub(crate) fn acme(repositories: Vec<RepositoryRecipe>) -> Recipe {
    Recipe::named("acme", repositories)
}

impl World {
    /// A host made by the recipe, and its users' credentials, in their order, in the pool.
    pub(crate) async fn new(recipe: Recipe) -> Self {
        Self::with(forge_sim::Options::new(recipe)).await
    }

    pub(crate) async fn with(options: forge_sim::Options) -> Self {
        let users: Vec<String> = options
            .recipe
            .users
            .iter()
            .map(|user| user.login.clone())
            .collect();
        let simulator = forge_sim::start(options).await.unwrap();
        let clock = Clock::manual(simulator.control().now());
        let host = Host::parse(ForgeKind::GitHub, simulator.web(), &[]).unwrap();
        let pool = Pool::new(clock.clone(), Sharing::Alone);
        let forge = forge(&pool, &clock);
        let mut world = Self {
            simulator,
            clock,
            host,
            pool,
            forge,
            ids: Vec::new(),
        };
        for login in users {
            let id = world.add(&login).await;
            world.ids.push(id);
        }
        world
    }

    /// Puts a user's credential into the pool.
    async fn add(&self, login: &str) -> CredentialId {
        let token = Secret::new(self.control().token(login).unwrap());
        let identity = self.forge.owner(&self.host, &token).await.unwrap();
        let id = CredentialId::new();
        self.pool.insert(member(id, login, identity.bucket, token));
        self.forge.refresh(&self.host, id).await.unwrap();
        self.control().reset_statistics();
        id
    }

    pub(crate) fn control(&self) -> Control {
        self.simulator.control()
    }

    pub(crate) fn mutate(&self, mutation: &Mutation) {
        self.control().mutate(mutation).unwrap();
    }

    /// Moves both clocks.
    pub(crate) fn advance(&self, seconds: u32) {
        self.control().advance(Duration::from_secs(seconds.into()));
        self.clock.advance(TimeDelta::seconds(seconds.into()));
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope {
            credentials: self.ids.clone(),
            repository: None,
            patience: Duration::ZERO,
            cancel: CancellationToken::new(),
        }
    }

    /// Our clock runs by itself, as far as requests that are spaced need it.
    pub(crate) fn let_time_pass(&self) {
        let clock = self.clock.clone();
        tokio::spawn(async move {
            let step = Duration::from_millis(10);
            let mut tick = tokio::time::interval(step);
            loop {
                tick.tick().await;
                clock.advance(TimeDelta::milliseconds(10));
            }
        });
    }

    /// A session about nothing in particular, without patience.
    pub(crate) fn client(&self) -> Client {
        self.forge.session(&self.host, self.scope())
    }

    /// A session about a repository.
    pub(crate) fn about(&self, repository: &Repository, patience: Duration) -> Client {
        let scope = Scope {
            repository: Some(repository.id),
            patience,
            ..self.scope()
        };
        self.forge.session(&self.host, scope)
    }

    /// Every repository of an account.
    pub(crate) async fn list(&self, owner: &str) -> Vec<Repository> {
        let client = self.client();
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let listing = client
                .repositories(&account(owner), next.as_deref())
                .await
                .unwrap();
            found.extend(listing.repositories);
            next = listing.next;
            if next.is_none() {
                return found;
            }
        }
    }

    /// The repository `acme/NAME`.
    pub(crate) async fn repository(&self, name: &str) -> Repository {
        let all = self.list("acme").await;
        let found = all
            .into_iter()
            .find(|repository| repository.name.name() == name);
        self.control().reset_statistics();
        found.unwrap()
    }
}

/// A client that a busy machine does not hurry.
pub(crate) fn forge(pool: &Pool, clock: &Clock) -> Forge {
    hurried_forge(pool, clock, Duration::from_mins(1))
}

/// A client that waits no longer than this for an answer.
pub(crate) fn hurried_forge(pool: &Pool, clock: &Clock, timeout: Duration) -> Forge {
    let options = Options {
        retry_pause: Duration::from_millis(1),
        request_timeout: timeout,
        idle_timeout: timeout,
        ..Options::default()
    };
    Forge::new(pool.clone(), clock.clone(), options).unwrap()
}

pub(crate) fn member(id: CredentialId, name: &str, bucket: BucketKey, token: Secret) -> Member {
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

/// Reads a collection to its end; answers its items, the later form of each.
pub(crate) async fn read(
    client: &Client,
    kind: Kind,
    repository: &Repository,
) -> Result<Vec<Value>, Error> {
    let key = collection(ForgeKind::GitHub, kind).unwrap().key;
    let mut items = Vec::new();
    let mut cursor = Cursor::default();
    loop {
        let page = client.page(kind, repository, &cursor).await?;
        items.extend(page.items);
        cursor.next = page.next;
        if cursor.next.is_none() {
            break;
        }
    }
    items.reverse();
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert(key(item).unwrap()));
    Ok(items)
}

/// A user of the organization who has so many REST requests an hour, and GraphQL points enough.
pub(crate) fn user(login: &str, requests: u64) -> UserRecipe {
    UserRecipe {
        graphql_quota: Some(5_000),
        ..UserRecipe::member(login).with_quota(requests)
    }
}

/// An organization as a listing wants it.
pub(crate) fn account(login: &str) -> Account {
    Account {
        id: 0,
        login: login.to_owned(),
        is_organization: true,
    }
}
