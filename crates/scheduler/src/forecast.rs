//! Says to the pool what runs are still going to ask for, and writes down when they are going to end.
//!
//! Every process does so for all runs under way, whoever works on them: each of them decides about the same buckets.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{PlanId, RunId};
use forge::{Claim, Expectation};
use store::{ForecastRow, OpenFetch, OpenWork};

use crate::Error;
use crate::engine::Engine;

mod costs;

pub(crate) use costs::{Costs, pages};

/// Time between two looks.
pub(crate) const EVERY: Duration = Duration::from_secs(2);

/// Requests that must have been seen before a run's own speed counts.
const SEEN_ENOUGH: u64 = 10;

/// Ended fetches that were expected to take so many requests weigh as much as what was expected of all.
const TRUSTED: u64 = 20;

/// What this process has seen of the runs under way.
#[derive(Debug, Default)]
pub(crate) struct Foreseen(Mutex<BTreeMap<RunId, Seen>>);

/// How one run went on.
#[derive(Debug, Clone, Copy)]
struct Seen {
    plan: PlanId,
    at: DateTime<Utc>,
    /// What had been spent when it was seen first.
    from: u64,
    spent: u64,
    active_s: f64,
    is_starved: bool,
}

impl Seen {
    fn new(work: &OpenWork, now: DateTime<Utc>) -> Self {
        let spent = spent(work);
        Self {
            plan: work.plan,
            at: now,
            from: spent,
            spent,
            active_s: 0.0,
            is_starved: false,
        }
    }

    /// Takes in another look. While every bucket was spent the run did not go on; if it did and now does not, or the other way
    /// round, it did for half of the time.
    fn look(&mut self, spent: u64, is_starved: bool, now: DateTime<Utc>) {
        let seconds = (now - self.at).as_seconds_f64().max(0.0);
        let has_moved = spent > self.spent;
        self.active_s += match (self.is_starved, is_starved) {
            (false, false) => seconds,
            (true, true) if !has_moved => 0.0,
            _ => seconds / 2.0,
        };
        self.at = now;
        self.spent = spent;
        self.is_starved = is_starved;
    }

    /// Requests a minute while there was quota: its own, or else that of the plan's runs before it.
    fn a_minute(&self, before: Option<(u64, f64)>) -> Option<u64> {
        let own = (self.spent - self.from.min(self.spent), self.active_s);
        let (requests, seconds) = Some(own)
            .filter(|(requests, seconds)| *requests >= SEEN_ENOUGH && *seconds >= 1.0)
            .or(before)?;
        Some(whole(approximate(requests) * 60.0 / seconds.max(0.1)).max(1))
    }
}

/// One round: safe to run on every worker at once.
pub(crate) async fn round(engine: &Engine) -> Result<(), Error> {
    let works = engine.fleet.open_work().await?;
    let now = engine.clock.now();
    let before = engine.foreseen.known();
    let expectations: Vec<Expectation> = works
        .iter()
        .map(|work| {
            let seen = before.get(&work.run).copied();
            let seen = seen.unwrap_or_else(|| Seen::new(work, now));
            Expectation {
                claim: entitled(work),
                credentials: work.credentials.clone(),
                requests: left(work),
                a_minute: seen.a_minute(work.before),
            }
        })
        .collect();
    let outlooks = engine.pool.expect(&expectations);
    let mut seen = BTreeMap::new();
    let mut rows = Vec::with_capacity(works.len());
    for ((work, expectation), outlook) in works.iter().zip(&expectations).zip(outlooks) {
        let mut one = before
            .get(&work.run)
            .copied()
            .unwrap_or_else(|| Seen::new(work, now));
        one.look(spent(work), outlook.is_starved, now);
        rows.push(ForecastRow {
            tenant: work.tenant,
            run: work.run,
            spent: one.spent,
            left: expectation.total(),
            active_s: one.active_s,
            ends_at: outlook.ends_at,
        });
        seen.insert(work.run, one);
    }
    for (run, gone) in &before {
        if !seen.contains_key(run) {
            engine.pool.conclude(gone.plan);
        }
    }
    engine.foreseen.replace(seen);
    if rows.is_empty() {
        return Ok(());
    }
    Ok(engine.fleet.put_forecasts(&rows).await?)
}

impl Foreseen {
    fn known(&self) -> BTreeMap<RunId, Seen> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn replace(&self, seen: BTreeMap<RunId, Seen>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }
}

fn entitled(work: &OpenWork) -> Claim {
    Claim {
        tenant_weight: work.tenant_weight.into(),
        weight: work.plan_weight.into(),
        is_urgent: work.is_urgent,
        most_percent: work.pool_part.percent(),
        ..Claim::of(work.tenant, work.plan)
    }
}

/// What all fetches of a run have been charged for.
fn spent(work: &OpenWork) -> u64 {
    let open: u64 = work.open.iter().map(|fetch| fetch.spent).sum();
    work.done.1 + open
}

/// What each open fetch is still going to ask for. What the run's ended fetches took more or less than was expected of them, the
/// others are going to take too.
fn left(work: &OpenWork) -> Vec<(i64, u64)> {
    let (expected, taken) = work.done;
    let factor = approximate(taken + TRUSTED) / approximate(expected + TRUSTED);
    let left = |fetch: &OpenFetch| {
        let all = approximate(fetch.expected) * factor;
        let rest = all - approximate(fetch.spent);
        // One that has taken more than was expected of it goes on for a little.
        let least = if fetch.spent > 0 { all / 10.0 } else { 0.0 };
        (fetch.forge_id, whole(rest.max(least).ceil()))
    };
    work.open.iter().map(left).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an estimate of requests, far below 2^53"
)]
fn approximate(count: u64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate of requests, which is not negative"
)]
fn whole(estimate: f64) -> u64 {
    estimate.max(0.0).round() as u64
}

#[cfg(test)]
mod tests;
