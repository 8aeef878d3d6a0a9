//! Points a minute and endpoint: the secondary limits that can be known beforehand.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use domain::Resource;

/// GitHub docs: no more than 900 points a minute for one REST endpoint.
const REST_POINTS: u32 = 900;
/// GitHub docs: no more than 2,000 points a minute for the GraphQL endpoint.
const GRAPHQL_POINTS: u32 = 2_000;
/// GitHub docs: a GET request and a query without mutations are one point each, whatever they cost otherwise.
const POINTS_A_REQUEST: u32 = 1;
/// A minute, and a little for the differing times that requests are on their way.
const SPAN: TimeDelta = TimeDelta::seconds(62);

/// When the last requests to each endpoint left.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    departures: BTreeMap<&'static str, VecDeque<DateTime<Utc>>>,
}

impl Pace {
    /// When one more request may leave for the endpoint; nothing if now.
    pub(super) fn full_until(
        &mut self,
        endpoint: &'static str,
        resource: Option<&Resource>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let departures = self.departures.entry(endpoint).or_default();
        while departures.front().is_some_and(|first| *first + SPAN <= now) {
            departures.pop_front();
        }
        let most = if resource == Some(&Resource::graphql()) {
            GRAPHQL_POINTS
        } else {
            REST_POINTS
        };
        let is_full = departures.len() >= (most / POINTS_A_REQUEST) as usize;
        departures
            .front()
            .filter(|_| is_full)
            .map(|first| *first + SPAN)
    }

    /// One leaves.
    pub(super) fn depart(&mut self, endpoint: &'static str, now: DateTime<Utc>) {
        self.departures.entry(endpoint).or_default().push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_hundred_a_minute_and_endpoint() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let mut pace = Pace::default();
        let core = Resource::core();
        for _ in 0..REST_POINTS {
            assert_eq!(pace.full_until("issues", Some(&core), start), None);
            pace.depart("issues", start);
        }
        assert_eq!(
            pace.full_until("issues", Some(&core), start),
            Some(start + SPAN)
        );
        assert_eq!(pace.full_until("labels", Some(&core), start), None);
        assert_eq!(pace.full_until("issues", Some(&core), start + SPAN), None);
    }
}
