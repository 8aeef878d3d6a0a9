//! The line that is printed of a scenario, and what it falls short of.

use std::collections::BTreeMap;

use anyhow::Result;
use domain::Clock;
use serde::Serialize;

use crate::bound;
use crate::draw;
use crate::play::{self, Outcome};
use crate::scenario::{Bucket, Scenario, What};
use crate::time::{Micros, seconds};

/// What came of a scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    name: String,
    requests: u64,
    makespan_s: f64,
    pub(crate) lower_bound_s: f64,
    pub(crate) ratio: f64,
    pub(crate) refused: u64,
    waits: u64,
    max_in_flight: usize,
    decisions_per_s: u64,
    spent: BTreeMap<String, u64>,
    pub(crate) unreachable: usize,
    pub(crate) plans: BTreeMap<String, Done>,
    #[serde(skip)]
    refused_by: Vec<u64>,
}

/// When a plan was done; nothing where it never was.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    pub(crate) done_s: Option<f64>,
}

impl Report {
    /// Plays a scenario.
    pub(crate) fn of(scenario: &Scenario) -> Result<Self> {
        let clock = Clock::system();
        let begun = clock.now();
        let outcome = play::play(scenario)?;
        let took = (clock.now() - begun)
            .num_microseconds()
            .unwrap_or_default()
            .max(1);
        Ok(Self::new(scenario, outcome, took))
    }

    fn new(scenario: &Scenario, outcome: Outcome, took: Micros) -> Self {
        let lower_bound = bound::lower_bound(scenario, &outcome.done);
        let makespan = seconds(outcome.ended);
        let sizes = draw::sizes(scenario);
        let mut requests = 0;
        let mut unreachable = std::collections::BTreeSet::new();
        let mut done = outcome.done.iter();
        for plan in &scenario.plans {
            let (from, to) = plan.repositories.unwrap_or((0, sizes.len()));
            for (repository, size) in sizes.iter().enumerate().take(to).skip(from) {
                if done.next() == Some(&true) {
                    requests += u64::from(*size);
                } else {
                    unreachable.insert(repository);
                }
            }
        }
        Self {
            name: scenario.name.clone(),
            requests,
            makespan_s: rounded(makespan),
            lower_bound_s: rounded(lower_bound),
            ratio: if lower_bound > 0.0 {
                rounded(makespan / lower_bound)
            } else {
                1.0
            },
            refused: outcome.refused,
            waits: outcome.waits,
            max_in_flight: outcome.max_in_flight,
            decisions_per_s: outcome.decisions * 1_000_000 / took as u64,
            spent: play::by_bucket(scenario, &outcome.spent),
            unreachable: unreachable.len(),
            plans: scenario
                .plans
                .iter()
                .zip(&outcome.plans)
                .map(|(plan, at)| {
                    let done_s = at.map(|at| rounded(seconds(at)));
                    (plan.id.clone(), Done { done_s })
                })
                .collect(),
            refused_by: outcome.refused_by,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where the bars are not met, a sentence each.
    pub(crate) fn complaints(&self, scenario: &Scenario) -> Vec<String> {
        let mut complaints = Vec::new();
        let has_hidden = scenario.buckets.iter().any(|bucket| !bucket.headers);
        let most = if has_hidden || !scenario.events.is_empty() {
            1.10
        } else {
            1.05
        };
        if self.ratio > most {
            complaints.push(format!("the ratio is {}, more than {most}", self.ratio));
        }
        for (bucket, refused) in scenario.buckets.iter().zip(&self.refused_by) {
            let allowed = self.allowed(scenario, bucket);
            if *refused > allowed {
                complaints.push(format!(
                    "{} refused {refused} requests, where a perfect pool has at most {allowed}",
                    bucket.id
                ));
            }
        }
        complaints
    }

    /// Refusals that nobody could have known of beforehand.
    fn allowed(&self, scenario: &Scenario, bucket: &Bucket) -> u64 {
        let injected = scenario.events.iter().filter(|event| {
            matches!(&event.what, What::Secondary { bucket: named, .. } if *named == bucket.id)
        });
        let windows = (self.makespan_s / bucket.window_s).ceil() as u64 + 1;
        injected.count() as u64
            + if bucket.headers { 0 } else { 3 }
            + if bucket.others_per_hour > 0.0 {
                windows
            } else {
                0
            }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
