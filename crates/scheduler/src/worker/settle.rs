//! Ends a claim with its result.

use store::{ClaimedFetch, Settlement};
use tracing::info;

use crate::engine::Engine;
use crate::{gauges, persist};

/// Writes the result down, for as long as it takes the database to be there.
pub(super) async fn write(engine: &Engine, claim: &ClaimedFetch, settlement: Settlement) {
    let (ended, bytes_added) = tell(&settlement);
    let written = persist::until_stored(engine, "the result of a fetch", || {
        engine.fleet.settle_fetch(claim, settlement.clone())
    })
    .await;
    let Some(run_ended) = written else {
        return;
    };
    gauges::fetch_ended(ended, bytes_added);
    if let Some(state) = run_ended {
        gauges::run_ended(&claim.plan_name, claim.run, state);
        engine.rings.retention.notify_one();
    }
}

/// Says in the log how a fetch ended, and answers the word for it and what it stored.
fn tell(settlement: &Settlement) -> (&'static str, u64) {
    match settlement {
        Settlement::Stored(stored) if stored.omissions.is_empty() => {
            info!(
                snapshot = stored.restic_id,
                bytes_added = stored.bytes_added,
                "The snapshot is stored."
            );
            ("complete", stored.bytes_added)
        }
        Settlement::Stored(stored) => {
            info!(
                snapshot = stored.restic_id,
                bytes_added = stored.bytes_added,
                omissions = stored.omissions.len(),
                "The snapshot is stored; it lacks what could not be had."
            );
            ("complete_with_omissions", stored.bytes_added)
        }
        Settlement::Unchanged => {
            info!("The repository is unchanged.");
            ("unchanged", 0)
        }
        Settlement::Failed { cause } => {
            info!(cause, "The fetch has failed.");
            ("failed", 0)
        }
        Settlement::Retry { at, cause } => {
            info!(cause, %at, "The fetch failed for a passing reason and will be tried again.");
            ("retried", 0)
        }
        Settlement::Throttled { until, .. } => {
            info!(%until, "The fetch waits for quota.");
            ("throttled", 0)
        }
        Settlement::Parked { .. } => {
            info!("The fetch waits for its plan's next window.");
            ("parked", 0)
        }
        Settlement::Released => {
            info!("The fetch goes back to the queue.");
            ("released", 0)
        }
        Settlement::Cancelled => {
            info!("The fetch was cancelled.");
            ("cancelled", 0)
        }
    }
}
