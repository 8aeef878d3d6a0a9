//! One bucket: everything that a host charges to one subject.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{BucketKey, Resource};

use super::account::{Account, Rules};
use super::backoff::Backoff;
use super::choice::Offer;
use super::flight::Flight;
use super::pace::{Gap, Pace, Points};
use super::planner::Supply;
use super::share::Sharing;
use super::terms::Terms;
use super::verdict::{Demand, Hold, Why};

/// Budgets, manners and concurrency of one subject.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) key: BucketKey,
    /// Number of its host.
    pub(super) host: usize,
    pub(super) terms: Terms,
    pub(super) reserve_percent: u8,
    /// Processes that use it.
    pub(super) sharers: u32,
    pub(super) accounts: Vec<(Resource, Account)>,
    pub(super) backoff: Backoff,
    /// Whether the back-off is news to the other processes.
    pub(super) has_news: bool,
    pub(super) flight: Flight,
    pub(super) pace: Pace,
    /// How long a request takes, in milliseconds, the last few weighing the most.
    took_millis: u64,
}

impl Bucket {
    pub(super) fn new(key: BucketKey, host: usize) -> Self {
        Self {
            key,
            host,
            terms: Terms::default(),
            reserve_percent: 0,
            sharers: 1,
            accounts: Vec::new(),
            backoff: Backoff::default(),
            has_news: false,
            flight: Flight::default(),
            pace: Pace::default(),
            took_millis: 0,
        }
    }

    /// A request took so long.
    pub(super) fn took(&mut self, span: TimeDelta) {
        let millis = u64::try_from(span.num_milliseconds()).unwrap_or_default();
        self.took_millis = (self.took_millis * 31 + millis) / 32;
    }

    /// What a budget can take from now on.
    pub(super) fn supply(&self, resource: &Resource, now: DateTime<Utc>) -> Supply {
        let by_concurrency = u64::from(self.terms.concurrency) * 60_000 / self.took_millis.max(1);
        let supply = Supply {
            a_minute: u64::from(self.shared(self.terms.pace("", is_graphql(Some(resource)))))
                .min(by_concurrency),
            window: millis(self.terms.window).max(1),
            ..Supply::nothing()
        };
        let account = self.accounts.iter().find(|(name, _)| name == resource);
        let supply = match account {
            Some((_, account)) => account.supply(supply, &self.terms, self.reserve_percent, now),
            None => Account::default().supply(supply, &self.terms, self.reserve_percent, now),
        };
        match self.backoff.current(now) {
            Some((until, _)) => Supply {
                from: millis(until - now),
                ..supply
            },
            None => supply,
        }
    }

    /// The number of a budget.
    pub(super) fn index(&mut self, resource: &Resource) -> usize {
        let known = self.accounts.iter().position(|(name, _)| name == resource);
        known.unwrap_or_else(|| {
            self.accounts.push((resource.clone(), Account::default()));
            self.accounts.len() - 1
        })
    }

    /// The books of a budget, opened if they were not.
    pub(super) fn account(&mut self, resource: &Resource) -> Option<&mut Account> {
        let index = self.index(resource);
        self.at(index)
    }

    /// The books of a budget by number.
    pub(super) fn at(&mut self, index: usize) -> Option<&mut Account> {
        self.accounts.get_mut(index).map(|(_, account)| account)
    }

    /// So many processes use it. Another one may have sent requests that this one does not know of.
    pub(super) fn share_among(&mut self, sharers: u32, now: DateTime<Utc>) {
        if sharers > self.sharers {
            self.pace.begin_evenly(now);
        }
        self.sharers = sharers.max(1);
    }

    /// This process's part of something that all who use the bucket share.
    fn shared(&self, all: u32) -> u32 {
        (all / self.sharers.max(1)).max(1)
    }

    /// What the endpoint that is asked may take from this process.
    fn points(&self, demand: &Demand) -> Points {
        let is_graphql = is_graphql(demand.resource.as_ref());
        let all = self.shared(self.terms.pace(demand.endpoint, is_graphql));
        let at_once = u64::from(all) * u64::from(self.terms.at_once_percent.min(100)) / 100;
        Points {
            all,
            at_once: u32::try_from(at_once).unwrap_or(all),
        }
    }

    /// Requests a minute from this process to the host, whoever asks.
    pub(super) fn address_a_minute(&self) -> Option<u32> {
        self.terms.address_a_minute.map(|all| self.shared(all))
    }

    /// Requests that may be under way from this process.
    pub(super) fn concurrency(&self) -> u32 {
        self.shared(self.terms.concurrency)
    }

    /// Whether a request may leave as far as this bucket is concerned.
    pub(super) fn consider(
        &mut self,
        demand: &Demand,
        ends_at: Option<DateTime<Utc>>,
        sharing: Sharing,
        now: DateTime<Utc>,
    ) -> Result<Offer, Hold> {
        let (terms, reserve_percent, sharers) = (self.terms, self.reserve_percent, self.sharers);
        let offer = match demand
            .resource
            .as_ref()
            .and_then(|resource| self.account(resource))
        {
            Some(account) => {
                let rules = Rules {
                    terms: &terms,
                    reserve_percent,
                    sharing,
                    sharers,
                };
                account.consider(demand.points, ends_at, rules, now)?
            }
            None => Offer::unlimited(terms.window),
        };
        let remaining = offer.is_known.then_some(offer.remaining);
        let hold = |why, until| Hold {
            why,
            until,
            remaining,
        };
        if let Some((until, reason)) = self.backoff.current(now) {
            return Err(hold(Why::BackingOff(reason.to_owned()), Some(until)));
        }
        if !self.flight.has_room(self.concurrency()) {
            return Err(hold(Why::Busy, None));
        }
        let lane = self.pace.lane(demand.endpoint);
        let points = self.points(demand);
        if let Gap::Until(until) = self.pace.gap(lane, points, now) {
            return Err(hold(Why::Pace, until));
        }
        Ok(offer)
    }

    /// A lease leaves; answers its budget, its lane, and whether a share covers it.
    pub(super) fn begin(
        &mut self,
        demand: &Demand,
        now: DateTime<Utc>,
    ) -> (Option<usize>, usize, bool) {
        self.flight.begin();
        let points = self.points(demand);
        let lane = self.pace.lane(demand.endpoint);
        self.pace.depart(lane, points, now);
        let account = demand
            .resource
            .as_ref()
            .map(|resource| self.index(resource));
        let terms = self.terms;
        let is_covered = account
            .and_then(|index| self.at(index))
            .is_some_and(|account| account.begin(demand.points, &terms, now));
        (account, lane, is_covered)
    }
}

fn is_graphql(resource: Option<&Resource>) -> bool {
    resource.is_some_and(|resource| resource.0 == "graphql")
}

pub(super) fn millis(span: TimeDelta) -> u64 {
    u64::try_from(span.num_milliseconds()).unwrap_or_default()
}
