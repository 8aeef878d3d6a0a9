//! How many decisions a second the desk makes, and how that depends on the number of buckets.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use budget::{Claim, Demand, Desk, Outcome, Settlement, Sharing};
use domain::bucket::Subject;
use domain::{BucketKey, PlanId, Reading, Resource, TenantId};
use serde_json::json;
use uuid::Uuid;

use crate::time::instant;

/// What is asked for: decisions a second on one core with so many buckets.
const BUCKETS: usize = 1_000;
const AT_LEAST: f64 = 500_000.0;
const FEW: usize = 10;
const MANY: usize = 10_000;
/// Decisions a measurement.
const COUNT: u32 = 250_000;
/// Requests that are under way together.
const UNDER_WAY: usize = 64;

/// Measures, prints a line of JSON, and answers whether it is enough.
pub(crate) fn run() -> Result<bool> {
    let few = measure(FEW)?;
    let usual = measure(BUCKETS)?;
    let many = measure(MANY)?;
    let growth = few / many;
    let allowed = (MANY as f64).ln() / (FEW as f64).ln();
    let line = json!({
        "name": "decisions",
        "decisions_per_s": { FEW.to_string(): few.round(), BUCKETS.to_string(): usual.round(), MANY.to_string(): many.round() },
        "growth": (growth * 100.0).round() / 100.0,
        "log_growth": allowed,
    });
    println!("{line}");
    Ok(usual >= AT_LEAST && growth <= allowed)
}

/// Decisions a second of one core, questions, settlements and readings included; the best of three measurements.
fn measure(buckets: usize) -> Result<f64> {
    let mut best: f64 = 0.0;
    for _ in 0..3 {
        best = best.max(measure_once(buckets)?);
    }
    Ok(best)
}

fn measure_once(buckets: usize) -> Result<f64> {
    let mut desk = Desk::new(Sharing::Alone);
    let core = Resource::core();
    let reset_at = instant(3_600_000_000);
    let mut left = BTreeMap::new();
    let mut random = fastrand::Rng::with_seed(7);
    let ids = (0..buckets)
        .map(|index| {
            let key = BucketKey {
                host: format!("host-{index}"),
                subject: Subject::User(index as i64),
            };
            let reading = Reading {
                limit: 2_000_000,
                remaining: random.u32(1_000_000..2_000_000),
                reset_at,
            };
            let id = desk.change(&key, |ledger| {
                ledger.learn(&key, &core, reading, instant(0));
                ledger.id(&key)
            });
            left.insert(id, reading.remaining);
            id
        })
        .collect();
    let options = desk.options(ids);
    let claim = Claim::of(TenantId(Uuid::nil()), PlanId(Uuid::nil()));
    let demand = Demand::rest("api");
    let begun = spent()?;
    let mut under_way = std::collections::VecDeque::new();
    for number in 0..i64::from(COUNT) {
        // Eight requests a second and bucket, of the fifteen that each may take.
        let now = instant(number * 125_000 / buckets as i64);
        desk.ask(claim, options, &demand, 1, None);
        let decision = desk.decide(now).context("no bucket was ready")?;
        under_way.push_back(decision);
        if under_way.len() > UNDER_WAY.min(buckets * 2)
            && let Some(decision) = under_way.pop_front()
        {
            let left = left
                .get_mut(&decision.bucket)
                .context("a bucket was chosen that there is not")?;
            *left -= 1;
            let settlement = Settlement {
                cost: None,
                reading: Some((
                    core.clone(),
                    Reading {
                        limit: 2_000_000,
                        remaining: *left,
                        reset_at,
                    },
                )),
                outcome: Outcome::Served,
            };
            desk.settle(decision.ticket, settlement, now);
        }
    }
    let seconds = (spent()? - begun).max(1) as f64 / 1e9;
    Ok(f64::from(COUNT) / seconds)
}

/// Nanoseconds that this thread has had of a core: what else runs on the machine is left aside.
fn spent() -> Result<u64> {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat")
        .context("this kernel does not tell how long a thread has run")?;
    let first = times.split_whitespace().next().unwrap_or_default();
    first
        .parse()
        .context("/proc/thread-self/schedstat does not begin with a number")
}
