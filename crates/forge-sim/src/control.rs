//! The door for tests and demonstrations: what arrived, what exists, faults, changes, time.
//!
//! The same operations are there for Rust ([`Control`]) and over HTTP, below `/_control` on a listener of its own.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use mutation::{Mutated, Mutation};
pub use summary::{Counts, OrganizationSummary, RepositorySummary, UserSummary, WorldSummary};

use crate::apps::grants;
use crate::apps::life::{self, AppKeys};
use crate::chaos::Fault;
use crate::error::Error;
use crate::lock::{lock, read, write};
use crate::quota::{Bucket, Quota, Resource};
use crate::recipe::AppRecipe;
use crate::state::Simulator;
use crate::statistics::Statistics;
use crate::world::{TokenValue, Voucher, World};

mod apply;
pub(crate) mod door;
mod mutation;
mod summary;

/// Operates a running simulator.
#[derive(Debug, Clone)]
pub struct Control {
    simulator: Arc<Simulator>,
}

/// What a user may still spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// REST requests.
    pub core: Counter,
    /// GraphQL points.
    pub graphql: Counter,
}

/// One counter of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// What a window gives.
    pub limit: u64,
    /// What was spent of it, refused requests included.
    pub used: u64,
    /// When the window ends, in seconds since 1970.
    pub reset: i64,
}

impl Control {
    pub(crate) fn new(simulator: Arc<Simulator>) -> Self {
        Self { simulator }
    }

    /// What arrived since the start or the last reset.
    pub fn statistics(&self) -> Statistics {
        lock(&self.simulator.statistics).clone()
    }

    /// Counts from zero again; limits stay as they are.
    pub fn reset_statistics(&self) {
        *lock(&self.simulator.statistics) = Statistics::default();
    }

    /// Moves the simulated time forward.
    pub fn advance(&self, by: Duration) {
        self.simulator.clock.advance(by);
    }

    /// The simulated time.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.simulator.clock.now()
    }

    /// Orders a fault; returns its number.
    pub fn fault(&self, fault: Fault) -> u64 {
        lock(&self.simulator.faults).order(fault)
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        lock(&self.simulator.faults).clear();
    }

    /// Changes the world.
    pub fn mutate(&self, mutation: &Mutation) -> Result<Mutated, Error> {
        mutation.apply(&self.simulator)
    }

    /// What exists, in counts and references.
    pub fn world(&self) -> WorldSummary {
        WorldSummary::of(&read(&self.simulator.world))
    }

    /// Looks at everything that exists.
    pub fn with_world<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&read(&self.simulator.world))
    }

    /// The first token of a user that still works, in clear.
    pub fn token(&self, login: &str) -> Option<String> {
        self.tokens(login).into_iter().next()
    }

    /// All tokens of a user that still work, in clear.
    pub fn tokens(&self, login: &str) -> Vec<String> {
        let world = read(&self.simulator.world);
        let now = self.simulator.clock.now();
        let Some(account) = world.account(login) else {
            return Vec::new();
        };
        world
            .tokens
            .iter()
            .filter(|token| token.user_id == account.id && token.is_valid(now))
            .map(|token| token.value.reveal().to_owned())
            .collect()
    }

    /// Makes a GitHub App or an OAuth app.
    pub fn create_app(&self, recipe: &AppRecipe) -> Result<AppKeys, Error> {
        life::create(&mut write(&self.simulator.world), recipe, self.now())
    }

    /// The code that a browser brings back when a person has authorized an app.
    pub fn authorize(&self, app: &str, login: &str, scopes: &[&str]) -> Result<String, Error> {
        let now = self.now();
        let mut world = write(&self.simulator.world);
        let unknown = |what: &str| Error::Unknown(what.to_owned());
        let user_id = world.account(login).ok_or_else(|| unknown(login))?.id;
        let app = world.apps.by_slug(app).ok_or_else(|| unknown(app))?;
        let voucher = Voucher::Authorization {
            app_id: app.id,
            user_id,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            redirect_uri: app.callback_urls.first().cloned().unwrap_or_default(),
            challenge: None,
        };
        Ok(grants::code(&mut world, voucher, now))
    }

    /// Gives an App another private key, in PEM, and forgets the one it had.
    pub fn rotate_key(&self, app: &str) -> Result<TokenValue, Error> {
        let mut world = write(&self.simulator.world);
        let id = world
            .apps
            .by_slug(app)
            .map(|app| app.id)
            .ok_or_else(|| Error::Unknown(format!("App {app}")))?;
        life::rotate_key(&mut world, id)
    }

    /// What an App's installation on an account spent and may spend.
    pub fn installation_counters(&self, app: &str, account: &str) -> Option<Counters> {
        let id = {
            let world = read(&self.simulator.world);
            let account = world.account(account)?.id;
            let app = world.apps.by_slug(app)?.id;
            world.apps.installation(app, account)?.id
        };
        Some(self.counters_of(&Bucket::Installation(id)))
    }

    /// What a user spent and may spend.
    pub fn counters(&self, login: &str) -> Option<Counters> {
        let id = read(&self.simulator.world).account(login)?.id;
        Some(self.counters_of(&Bucket::User(id)))
    }

    fn counters_of(&self, bucket: &Bucket) -> Counters {
        let now = self.simulator.clock.now();
        let ledger = lock(&self.simulator.ledger);
        let counter = |resource| {
            let reading = ledger.reading(bucket, resource, now);
            Counter {
                limit: reading.limit,
                used: reading.used,
                reset: reading.reset,
            }
        };
        Counters {
            core: counter(Resource::Core),
            graphql: counter(Resource::Graphql),
        }
    }

    /// Gives a user another quota, from now on and for the current window.
    pub fn set_quota(&self, login: &str, quota: Quota) -> Result<(), Error> {
        let mutation = Mutation::SetQuota {
            login: login.to_owned(),
            core: quota.core,
            graphql: Some(quota.graphql),
        };
        self.mutate(&mutation).map(drop)
    }
}
