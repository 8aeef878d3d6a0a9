//! The courier between the pool of this process and the quota that all workers share.
//!
//! A worker draws shares from the store and spends them without asking. While the store is away it spends what it has and then waits:
//! nothing is refused because of it.

use std::sync::Arc;
use std::time::Duration;

use domain::exchange::{Exchange, Grant};
use forge::BucketState;
use store::BucketRow;
use tracing::{debug, warn};

use crate::Error;
use crate::engine::Engine;

/// Exchanges follow one another at least this far apart.
const PAUSE: Duration = Duration::from_millis(20);

/// The pause after an exchange that failed.
const RETRY: Duration = Duration::from_millis(500);

/// How long the last exchange of a process may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Takes over what all workers together knew.
pub(crate) async fn restore(engine: &Engine) -> Result<(), Error> {
    let rows = engine.fleet.load_buckets().await?;
    engine.pool.restore(rows.into_iter().map(state).collect());
    Ok(())
}

/// Carries reports and grants until the work has ended, then gives back what is unspent.
pub(crate) async fn run(engine: Arc<Engine>) {
    let engine = &*engine;
    let mut is_away = false;
    loop {
        tokio::select! {
            () = engine.ended.cancelled() => break,
            () = engine.pool.exchange_wanted() => {}
        }
        let report = engine.pool.take_exchange();
        if report.is_empty() {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let pause = match exchange(engine, &report).await {
            Ok(grants) => {
                engine.pool.apply(grants);
                engine.board.note("quota", engine.clock.now(), None);
                is_away = false;
                PAUSE
            }
            Err(error) => {
                if !is_away {
                    warn!(%error, "No quota can be drawn at the moment; what was drawn is spent on.");
                }
                is_away = true;
                engine
                    .board
                    .note("quota", engine.clock.now(), Some(error.to_string()));
                engine.pool.exchange_failed(report);
                RETRY
            }
        };
        tokio::time::sleep(pause).await;
    }
    let farewell = engine.pool.return_shares();
    match tokio::time::timeout(FAREWELL, exchange(engine, &farewell)).await {
        Ok(Ok(_)) => debug!("Unspent quota was given back."),
        Ok(Err(error)) => {
            warn!(%error, "Unspent quota was not given back; it is free when this worker counts as gone.");
        }
        Err(_) => warn!(
            "Unspent quota was not given back in time; it is free when this worker counts as gone."
        ),
    }
}

async fn exchange(engine: &Engine, report: &[Exchange]) -> Result<Vec<Grant>, store::Error> {
    engine.fleet.exchange(engine.config.worker, report).await
}

fn state(row: BucketRow) -> BucketState {
    let (backoff_until, backoff_reason) = row.backoff.unzip();
    BucketState {
        key: row.key,
        resource: row.resource,
        reading: row.reading,
        backoff_until,
        backoff_reason,
        unlimited: false,
    }
}
