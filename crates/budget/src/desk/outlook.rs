//! The desk's plan of the whole: what is expected, and what follows from it for those who wait.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{PlanId, Resource};

use super::line::Line;
use super::turns::Turns;
use super::{BucketId, Claim, Desk, Options};
use crate::planner::{self, Schedule, Supply, Work};

/// A plan that asks for less than this part of what is asked of a bucket is not kept from it: to let it pass costs the others next
/// to nothing.
const SMALL_PART: u64 = 20;
/// Where there are more plans than this, their ends are foretold together.
const FORETOLD_APART: usize = 32;

impl Desk {
    /// Forgets what was expected of every plan, before it is said anew.
    pub fn expect_nothing(&mut self) {
        for plan in self.turns.plans.values_mut() {
            plan.expected.clear();
        }
    }

    /// Says how many requests a plan is still going to make that may use these buckets.
    pub fn expect(&mut self, claim: Claim, options: Options, requests: u64) {
        let plan = self.turns.come(claim);
        if requests == 0 {
            plan.expected.remove(&options);
        } else {
            plan.expected.insert(options, requests);
        }
    }

    /// Forgets a plan that has ended.
    pub fn conclude(&mut self, plan: PlanId) {
        self.turns.go(plan);
    }

    /// When a plan is going to end, as far as was planned.
    pub fn ends_at(&self, plan: PlanId) -> Option<DateTime<Utc>> {
        self.turns.ends_at(plan)
    }

    /// Plans the whole anew: keeps buckets for those who have no other, and finds out when everybody is going to be done.
    pub fn plan(&mut self, resource: &Resource, now: DateTime<Utc>) {
        let totals = self.totals(|_, requests| requests);
        let all: u64 = totals.values().sum();
        let (buckets, supplies) = self.supplies(totals.keys().copied(), resource, now);
        let (spans, schedule) = self.schedule(&totals, &buckets, &supplies);
        self.needed = buckets
            .iter()
            .filter_map(|(bucket, index)| Some((*bucket, *schedule.supply_spans.get(*index)?)))
            .collect();
        let fair = self.fair_spans(&spans, &buckets, &supplies);
        for (id, plan) in &mut self.turns.plans {
            plan.spans = plan
                .expected
                .keys()
                .filter_map(|options| Some((*options, *spans.get(options)?)))
                .collect();
            let theirs: u64 = plan.expected.values().sum();
            plan.is_small = theirs.saturating_mul(SMALL_PART) < all;
            plan.ends_at = fair
                .get(id)
                .and_then(|span| now.checked_add_signed(millis(*span)));
        }
        for line in &mut self.lines {
            bar(line, &self.turns, &self.needed);
        }
        for lines in self.busy.values_mut() {
            let order = |index: &usize| {
                let line = self.lines.get(*index);
                line.map(|line| (self.turns.order(line.plan, line.options), *index))
            };
            lines.sort_by_key(order);
        }
    }

    /// What is expected by list of buckets, of each plan as much as counts.
    fn totals(&self, counts: impl Fn(&Claim, u64) -> u64) -> BTreeMap<Options, u64> {
        let mut totals: BTreeMap<Options, u64> = BTreeMap::new();
        for plan in self.turns.plans.values() {
            let all: u64 = plan.expected.values().sum();
            let counted = counts(&plan.claim, all).min(all);
            for (options, requests) in &plan.expected {
                let part = u128::from(*requests) * u128::from(counted) / u128::from(all.max(1));
                *totals.entry(*options).or_default() += u64::try_from(part).unwrap_or(u64::MAX);
            }
        }
        totals
    }

    fn schedule(
        &self,
        totals: &BTreeMap<Options, u64>,
        buckets: &BTreeMap<BucketId, usize>,
        supplies: &[Supply],
    ) -> (BTreeMap<Options, u64>, Schedule) {
        let works: Vec<Work> = totals
            .iter()
            .map(|(options, requests)| Work {
                requests: *requests,
                may_use: self.indexes(*options, buckets),
            })
            .collect();
        let schedule = planner::schedule(&works, supplies);
        let spans = totals
            .keys()
            .zip(&schedule.work_spans)
            .filter_map(|(options, span)| Some((*options, (*span)?)))
            .collect();
        (spans, schedule)
    }

    /// How long each plan is going to take. While it goes on, nobody gets more than it does for its weight; so the others count with
    /// no more than that.
    fn fair_spans(
        &self,
        spans: &BTreeMap<Options, u64>,
        buckets: &BTreeMap<BucketId, usize>,
        supplies: &[Supply],
    ) -> BTreeMap<PlanId, u64> {
        let plans = &self.turns.plans;
        let last = |plan: &PlanId, spans: &BTreeMap<Options, u64>| {
            let expected = plans.get(plan)?.expected.keys();
            expected
                .filter_map(|options| spans.get(options).copied())
                .max()
        };
        let open: Vec<PlanId> = plans
            .iter()
            .filter(|(_, plan)| !plan.expected.is_empty())
            .map(|(id, _)| *id)
            .collect();
        let span_of = |id: &PlanId| {
            let plan = plans.get(id)?;
            if open.len() <= 1 || open.len() > FORETOLD_APART {
                return last(id, spans);
            }
            let theirs: u64 = plan.expected.values().sum();
            let weight = u64::from(plan.claim.weight.max(1));
            let totals = self.totals(|other, all| {
                if other.plan == *id {
                    all
                } else {
                    theirs.saturating_mul(u64::from(other.weight)) / weight
                }
            });
            let (spans, _) = self.schedule(&totals, buckets, supplies);
            last(id, &spans)
        };
        open.iter()
            .filter_map(|id| Some((*id, span_of(id)?)))
            .collect()
    }

    fn supplies(
        &self,
        options: impl Iterator<Item = Options>,
        resource: &Resource,
        now: DateTime<Utc>,
    ) -> (BTreeMap<BucketId, usize>, Vec<Supply>) {
        let mut buckets = BTreeMap::new();
        let mut supplies = Vec::new();
        for bucket in options.flat_map(|options| self.buckets_of(options)) {
            if !buckets.contains_key(bucket) {
                buckets.insert(*bucket, supplies.len());
                supplies.push(self.ledger().supply(*bucket, resource, now));
            }
        }
        (buckets, supplies)
    }

    fn indexes(&self, options: Options, buckets: &BTreeMap<BucketId, usize>) -> Vec<usize> {
        let members = self.buckets_of(options).iter();
        members
            .filter_map(|bucket| buckets.get(bucket).copied())
            .collect()
    }
}

/// Keeps a line from the buckets that others need for longer than the line's own work takes.
pub(super) fn bar(line: &mut Line, turns: &Turns, needed: &BTreeMap<BucketId, u64>) {
    let plan = turns.plans.get(&line.plan).filter(|plan| !plan.is_small);
    let span = plan.and_then(|plan| plan.spans.get(&line.options).copied());
    line.bar(|bucket| match (span, needed.get(&bucket)) {
        (Some(span), Some(needed)) => span + span / 64 < *needed,
        (None, _) | (_, None) => false,
    });
}

fn millis(span: u64) -> TimeDelta {
    TimeDelta::milliseconds(i64::try_from(span).unwrap_or(i64::MAX / 2))
}
