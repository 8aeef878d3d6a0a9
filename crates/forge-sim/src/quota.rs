//! GitHub's limits: what an hour gives (primary) and what a minute bears (secondary).
//!
//! Everything is counted per bucket, that is per user or per anonymous address, never per token
//! (GitHub docs, rate limits for the REST API).

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use chrono::{DateTime, Utc};

pub use limits::{Limits, Quota};
pub(crate) use primary::Reading;

mod limits;
mod primary;
mod secondary;
#[cfg(test)]
mod tests;

/// Who a request is charged to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Bucket {
    /// All tokens of a user together.
    User(u64),
    /// All tokens of an installation together.
    Installation(u64),
    /// An App that asks about itself.
    App(u64),
    /// Everybody without a token behind one address.
    Address(IpAddr),
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Installation(id) => write!(f, "installation:{id}"),
            Self::App(id) => write!(f, "app:{id}"),
            Self::Address(address) => write!(f, "ip:{address}"),
        }
    }
}

/// What kind of work a request is; each kind has its own counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Resource {
    Core,
    Graphql,
    Search,
    Lfs,
}

impl Resource {
    /// The name in `x-ratelimit-resource`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Graphql => "graphql",
            Self::Search => "search",
            Self::Lfs => "lfs",
        }
    }
}

/// What is asked of the ledger for one request.
#[derive(Debug)]
pub(crate) struct Charge<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) resource: Resource,
    /// The route, for the limit per endpoint.
    pub(crate) endpoint: &'a str,
    /// Primary cost: 1 for REST, by the number of nodes for GraphQL.
    pub(crate) cost: u64,
    /// Secondary cost.
    pub(crate) points: u64,
}

/// The ledger's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Go on; [`Ledger::finish`] must follow.
    Admitted,
    /// The window is used up.
    Primary,
    /// Too many at once.
    Concurrency,
    /// Too many points within a minute.
    Points,
}

/// All counters.
#[derive(Debug)]
pub(crate) struct Ledger {
    limits: Limits,
    overrides: BTreeMap<u64, Quota>,
    primary: primary::Windows,
    secondary: secondary::Pace,
}

impl Ledger {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            overrides: BTreeMap::new(),
            primary: primary::Windows::default(),
            secondary: secondary::Pace::default(),
        }
    }

    /// Gives a user or an installation, whose ids never meet, another quota: from now on and for the current window.
    pub(crate) fn set_quota(&mut self, id: u64, quota: Quota) {
        self.overrides.insert(id, quota);
    }

    /// Decides about a request and, when it is admitted, charges it.
    pub(crate) fn admit(&mut self, charge: &Charge<'_>, now: DateTime<Utc>) -> Verdict {
        if self.limits.off {
            return Verdict::Admitted;
        }
        let limit = self.limit(charge.bucket, charge.resource);
        if self.secondary.in_flight(charge.bucket) >= self.limits.concurrency {
            return Verdict::Concurrency;
        }
        let per_minute = match charge.resource {
            Resource::Graphql => self.limits.graphql_points_per_minute,
            Resource::Core | Resource::Search | Resource::Lfs => self.limits.points_per_minute,
        };
        if self.secondary.spent(charge.bucket, charge.endpoint, now) + charge.points > per_minute {
            return Verdict::Points;
        }
        let window = self.window_seconds(charge.resource);
        if !self.primary.charge(charge, limit, window, now) {
            return Verdict::Primary;
        }
        self.secondary.begin(charge, now);
        Verdict::Admitted
    }

    /// Ends an admitted request.
    pub(crate) fn finish(&mut self, bucket: &Bucket) {
        self.secondary.finish(bucket);
    }

    /// Gives the primary cost back: an authorized 304 is free.
    pub(crate) fn refund(&mut self, bucket: &Bucket, resource: Resource, cost: u64) {
        self.primary.refund(bucket, resource, cost);
    }

    /// The counter as it stands.
    pub(crate) fn reading(
        &self,
        bucket: &Bucket,
        resource: Resource,
        now: DateTime<Utc>,
    ) -> Reading {
        let limit = self.limit(bucket, resource);
        let window = self.window_seconds(resource);
        self.primary.reading(bucket, resource, limit, window, now)
    }

    fn limit(&self, bucket: &Bucket, resource: Resource) -> u64 {
        match (bucket, resource) {
            (_, Resource::Lfs) => self.limits.lfs_per_minute,
            (Bucket::User(_) | Bucket::Installation(_) | Bucket::App(_), Resource::Search) => 30,
            (Bucket::Address(_), Resource::Search) => 10,
            (Bucket::User(id) | Bucket::Installation(id), Resource::Core) => {
                self.overrides.get(id).unwrap_or(&self.limits.user).core
            }
            (Bucket::User(id) | Bucket::Installation(id), Resource::Graphql) => {
                self.overrides.get(id).unwrap_or(&self.limits.user).graphql
            }
            (Bucket::Address(_), Resource::Core) => self.limits.anonymous,
            (Bucket::App(_), Resource::Core) => self.limits.user.core,
            (Bucket::Address(_) | Bucket::App(_), Resource::Graphql) => 0,
        }
    }

    fn window_seconds(&self, resource: Resource) -> i64 {
        match resource {
            Resource::Core | Resource::Graphql => self.limits.window_seconds,
            Resource::Search | Resource::Lfs => 60,
        }
    }
}
