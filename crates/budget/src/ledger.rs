//! All buckets of a process.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{BucketKey, Reading, Resource};

use super::bucket::Bucket;
use super::choice::Offer;
use super::governor::{Governor, Room};
use super::outstanding::{Leased, Outstanding, Ticket};
use super::planner::Supply;
use super::quota::State;
use super::share::{Bill, Sharing};
use super::terms::Terms;
use super::verdict::{Demand, Hold, Outcome, Settlement, Standing};

/// A bucket's number in one ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketId(pub(super) u32);

/// Something that a settlement brought to light.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// The bucket stands still.
    BackedOff {
        /// Which one.
        key: BucketKey,
        /// Until when.
        until: DateTime<Utc>,
        /// The host's words.
        reason: String,
    },
    /// A budget has nothing left in this window.
    Spent {
        /// Whose.
        key: BucketKey,
        /// Which.
        resource: Resource,
        /// When the window ends.
        reset_at: DateTime<Utc>,
    },
}

/// The books of all buckets.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(super) sharing: Sharing,
    ids: BTreeMap<BucketKey, BucketId>,
    pub(super) buckets: Vec<Bucket>,
    host_ids: BTreeMap<String, usize>,
    hosts: Vec<Governor>,
    outstanding: Outstanding,
    /// Whether a limit turned out to be another than was supposed.
    is_surprised: bool,
}

impl Ledger {
    /// Empty books.
    pub fn new(sharing: Sharing) -> Self {
        Self {
            sharing,
            ids: BTreeMap::new(),
            buckets: Vec::new(),
            host_ids: BTreeMap::new(),
            hosts: Vec::new(),
            outstanding: Outstanding::default(),
            is_surprised: false,
        }
    }

    /// A bucket's number, which stays the same.
    pub fn id(&mut self, key: &BucketKey) -> BucketId {
        if let Some(id) = self.ids.get(key) {
            return *id;
        }
        let host = self.host_ids.get(&key.host).copied().unwrap_or_else(|| {
            self.hosts.push(Governor::default());
            self.host_ids.insert(key.host.clone(), self.hosts.len() - 1);
            self.hosts.len() - 1
        });
        let id = BucketId(u32::try_from(self.buckets.len()).unwrap_or(u32::MAX));
        self.buckets.push(Bucket::new(key.clone(), host));
        self.ids.insert(key.clone(), id);
        id
    }

    /// A bucket's key.
    pub fn key(&self, id: BucketId) -> Option<&BucketKey> {
        self.buckets.get(id.0 as usize).map(|bucket| &bucket.key)
    }

    pub(super) fn bucket(&mut self, id: BucketId) -> Option<&mut Bucket> {
        self.buckets.get_mut(id.0 as usize)
    }

    pub(super) fn bucket_of(&mut self, key: &BucketKey) -> Option<&mut Bucket> {
        let id = self.id(key);
        self.bucket(id)
    }

    /// Opens a bucket, or changes its reserve.
    pub fn open(&mut self, key: &BucketKey, reserve_percent: u8) -> BucketId {
        let id = self.id(key);
        if let Some(bucket) = self.bucket(id) {
            bucket.reserve_percent = reserve_percent;
        }
        id
    }

    /// Takes note of how its host limits a bucket.
    pub fn agree(&mut self, key: &BucketKey, terms: Terms) {
        if let Some(bucket) = self.bucket_of(key) {
            bucket.terms = terms;
        }
    }

    /// Whether a bucket may take a request now.
    pub fn consider(&mut self, id: BucketId, demand: &Demand, now: DateTime<Utc>) -> Standing {
        match self.weigh_bucket(id, demand, None, now) {
            Ok(offer) => match self.host_hold(id, now) {
                Some(hold) => Standing::Held(hold),
                None => Standing::Ready(offer),
            },
            Err(hold) => Standing::Held(hold),
        }
    }

