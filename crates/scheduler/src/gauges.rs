//! What this process tells of itself in numbers. Units are in the names; no label holds a secret or a repository.

use chrono::{DateTime, TimeDelta, Utc};
use domain::run::Tally;
use domain::{Name, RunId, RunState};
use forge::Usage;
use metrics::{counter, gauge};
use tracing::info;

use crate::Error;
use crate::engine::Engine;

/// The newest runs of each tenant that are looked at to count what waits.
const RUNS: u32 = 20;

/// Counts requests, and what the host refused.
pub(crate) fn spent(usage: &Usage) {
    for spent in usage.credentials.values() {
        counter!("holdfast_requests_total").increment(spent.requests);
        counter!("holdfast_requests_refused_total").increment(spent.refused);
        counter!("holdfast_requests_not_modified_total").increment(spent.not_modified);
        counter!("holdfast_quota_points_total").increment(spent.points);
    }
}

/// Counts time that requests stood still for want of quota.
pub(crate) fn throttled(time: TimeDelta) {
    counter!("holdfast_throttled_milliseconds_total")
        .increment(u64::try_from(time.num_milliseconds()).unwrap_or_default());
}

/// Counts a fetch that has ended, and the bytes that it stored.
pub(crate) fn fetch_ended(ended: &'static str, bytes_added: u64) {
    counter!("holdfast_fetches_total", "ended" => ended).increment(1);
    counter!("holdfast_stored_bytes_total").increment(bytes_added);
}

/// Counts a run that has ended.
pub(crate) fn run_ended(plan: &Name, run: RunId, state: RunState) {
    info!(%run, %plan, state = state.as_str(), "The run has ended.");
    counter!("holdfast_runs_total", "ended" => state.as_str()).increment(1);
}

/// Measures what is not an event: what waits, what is left of each bucket, and when each plan last succeeded.
pub(crate) async fn measure(engine: &Engine) -> Result<(), Error> {
    let mut waiting = Tally::default();
    for tenant in engine.fleet.tenants().await? {
        let runs = engine.db.tenant(tenant.id).runs(RUNS).await?;
        // Runs come newest first, so that the newest success is the last one set.
        for run in runs.iter().rev() {
            if let (RunState::Complete | RunState::CompleteWithOmissions, Some(ended_at)) =
                (run.state, run.ended_at)
            {
                succeeded(&tenant.name, &run.plan_name, ended_at);
            }
            if !run.state.is_final() {
                waiting.queued += run.tally.queued;
                waiting.running += run.tally.running;
                waiting.throttled += run.tally.throttled;
            }
        }
    }
    for (state, count) in [
        ("queued", waiting.queued),
        ("running", waiting.running),
        ("throttled", waiting.throttled),
    ] {
        gauge!("holdfast_open_fetches", "state" => state).set(approximate(count));
    }
    gauge!("holdfast_fetches_in_hand").set(approximate(engine.running.fetches().len() as u64));
    for bucket in engine.pool.buckets() {
        if let Some(reading) = bucket.reading {
            gauge!(
                "holdfast_bucket_remaining_requests",
                "bucket" => bucket.key.to_string(),
                "resource" => bucket.resource.to_string()
            )
            .set(f64::from(reading.remaining));
        }
    }
    Ok(())
}

fn succeeded(tenant: &Name, plan: &Name, at: DateTime<Utc>) {
    gauge!(
        "holdfast_last_success_timestamp_seconds",
        "tenant" => tenant.to_string(),
        "plan" => plan.to_string()
    )
    .set(approximate(
        u64::try_from(at.timestamp()).unwrap_or_default(),
    ));
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are floating-point numbers, exact up to 2^53"
)]
fn approximate(count: u64) -> f64 {
    count as f64
}
