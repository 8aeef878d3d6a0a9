//! The credentials of a process, what their buckets have left, and who sees what.

mod choose;
mod exchange;
mod git;
mod lease;
mod member;
mod outlook;
mod session;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use domain::{BucketKey, Clock, CredentialId, Health, Reading, Resource, Secret};
use tokio::sync::{Notify, broadcast};

use budget::{Ask, Decision, Desk, Signal, Windows};

pub use budget::{Claim, Sharing, Terms};
pub(crate) use lease::Lease;
pub use member::{Member, MemberView};
pub use outlook::{Expectation, Outlook};
pub(crate) use session::Session;
pub use state::{BucketState, Event};

/// Events that a slow listener may be behind before it loses some.
const EVENTS_KEPT: usize = 1024;

/// The credentials of a process. Clones are the same pool.
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    sharing: Sharing,
    state: Mutex<State>,
    /// Rung when something has changed that may let a waiting request go.
    changed: Notify,
    /// Rung when an exchange with the other processes may be due.
    courier: Notify,
    events: broadcast::Sender<Event>,
}

struct State {
    members: BTreeMap<CredentialId, Member>,
    desk: Desk,
    /// Requests that may leave and have not been fetched by who asked.
    decided: BTreeMap<Ask, Decision>,
    /// Moves whenever it may be another credential that may be used for something.
    generation: u64,
    access: BTreeMap<(CredentialId, i64), bool>,
    /// Those whose token was refused and is being renewed, or that have none yet.
    renewing: BTreeSet<CredentialId>,
    /// How the windows of each bucket's REST requests followed each other.
    windows: BTreeMap<BucketKey, Windows>,
    /// How often each was handed to git, so that clones are spread.
    git_uses: BTreeMap<CredentialId, u64>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("members", &self.members())
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool without members.
    pub fn new(clock: Clock, sharing: Sharing) -> Self {
        let state = State {
            members: BTreeMap::new(),
            desk: Desk::new(sharing),
            decided: BTreeMap::new(),
            generation: 0,
            access: BTreeMap::new(),
            renewing: BTreeSet::new(),
            windows: BTreeMap::new(),
            git_uses: BTreeMap::new(),
        };
        Self {
            inner: Arc::new(Inner {
                clock,
                sharing,
                state: Mutex::new(state),
                changed: Notify::new(),
                courier: Notify::new(),
                events: broadcast::Sender::new(EVENTS_KEPT),
            }),
        }
    }

    /// Adds a member, or replaces the one with its id.
    pub fn insert(&self, member: Member) {
        let mut state = self.state();
        let key = member.bucket.clone();
        let id = member.id;
        let is_without = member.renewable && member.token.expose().is_empty();
        let token = member.token.clone();
        let before = state.members.insert(id, member);
        if is_without {
            state.renewing.insert(id);
        } else if before.is_none_or(|before| before.token != token) {
            state.renewing.remove(&id);
        }
        state.generation += 1;
        state.settle_reserve(&key);
        drop(state);
        self.ring();
    }

    /// Removes a member; what is known of its bucket stays.
    pub fn remove(&self, id: CredentialId) {
        let mut state = self.state();
        if let Some(member) = state.members.remove(&id) {
            state.generation += 1;
            state.settle_reserve(&member.bucket);
        }
        state.access.retain(|(credential, _), _| *credential != id);
        drop(state);
        self.ring();
    }

    /// Sets a member's health.
    pub fn set_health(&self, id: CredentialId, health: Health) {
        let mut state = self.state();
        if let Some(member) = state.members.get_mut(&id) {
            member.health = health;
            state.generation += 1;
        }
        drop(state);
        self.ring();
    }

    /// Takes note of how the host limits a bucket; as GitHub does, where nothing is said.
    pub fn agree(&self, key: &BucketKey, terms: Terms) {
        self.state()
            .desk
            .change(key, |ledger| ledger.agree(key, terms));
        self.ring();
    }

    /// The members, without their tokens.
    pub fn members(&self) -> Vec<MemberView> {
        self.state().members.values().map(Member::view).collect()
    }

    /// Takes over stored knowledge: nothing is sent to a bucket that was empty or backing off and still must be, and
    /// one request at a time goes to the others until their hosts have spoken.
    pub fn restore(&self, states: Vec<BucketState>) {
        let now = self.inner.clock.now();
        let mut state = self.state();
        for stored in states {
            let reason = stored.backoff_reason.as_deref().unwrap_or_default();
            let backoff = stored.backoff_until.map(|until| (until, reason));
            state.desk.change(&stored.key, |ledger| {
                ledger.restore(&stored.key, &stored.resource, stored.reading, backoff, now);
            });
        }
        drop(state);
        self.ring();
    }

