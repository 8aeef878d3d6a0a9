//! What arrived, counted by who sent it and where it went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counters since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// REST and GraphQL requests.
    pub requests: u64,
    /// The same by resource: `core`, `graphql`, `search`.
    pub by_resource: BTreeMap<String, u64>,
    /// The same by login, or `anonymous`.
    pub by_user: BTreeMap<String, UserStatistics>,
    /// The same by method and route.
    pub by_route: BTreeMap<String, u64>,
    /// Answers of REST, GraphQL and LFS that said a limit was hit.
    pub refused: u64,
    /// 304 answers.
    pub not_modified: u64,
    /// Answers that an ordered fault changed.
    pub faults: u64,
    /// Git requests, which no quota counts.
    pub git: u64,
    /// Git LFS batch requests.
    pub lfs: u64,
    /// Downloads from the second host.
    pub downloads: u64,
    /// Bytes of those downloads that were asked for.
    pub downloaded_bytes: u64,
    /// REST and GraphQL requests at the same time, at most.
    pub max_in_flight: usize,
}

/// What one user sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserStatistics {
    /// REST and GraphQL requests.
    pub requests: u64,
    /// Those that were refused because of a limit.
    pub refused: u64,
    /// Those that were answered by 304.
    pub not_modified: u64,
}

/// A request to be counted.
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) login: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) route: String,
}

impl Statistics {
    pub(crate) fn arrived(&mut self, arrival: Arrival<'_>) {
        self.requests += 1;
        *self
            .by_resource
            .entry(arrival.resource.to_owned())
            .or_default() += 1;
        *self.by_route.entry(arrival.route).or_default() += 1;
        self.user(arrival.login).requests += 1;
    }

    pub(crate) fn refused(&mut self, login: &str) {
        self.refused += 1;
        self.user(login).refused += 1;
    }

    pub(crate) fn not_modified(&mut self, login: &str) {
        self.not_modified += 1;
        self.user(login).not_modified += 1;
    }

    fn user(&mut self, login: &str) -> &mut UserStatistics {
        self.by_user.entry(login.to_owned()).or_default()
    }
}