    /// Whether a bucket may take a request of a plan that is going to end at some time, its host left aside.
    pub(super) fn weigh_bucket(
        &mut self,
        id: BucketId,
        demand: &Demand,
        ends_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Offer, Hold> {
        let sharing = self.sharing;
        let bucket = self.bucket(id).ok_or_else(Hold::unknown)?;
        bucket.consider(demand, ends_at, sharing, now)
    }

    /// What keeps a bucket's host from taking requests of anybody.
    pub(super) fn host_hold(&self, id: BucketId, now: DateTime<Utc>) -> Option<Hold> {
        let bucket = self.buckets.get(id.0 as usize)?;
        let governor = self.hosts.get(bucket.host)?;
        let room = Room {
            together: bucket.terms.address_concurrency,
            a_minute: bucket.address_a_minute(),
        };
        governor.consider(room, now).err()
    }

    /// Processes that use a bucket.
    pub(super) fn sharers(&self, id: BucketId) -> u32 {
        self.buckets
            .get(id.0 as usize)
            .map_or(1, |bucket| bucket.sharers)
    }

    /// What a bucket's budget can take from now on.
    pub fn supply(&self, id: BucketId, resource: &Resource, now: DateTime<Utc>) -> Supply {
        let bucket = self.buckets.get(id.0 as usize);
        bucket.map_or_else(Supply::nothing, |bucket| bucket.supply(resource, now))
    }

    /// Leases one request of a bucket, if it may take one.
    pub fn lease(
        &mut self,
        id: BucketId,
        demand: &Demand,
        now: DateTime<Utc>,
    ) -> Result<Ticket, Hold> {
        match self.consider(id, demand, now) {
            Standing::Held(hold) => Err(hold),
            Standing::Ready(_) => self.begin(id, demand, now).ok_or_else(Hold::unknown),
        }
    }

    /// Books a lease that was weighed.
    pub(super) fn begin(
        &mut self,
        id: BucketId,
        demand: &Demand,
        now: DateTime<Utc>,
    ) -> Option<Ticket> {
        let bucket = self.buckets.get_mut(id.0 as usize)?;
        let (account, lane, is_covered) = bucket.begin(demand, now);
        if let Some(governor) = self.hosts.get_mut(bucket.host) {
            governor.flight.begin();
        }
        Some(self.outstanding.add(Leased {
            bucket: id,
            account,
            lane,
            points: demand.points,
            at: now,
            is_covered,
        }))
    }

    /// The bucket of a lease that is not settled.
    pub fn bucket_of_lease(&self, ticket: Ticket) -> Option<BucketId> {
        self.outstanding.get(ticket).map(|leased| leased.bucket)
    }

    /// Settles a lease; nothing if it was settled before.
    pub fn settle(
        &mut self,
        ticket: Ticket,
        settlement: Settlement,
        now: DateTime<Utc>,
    ) -> Option<Vec<Signal>> {
        let leased = self.outstanding.take(ticket)?;
        let next = self.outstanding.next();
        let sharing = self.sharing;
        let bucket = self.buckets.get_mut(leased.bucket.0 as usize)?;
        let governor = self.hosts.get_mut(bucket.host)?;
        bucket.flight.end();
        governor.arrive(bucket.terms.address_a_minute.is_some(), now);
        bucket.pace.arrive(leased.lane, now);
        bucket.took(now - leased.at);
        let terms = bucket.terms;
        let heard = settlement
            .reading
            .as_ref()
            .map(|(resource, reading)| (bucket.index(resource), *reading));
        if let Some(index) = leased.account
            && let Some(account) = bucket.at(index)
        {
            let is_elsewhere = heard.is_some_and(|(named, _)| named != index);
            let is_untold = matches!(account.quota.state, State::Untold(_));
            let cost = settlement.cost.unwrap_or(leased.points);
            let cost = if is_elsewhere { 0 } else { cost };
            account.end(
                Bill {
                    leased: leased.points,
                    cost,
                    is_covered: leased.is_covered,
                    is_told: heard.is_some() || is_untold,
                    number: ticket.number(),
                    next,
                },
                now,
            );
            if settlement.outcome == Outcome::Uncounted {
                account.untold(cost, &terms, now);
            }
        }
        if let Some((index, reading)) = heard
            && let Some(account) = bucket.at(index)
        {
            self.is_surprised |= account.supposed_limit() != reading.limit;
            account.read(reading, &terms, sharing, now);
        }
        let mut signals = Vec::new();
        match settlement.outcome {
            Outcome::Served | Outcome::Uncounted => {
                let most = bucket.concurrency();
                bucket.flight.grow(most);
                bucket.backoff.relax(leased.at);
            }
            Outcome::Crowded { until } => bucket.pace.close(leased.lane, until),
            Outcome::ShutOut { until, reason } => {
                governor.shut_out(until, &reason);
                // What is stored and shared is a bucket's: this one tells the others, and whoever starts anew.
                bucket.has_news |= bucket.backoff.extend(until, &reason);
                signals.push(Signal::BackedOff {
                    key: bucket.key.clone(),
                    until,
                    reason,
                });
            }
            Outcome::Spent { until } => {
                if let Some(account) = leased.account.and_then(|index| bucket.at(index)) {
                    account.exhaust(leased.points, until, now);
                }
            }
            Outcome::SlowDown {
                retry_after,
                reason,
            } => {
                bucket.flight.shrink();
                if bucket.backoff.strike(retry_after, &reason, leased.at, now)
                    && let Some((until, _)) = bucket.backoff.current(now)
                {
                    bucket.has_news = true;
                    governor.strike(&bucket.key, until, &reason, now);
                    signals.push(Signal::BackedOff {
                        key: bucket.key.clone(),
                        until,
                        reason,
                    });
                }
            }
            Outcome::Lost => {}
        }
        let reserve_percent = bucket.reserve_percent;
        for (resource, account) in &mut bucket.accounts {
            if let Some(reset_at) = account.announce_spent(reserve_percent) {
                signals.push(Signal::Spent {
                    key: bucket.key.clone(),
                    resource: resource.clone(),
                    reset_at,
                });
            }
        }
        Some(signals)
    }

    /// Takes in what a host said outside a lease's own answer, as in a list of all budgets.
    pub fn learn(
        &mut self,
        key: &BucketKey,
        resource: &Resource,
        reading: Reading,
        now: DateTime<Utc>,
    ) {
        let sharing = self.sharing;
        let Some(bucket) = self.bucket_of(key) else {
            return;
        };
        let terms = bucket.terms;
        if let Some(account) = bucket.account(resource) {
            let is_surprised = account.supposed_limit() != reading.limit;
            account.read(reading, &terms, sharing, now);
            self.is_surprised |= is_surprised;
        }
    }

    /// Whether a limit turned out to be another than was supposed, since this was last asked.
    pub(super) fn take_surprise(&mut self) -> bool {
        std::mem::take(&mut self.is_surprised)
    }

    /// The host does not count this bucket's requests.
    pub fn learn_unlimited(&mut self, key: &BucketKey, resource: &Resource) {
        if let Some(account) = self
            .bucket_of(key)
            .and_then(|bucket| bucket.account(resource))
        {
            account.quota.state = State::Unlimited;
        }
    }

    /// Takes over stored knowledge of a budget. Whoever stored it may have sent requests until a moment ago.
    pub fn restore(
        &mut self,
        key: &BucketKey,
        resource: &Resource,
        reading: Option<Reading>,
        backoff: Option<(DateTime<Utc>, &str)>,
        now: DateTime<Utc>,
    ) {
        let Some(bucket) = self.bucket_of(key) else {
            return;
        };
        bucket.pace.begin_evenly(now);
        if let Some((until, reason)) = backoff {
            bucket.backoff.extend(until, reason);
        }
        if let Some(account) = bucket.account(resource)
            && let Some(reading) = reading
        {
            account.quota.recall(reading, now);
        }
    }

    /// What is known of every budget, in the order of the buckets' keys.
    pub fn known(&self, now: DateTime<Utc>) -> impl Iterator<Item = Known<'_>> {
        let buckets = self
            .ids
            .values()
            .filter_map(|id| self.buckets.get(id.0 as usize));
        buckets.flat_map(move |bucket| {
            bucket
                .accounts
                .iter()
                .map(move |(resource, account)| Known {
                    key: &bucket.key,
                    resource,
                    reading: account.heard(now),
                    backoff: bucket.backoff.current(now),
                    unlimited: account.quota.state == State::Unlimited,
                    others: account.others.seen(),
                    outstanding: account.outstanding(),
                })
        })
    }
}

/// What the ledger knows of one budget.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Whose.
    pub key: &'a BucketKey,
    /// Which.
    pub resource: &'a Resource,
    /// What was heard last; its window may have ended.
    pub reading: Option<Reading>,
    /// Until when the bucket stands still, and why.
    pub backoff: Option<(DateTime<Utc>, &'a str)>,
    /// Whether the host does not count.
    pub unlimited: bool,
    /// Requests that somebody else spent in this window, at least, and their rate an hour.
    pub others: (u32, u32),
    /// What was leased and no answer has told of: it may have been spent.
    pub outstanding: u32,
}