    /// What is known of every bucket.
    pub fn buckets(&self) -> Vec<BucketState> {
        let now = self.inner.clock.now();
        let state = self.state();
        let known = state.desk.ledger().known(now).map(|known| BucketState {
            key: known.key.clone(),
            resource: known.resource.clone(),
            reading: known.reading,
            backoff_until: known.backoff.map(|(until, _)| until),
            backoff_reason: known.backoff.map(|(_, reason)| reason.to_owned()),
            unlimited: known.unlimited,
        });
        known.collect()
    }

    /// Remembers whether a credential sees a repository.
    pub fn learn_access(&self, credential: CredentialId, forge_repository_id: i64, sees: bool) {
        self.state()
            .learn_access(credential, forge_repository_id, sees);
        self.ring();
    }

    /// What happens from now on. A listener that lags behind loses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// As [`Pool::learn_access`], and tells the listeners if it is news.
    pub(crate) fn discover_access(&self, credential: CredentialId, repository: i64, sees: bool) {
        if self.state().learn_access(credential, repository, sees) {
            self.tell(Event::Access {
                credential,
                repository,
                sees,
            });
            self.ring();
        }
    }

    /// What is remembered of a credential's access to a repository.
    pub(crate) fn access(&self, credential: CredentialId, repository: i64) -> Option<bool> {
        self.state().access.get(&(credential, repository)).copied()
    }

    /// Parks a credential whose token the host refused. One that has another token by now is left alone.
    pub(crate) fn kill(&self, credential: CredentialId, token: &Secret, reason: &str) {
        let mut state = self.state();
        let Some(member) = state.members.get_mut(&credential) else {
            return;
        };
        if member.health != Health::Healthy || member.token != *token {
            return;
        }
        if member.renewable {
            if state.renewing.insert(credential) {
                state.generation += 1;
                drop(state);
                tracing::info!(%credential, reason, "token refused by its host and to be renewed");
                self.tell(Event::Refused {
                    credential,
                    reason: reason.to_owned(),
                });
                self.ring();
            }
            return;
        }
        member.health = Health::Dead {
            reason: reason.to_owned(),
        };
        let name = member.name.clone();
        state.generation += 1;
        drop(state);
        tracing::warn!(%credential, name, reason, "credential refused by its host and parked");
        self.tell(Event::Died {
            credential,
            reason: reason.to_owned(),
        });
        self.ring();
    }

    /// Takes in what a host said of a bucket's budgets.
    pub fn learn(&self, key: &BucketKey, readings: &[(Resource, Reading)], unlimited: bool) {
        let now = self.inner.clock.now();
        let mut state = self.state();
        state.desk.change(key, |ledger| {
            for (resource, reading) in readings {
                ledger.learn(key, resource, *reading, now);
            }
            if unlimited {
                for resource in [Resource::core(), Resource::graphql()] {
                    ledger.learn_unlimited(key, &resource);
                }
            }
        });
        drop(state);
        self.ring();
    }

    /// A credential's token and bucket.
    pub(crate) fn member(&self, id: CredentialId) -> Option<(Secret, BucketKey)> {
        let state = self.state();
        state
            .members
            .get(&id)
            .map(|member| (member.token.clone(), member.bucket.clone()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        self.inner.changed.notify_waiters();
        self.inner.courier.notify_one();
    }

    /// Nobody may be listening, which is well.
    fn tell(&self, event: Event) {
        drop(self.inner.events.send(event));
    }

    fn tell_signals(&self, signals: Vec<Signal>) {
        for signal in signals {
            self.tell(match signal {
                Signal::BackedOff { key, until, reason } => {
                    tracing::warn!(bucket = %key, %until, reason, "bucket backs off");
                    Event::BackedOff {
                        bucket: key,
                        until,
                        reason,
                    }
                }
                Signal::Spent {
                    key,
                    resource,
                    reset_at,
                } => Event::Spent {
                    bucket: key,
                    resource,
                    reset_at,
                },
            });
        }
    }
}

impl State {
    /// A bucket keeps the largest reserve that any of its credentials asks for.
    fn settle_reserve(&mut self, key: &BucketKey) {
        let members = self.members.values().filter(|member| member.bucket == *key);
        let reserve = members.map(|member| member.reserve_percent).max();
        let reserve = reserve.unwrap_or_default();
        self.desk.change(key, |ledger| ledger.open(key, reserve));
    }

    /// Learns from an answer to a request that had left at a moment how long a bucket's windows are.
    fn hear_window(&mut self, bucket: &BucketKey, reading: Reading, left_at: DateTime<Utc>) {
        let windows = self.windows.entry(bucket.clone()).or_default();
        if let Some(window) = windows.hear(reading, left_at) {
            self.desk
                .change(bucket, |ledger| ledger.find_window(bucket, window));
        }
    }

    /// Remembers whether a credential sees a repository; answers whether that is news.
    fn learn_access(&mut self, credential: CredentialId, repository: i64, sees: bool) -> bool {
        let is_news = self.access.insert((credential, repository), sees) != Some(sees);
        self.generation += u64::from(is_news);
        is_news
    }
}
