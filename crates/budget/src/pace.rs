//! Points a minute and endpoint: the secondary limits that can be known beforehand.
//!
//! Requests are spaced evenly, a second's worth at most together: a burst would only stand still afterwards, and a process
//! that forgets what it sent before a restart still keeps to the limit. A request counts from its departure until a minute after
//! its answer, because it may have reached the host at any moment between the two.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

const MINUTE: TimeDelta = TimeDelta::seconds(60);
/// How far requests may run ahead of their even spacing.
const BURST: TimeDelta = TimeDelta::seconds(1);

/// The requests to each endpoint that the host may still be counting.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    lanes: Vec<Lane>,
}

#[derive(Debug, Clone)]
struct Lane {
    endpoint: &'static str,
    under_way: u32,
    answered: VecDeque<DateTime<Utc>>,
    /// When the last departure would have been, were all spaced evenly.
    even: DateTime<Utc>,
}

/// When one more request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Now.
    Open,
    /// At this time, or after an answer where there is none.
    Until(Option<DateTime<Utc>>),
}

impl Pace {
    /// The number of an endpoint's lane.
    pub(super) fn lane(&mut self, endpoint: &'static str) -> usize {
        let known = self.lanes.iter().position(|lane| lane.endpoint == endpoint);
        known.unwrap_or_else(|| {
            self.lanes.push(Lane {
                endpoint,
                under_way: 0,
                answered: VecDeque::new(),
                even: DateTime::<Utc>::MIN_UTC,
            });
            self.lanes.len() - 1
        })
    }

    /// When one more may leave in a lane of so many points a minute. A request without a mutation is one point, whatever it
    /// costs otherwise (GitHub docs, rate limits for the REST API).
    pub(super) fn gap(&mut self, lane: usize, points: u32, now: DateTime<Utc>) -> Gap {
        let Some(lane) = self.lanes.get_mut(lane) else {
            return Gap::Open;
        };
        while lane.answered.front().is_some_and(|at| *at + MINUTE <= now) {
            lane.answered.pop_front();
        }
        let counted = lane.answered.len() + lane.under_way as usize;
        if counted >= points as usize {
            return Gap::Until(lane.answered.front().map(|at| *at + MINUTE));
        }
        if lane.even > now && lane.even - now > BURST {
            return Gap::Until(Some(lane.even - BURST));
        }
        Gap::Open
    }

    /// One leaves.
    pub(super) fn depart(&mut self, lane: usize, points: u32, now: DateTime<Utc>) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.under_way = lane.under_way.saturating_add(1);
            lane.even =
                lane.even.max(now) + MINUTE / i32::try_from(points.max(1)).unwrap_or(i32::MAX);
        }
    }

    /// One is back, or lost.
    pub(super) fn arrive(&mut self, lane: usize, now: DateTime<Utc>) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.under_way = lane.under_way.saturating_sub(1);
            lane.answered.push_back(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
    }

    /// The departures within a time, each answered after a while.
    fn departures(points: u32, seconds: i64, answer: i64) -> Vec<i64> {
        let mut pace = Pace::default();
        let lane = pace.lane("issues");
        let mut left = Vec::new();
        let mut answers = VecDeque::new();
        for millis in 0..seconds * 1_000 {
            while answers.front().is_some_and(|at| *at <= millis) {
                answers.pop_front();
                pace.arrive(lane, at(millis));
            }
            while pace.gap(lane, points, at(millis)) == Gap::Open {
                pace.depart(lane, points, at(millis));
                left.push(millis);
                answers.push_back(millis + answer);
            }
        }
        left
    }

    #[test]
    fn wherever_between_departure_and_answer_they_arrive_no_minute_holds_more() {
        for answer in [1, 400, 5_000] {
            let left = departures(900, 300, answer);
            for (index, first) in left.iter().enumerate() {
                let late = first + answer;
                let counted = left[index..]
                    .iter()
                    .take_while(|next| **next < late + 60_000);
                assert!(counted.count() <= 900);
            }
            assert!(left.len() > 4_100, "{} in five minutes", left.len());
        }
    }

    #[test]
    fn requests_are_spaced_evenly() {
        let left = departures(60, 10, 100);
        assert_eq!(
            left,
            [
                0, 0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000
            ]
        );
    }

    #[test]
    fn endpoints_have_a_pace_each() {
        let mut pace = Pace::default();
        let (one, other) = (pace.lane("issues"), pace.lane("labels"));
        pace.depart(one, 1, at(0));
        assert_eq!(pace.gap(one, 1, at(0)), Gap::Until(None));
        assert_eq!(pace.gap(other, 1, at(0)), Gap::Open);
        pace.arrive(one, at(5));
        assert_eq!(pace.gap(one, 1, at(9)), Gap::Until(Some(at(60_005))));
    }
}
