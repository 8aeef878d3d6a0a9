//! All buckets of a process.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{BucketKey, Reading, Resource};

use super::bucket::Bucket;
use super::governor::Governor;
use super::quota::Quota;
use super::share::{Bill, Sharing};
use super::verdict::{Demand, Hold, Outcome, Settlement, Standing};

/// A lease's number: proof that a request may leave, to be settled once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

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

#[derive(Debug, Clone)]
struct Outstanding {
    key: BucketKey,
    demand: Demand,
    leased_at: DateTime<Utc>,
    /// Whether it was taken out of a granted share.
    is_covered: bool,
}

/// The books of all buckets.
#[derive(Debug, Clone)]
pub struct Ledger {
    sharing: Sharing,
    pub(super) buckets: BTreeMap<BucketKey, Bucket>,
    hosts: BTreeMap<String, Governor>,
    outstanding: BTreeMap<Ticket, Outstanding>,
    next: u64,
}

impl Ledger {
    /// Empty books.
    pub fn new(sharing: Sharing) -> Self {
        Self {
            sharing,
            buckets: BTreeMap::new(),
            hosts: BTreeMap::new(),
            outstanding: BTreeMap::new(),
            next: 0,
        }
    }

    /// Opens a bucket, or changes its reserve.
    pub fn open(&mut self, key: &BucketKey, reserve_percent: u8) {
        self.buckets.entry(key.clone()).or_default().reserve_percent = reserve_percent;
    }

    /// Whether a bucket may take a request now.
    pub fn consider(&mut self, key: &BucketKey, demand: &Demand, now: DateTime<Utc>) -> Standing {
        let bucket = self.buckets.entry(key.clone()).or_default();
        let governor = self.hosts.entry(key.host.clone()).or_default();
        let verdict = bucket
            .consider(demand, self.sharing, now)
            .and_then(|offer| {
                governor.consider(offer.is_known.then_some(offer.remaining), now)?;
                Ok(offer)
            });
        match verdict {
            Ok(offer) => Standing::Ready(offer),
            Err(hold) => Standing::Held(hold),
        }
    }

    /// Leases one request of a bucket, if it may take one.
    pub fn lease(
        &mut self,
        key: &BucketKey,
        demand: &Demand,
        now: DateTime<Utc>,
    ) -> Result<Ticket, Hold> {
        if let Standing::Held(hold) = self.consider(key, demand, now) {
            return Err(hold);
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        let is_covered = self
            .buckets
            .entry(key.clone())
            .or_default()
            .begin(demand, now);
        self.hosts
            .entry(key.host.clone())
            .or_default()
            .flight
            .begin();
        let outstanding = Outstanding {
            key: key.clone(),
            demand: demand.clone(),
            leased_at: now,
            is_covered,
        };
        self.outstanding.insert(ticket, outstanding);
        Ok(ticket)
    }

    /// Settles a lease; nothing if it was settled before.
    pub fn settle(
        &mut self,
        ticket: Ticket,
        settlement: Settlement,
        now: DateTime<Utc>,
    ) -> Option<Vec<Signal>> {
        let Outstanding {
            key,
            demand,
            leased_at,
            is_covered,
        } = self.outstanding.remove(&ticket)?;
        let bucket = self.buckets.entry(key.clone()).or_default();
        let governor = self.hosts.entry(key.host.clone()).or_default();
        bucket.flight.end();
        governor.flight.end();
        if let Some(resource) = &demand.resource {
            let account = bucket.accounts.entry(resource.clone()).or_default();
            let heard = settlement.reading.as_ref().map(|(named, _)| named);
            let is_elsewhere = heard.is_some_and(|named| named != resource);
            let cost = settlement.cost.unwrap_or(demand.points);
            let bill = Bill {
                leased: demand.points,
                cost: if is_elsewhere { 0 } else { cost },
                is_covered,
                is_told: heard.is_some(),
                number: ticket.0,
                next: self.next,
            };
            account.end(bill, now);
            if settlement.outcome == Outcome::Uncounted
                && account.quota == (Quota::Unknown { last: None })
            {
                account.quota = Quota::Unlimited;
            }
        }
        if let Some((resource, reading)) = &settlement.reading {
            let account = bucket.accounts.entry(resource.clone()).or_default();
            account.quota.read(*reading, now);
            account.share.touch(now);
        }

        let mut signals = Vec::new();
        match settlement.outcome {
            Outcome::Served | Outcome::Uncounted => {
                bucket.flight.grow();
                bucket.backoff.relax(leased_at);
            }
            Outcome::Spent { until } => {
                if let Some(resource) = &demand.resource {
                    let account = bucket.accounts.entry(resource.clone()).or_default();
                    account.exhaust(until, now);
                }
            }
            Outcome::SlowDown {
                retry_after,
                reason,
            } => {
                bucket.flight.shrink();
                if bucket.backoff.strike(retry_after, &reason, leased_at, now)
                    && let Some((until, _)) = bucket.backoff.current(now)
                {
                    bucket.has_news = true;
                    governor.strike(&key, until, &reason, now);
                    signals.push(Signal::BackedOff {
                        key: key.clone(),
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
                    key: key.clone(),
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
        let bucket = self.buckets.entry(key.clone()).or_default();
        let account = bucket.accounts.entry(resource.clone()).or_default();
        account.quota.read(reading, now);
        account.share.touch(now);
    }

    /// The host does not count this bucket's requests.
    pub fn learn_unlimited(&mut self, key: &BucketKey, resource: &Resource) {
        let bucket = self.buckets.entry(key.clone()).or_default();
        bucket.accounts.entry(resource.clone()).or_default().quota = Quota::Unlimited;
    }

    /// Takes over stored knowledge of a budget.
    pub fn restore(
        &mut self,
        key: &BucketKey,
        resource: &Resource,
        reading: Option<Reading>,
        backoff: Option<(DateTime<Utc>, &str)>,
        now: DateTime<Utc>,
    ) {
        let bucket = self.buckets.entry(key.clone()).or_default();
        let account = bucket.accounts.entry(resource.clone()).or_default();
        if let Some(reading) = reading {
            account.quota.recall(reading, now);
        }
        if let Some((until, reason)) = backoff {
            bucket.backoff.extend(until, reason);
        }
    }

    /// What is known of every budget: whose, which, its reading, its back-off, whether it is unlimited.
    pub fn known(&self, now: DateTime<Utc>) -> impl Iterator<Item = Known<'_>> {
        self.buckets.iter().flat_map(move |(key, bucket)| {
            bucket
                .accounts
                .iter()
                .map(move |(resource, account)| Known {
                    key,
                    resource,
                    reading: account.heard(now),
                    backoff: bucket.backoff.current(now),
                    unlimited: account.quota == Quota::Unlimited,
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
}
