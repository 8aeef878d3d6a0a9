//! Points a minute and endpoint: the secondary limits that can be known beforehand.
//!
//! A part of them may leave at once, the rest is spaced evenly. So no minute holds more than both parts together, whatever came
//! before it, and a process that forgets what it sent keeps to the limit as long as it spaces its first minute evenly. And who comes
//! while another has just sent much finds the even part going on. A request counts from its departure until a minute after its answer,
//! because it may have reached the host at any moment between the two.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

const MINUTE: TimeDelta = TimeDelta::seconds(60);
/// How far evenly spaced requests may run ahead of their spacing.
const AHEAD: TimeDelta = TimeDelta::seconds(1);

/// The requests to each endpoint that the host may still be counting.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    lanes: Vec<Lane>,
    /// Until when all is spaced evenly: what was sent a moment ago is not known.
    even_until: DateTime<Utc>,
}

#[derive(Debug, Clone)]
struct Lane {
    endpoint: &'static str,
    under_way: u32,
    answered: VecDeque<DateTime<Utc>>,
    /// When the last evenly spaced departure would have been, had nothing run ahead.
    even: DateTime<Utc>,
    /// Departures that were not spaced, a minute back.
    at_once: VecDeque<DateTime<Utc>>,
    /// The host said that the endpoint is full, which its headers do not tell.
    closed_until: Option<DateTime<Utc>>,
}

/// What a lane may take a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Points {
    /// In all.
    pub(super) all: u32,
    /// Of these, without being spaced.
    pub(super) at_once: u32,
}

impl Points {
    fn spacing(self) -> TimeDelta {
        let evenly = self.all.saturating_sub(self.at_once).max(1);
        MINUTE / i32::try_from(evenly).unwrap_or(i32::MAX)
    }
}

/// When one more request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Now.
    Open,
    /// At this time, or after an answer where there is none.
    Until(Option<DateTime<Utc>>),
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            lanes: Vec::new(),
            even_until: DateTime::<Utc>::MIN_UTC,
        }
    }
}

impl Pace {
    /// Somebody else, or this process before it was started anew, may have sent requests a moment ago.
    pub(super) fn begin_evenly(&mut self, now: DateTime<Utc>) {
        self.even_until = now + MINUTE;
        for lane in &mut self.lanes {
            lane.even = lane.even.max(now + AHEAD);
        }
    }

    /// The number of an endpoint's lane.
    pub(super) fn lane(&mut self, endpoint: &'static str) -> usize {
        let known = self.lanes.iter().position(|lane| lane.endpoint == endpoint);
        known.unwrap_or_else(|| {
            let began = self.even_until.checked_sub_signed(MINUTE - AHEAD);
            self.lanes.push(Lane {
                endpoint,
                under_way: 0,
                answered: VecDeque::new(),
                even: began.unwrap_or(DateTime::<Utc>::MIN_UTC),
                at_once: VecDeque::new(),
                closed_until: None,
            });
            self.lanes.len() - 1
        })
    }

    /// When one more may leave in a lane. A request without a mutation is one point, whatever it costs otherwise (GitHub docs,
    /// rate limits for the REST API).
    pub(super) fn gap(&mut self, lane: usize, points: Points, now: DateTime<Utc>) -> Gap {
        let even_until = self.even_until;
        let Some(lane) = self.lanes.get_mut(lane) else {
            return Gap::Open;
        };
        if let Some(until) = lane.closed_until.filter(|until| now < *until) {
            return Gap::Until(Some(until));
        }
        lane.forget(now);
        let counted = lane.answered.len() + lane.under_way as usize;
        if counted >= points.all as usize {
            return Gap::Until(lane.answered.front().map(|at| *at + MINUTE));
        }
        if lane.is_in_step(now) || lane.may_run_ahead(points, even_until, now) {
            return Gap::Open;
        }
        let step = lane.even - AHEAD;
        let free = match lane.at_once.front() {
            Some(at) => Some(*at + MINUTE),
            None => (points.at_once > 0).then_some(even_until),
        };
        Gap::Until(Some(
            free.map_or(step, |free| free.max(even_until).min(step)),
        ))
    }

    /// One leaves.
    pub(super) fn depart(&mut self, lane: usize, points: Points, now: DateTime<Utc>) {
        let even_until = self.even_until;
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.under_way = lane.under_way.saturating_add(1);
            if !lane.is_in_step(now) && lane.may_run_ahead(points, even_until, now) {
                lane.at_once.push_back(now);
            } else {
                lane.even = lane.even.max(now) + points.spacing();
            }
        }
    }

    /// The host said that the endpoint is full until an instant.
    pub(super) fn close(&mut self, lane: usize, until: DateTime<Utc>) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.closed_until = lane.closed_until.max(Some(until));
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

impl Lane {
    /// What left a minute ago counts no more.
    fn forget(&mut self, now: DateTime<Utc>) {
        for log in [&mut self.answered, &mut self.at_once] {
            while log.front().is_some_and(|at| *at + MINUTE <= now) {
                log.pop_front();
            }
        }
    }

    fn is_in_step(&self, now: DateTime<Utc>) -> bool {
        self.even <= now + AHEAD
    }

    fn may_run_ahead(&self, points: Points, even_until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        even_until <= now && self.at_once.len() < points.at_once as usize
    }
}

#[cfg(test)]
mod tests;
