//! Claims fetches, as many at once as the process may work on, and settles each.

use std::sync::Arc;
use std::time::Duration;

use store::{ClaimedFetch, Settlement};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tracing::{Instrument, error, info_span, warn};

use crate::engine::Engine;

mod fetch;
mod settle;
mod staging;

/// The pause after a claim that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Claims and fetches until the process drains, then waits for the fetches in hand.
pub(crate) async fn run(engine: Arc<Engine>) {
    let permits = Arc::new(Semaphore::new(engine.config.concurrency.max(1)));
    let mut fetches = JoinSet::new();
    loop {
        let permit = tokio::select! {
            () = engine.draining.cancelled() => break,
            permit = permits.clone().acquire_owned() => permit,
        };
        while let Some(ended) = fetches.try_join_next() {
            note_panic(ended);
        }
        let Ok(permit) = permit else { break };
        if let Some(claim) = next(&engine).await {
            let engine = engine.clone();
            fetches.spawn(async move {
                guarded(engine, claim).await;
                drop(permit);
            });
        } else {
            drop(permit);
            engine.idle(&engine.rings.fetches).await;
        }
    }
    while let Some(ended) = fetches.join_next().await {
        note_panic(ended);
    }
}

fn note_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "A fetch ended in an unexpected way.");
    }
}

async fn next(engine: &Engine) -> Option<ClaimedFetch> {
    if engine.is_fenced() || engine.draining.is_cancelled() {
        return None;
    }
    match engine
        .fleet
        .claim_fetch(engine.config.worker, engine.clock.now())
        .await
    {
        Ok(claim) => claim,
        Err(error) => {
            engine.claim_failed(&error);
            warn!(%error, "No fetch could be claimed.");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

/// Works on a fetch in a task of its own, so that a defect ends this fetch and nothing else.
async fn guarded(engine: Arc<Engine>, claim: ClaimedFetch) {
    let span = info_span!("fetch", run = %claim.run, fetch = %claim.fetch, repository = %claim.repository_name);
    let work = {
        let (engine, claim) = (engine.clone(), claim.clone());
        async move { fetch::work(&engine, &claim).await }.instrument(span.clone())
    };
    if let Err(error) = tokio::spawn(work).await {
        async {
            error!(%error, "A defect of Holdfast ended the fetch.");
            let cause = "A defect of Holdfast ended the fetch; its log says more.".to_owned();
            settle::write(&engine, &claim, Settlement::Failed { cause }).await;
        }
        .instrument(span)
        .await;
    }
}
