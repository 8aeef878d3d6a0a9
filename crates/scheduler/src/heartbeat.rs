//! Says that this worker lives, learns what it still holds, and stops its work before anybody may think that it is dead.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tracing::{error, info, warn};

use crate::engine::Engine;
use crate::running::Stop;

/// Time between two heartbeats.
const EVERY: Duration = Duration::from_secs(5);

/// A worker whose last heartbeat is this old stops its work. The store calls it dead after 30 s.
const FENCED_AFTER: Duration = Duration::from_secs(20);

/// Rings within this time count as one.
const SETTLING: Duration = Duration::from_millis(500);

/// A heartbeat that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(4);

/// Beats until the work has ended.
pub(crate) async fn run(engine: Arc<Engine>) {
    let engine = &*engine;
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            () = engine.ended.cancelled() => return,
            () = rung(engine) => {}
            _ = tick.tick() => {}
        }
        let asked = engine.running.fetches();
        // The moment before the call counts: the store may have noted it at any time after.
        let sent = Instant::now();
        match timeout(
            PATIENCE,
            engine.fleet.heartbeat_fetches(engine.config.worker),
        )
        .await
        {
            Ok(Ok(held)) => {
                heard = sent;
                engine.running.reconcile(&asked, &held);
                engine.board.note("heartbeat", engine.clock.now(), None);
                engine.set_fenced(false);
                if engine.running.is_empty() && engine.take_doubt() {
                    resign(engine).await;
                }
            }
            Ok(Err(store::Error::LostWorker)) => {
                error!(
                    "This worker counts as dead: its work is stopped, and it begins again as a new one would."
                );
                fence(engine);
                if register(engine).await {
                    heard = sent;
                }
            }
            Ok(Err(error)) => miss(engine, heard, &error.to_string()),
            Err(_elapsed) => miss(engine, heard, "The database does not answer in time."),
        }
    }
}

/// Waits for a ring, which may be about a cancelled run; rings in quick succession count as one.
async fn rung(engine: &Engine) {
    engine.rings.held.notified().await;
    tokio::time::sleep(SETTLING).await;
}

fn miss(engine: &Engine, heard: Instant, why: &str) {
    warn!(error = why, "A heartbeat failed.");
    engine
        .board
        .note("heartbeat", engine.clock.now(), Some(why.to_owned()));
    if heard.elapsed() >= FENCED_AFTER && !engine.is_fenced() {
        error!(
            "This worker was not heard of for too long: it stops its work before others take it over."
        );
        fence(engine);
    }
}

fn fence(engine: &Engine) {
    engine.set_fenced(true);
    engine.running.stop_all(Stop::Fenced);
}

/// Gives back, in a quiet moment, what may have been claimed without this worker's knowing: the answer to a claim is lost when the
/// database goes away between doing it and saying so.
async fn resign(engine: &Engine) {
    engine.set_fenced(true);
    match engine.fleet.retire_worker(engine.config.worker).await {
        Ok(released) => {
            info!(released, "Claims whose answer was lost were given back.");
            register(engine).await;
        }
        Err(error) => {
            engine.claim_failed(&error);
            engine.set_fenced(false);
        }
    }
}

async fn register(engine: &Engine) -> bool {
    let worker = engine.config.worker;
    match engine
        .fleet
        .register_worker(worker, &engine.config.hostname)
        .await
    {
        Ok(()) => {
            info!(%worker, "The worker is registered again.");
            engine.set_fenced(false);
            true
        }
        Err(error) => {
            warn!(%error, "The worker could not be registered; it will be tried again.");
            false
        }
    }
}
