//! What keeps the queue going: work of dead workers, due schedules, ended windows.

use tracing::info;

use crate::Error;
use crate::engine::Engine;

/// One round; safe to run on every worker at once.
pub(crate) async fn round(engine: &Engine) -> Result<(), Error> {
    let released = engine.fleet.release_lost().await?;
    if released > 0 {
        info!(released, "Work of lost workers was given to others.");
    }
    let given_up = engine.fleet.sweep_checks().await?;
    if given_up > 0 {
        info!(
            given_up,
            "Checks of tokens were given up: nobody could do them in time."
        );
    }
    let now = engine.clock.now();
    for run in engine.fleet.fire_due_schedules(now).await? {
        info!(%run, "A schedule asked for a run.");
    }
    engine.running.close_windows(now);
    let parked = engine.fleet.park_ended_windows(now).await?;
    if parked > 0 {
        info!(
            parked,
            "Work was parked because its plan's window has ended."
        );
    }
    Ok(())
}
