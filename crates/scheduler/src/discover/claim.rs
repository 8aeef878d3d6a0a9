//! Claims runs, lists their organizations, and ends the claim: with fetches, a wait, or a sentence.

use std::sync::Arc;
use std::time::Duration;

use forge::{Claim, Retry, Scope};
use store::{ClaimedRun, Trigger, Work};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{Instrument, error, info, info_span, warn};

use crate::engine::Engine;
use crate::report::Report;
use crate::running::{Held, Stop, Work as InHand};
use crate::task::sentence;
use crate::verdict::{given_up, throttled};
use crate::{Error, backoff, gauges, members, persist};

/// Organizations that are listed at once.
const AT_ONCE: usize = 4;

/// The pause after a claim that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Claims and lists until the process drains, then waits for the listings in hand.
pub(crate) async fn run(engine: Arc<Engine>) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut listings = JoinSet::new();
    loop {
        let permit = tokio::select! {
            () = engine.draining.cancelled() => break,
            permit = permits.clone().acquire_owned() => permit,
        };
        while let Some(ended) = listings.try_join_next() {
            note_panic(ended);
        }
        let Ok(permit) = permit else { break };
        if let Some(claim) = next(&engine).await {
            let engine = engine.clone();
            listings.spawn(async move {
                work(&engine, &claim).await;
                drop(permit);
            });
        } else {
            drop(permit);
            engine.idle(&engine.rings.runs).await;
        }
    }
    while let Some(ended) = listings.join_next().await {
        note_panic(ended);
    }
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(%error, "A listing ended in an unexpected way.");
    }
}

async fn next(engine: &Engine) -> Option<ClaimedRun> {
    if engine.is_fenced() || engine.draining.is_cancelled() {
        return None;
    }
    match engine
        .fleet
        .claim_run(engine.config.worker, engine.clock.now())
        .await
    {
        Ok(claim) => claim,
        Err(error) => {
            engine.claim_failed(&error);
            warn!(%error, "No run could be claimed.");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

async fn work(engine: &Engine, claim: &ClaimedRun) {
    let held = engine.running.begin(InHand::Listing(claim.run), None);
    let span = info_span!("listing", run = %claim.run, plan = %claim.plan.name, organization = %claim.organization.name);
    async {
        info!("The organization is being listed.");
        match Box::pin(plan(engine, claim, &held)).await {
            Ok(fetches) => listed(engine, claim, &fetches).await,
            Err(error) => failed(engine, claim, &held, &error).await,
        }
    }
    .instrument(span)
    .await;
}

async fn plan(
    engine: &Engine,
    claim: &ClaimedRun,
    held: &Held,
) -> Result<Vec<store::NewFetch>, Error> {
    let pool = members::pool_of(engine, claim.tenant, claim.plan.id).await?;
    // What is listed depends on who asks: a repository that an additional credential does not see has not gone.
    let credentials = engine.members.main_of(&pool);
    let scope = Scope {
        credentials,
        repository: None,
        patience: engine.config.patience,
        cancel: held.token().clone(),
    };
    let entitled = Claim {
        tenant_weight: claim.tenant_weight.into(),
        weight: claim.plan.weight.into(),
        is_urgent: claim.trigger == Trigger::Person,
        most_percent: claim.plan.pool_part.percent(),
        ..Claim::of(claim.tenant, claim.plan.id)
    };
    // Everything else waits for the list.
    let client = engine
        .forge
        .session_for(&claim.organization.host, scope, entitled, u32::MAX);
    let report = Report::of_listing(engine, &client, Work::from(claim));
    let listing = Box::pin(super::plan(engine, claim, &client));
    report.during(engine, listing).await
}

async fn listed(engine: &Engine, claim: &ClaimedRun, fetches: &[store::NewFetch]) {
    let ended = persist::until_stored(engine, "a listing", || {
        engine.fleet.run_listed(claim, fetches)
    })
    .await;
    info!(
        repositories = fetches.len(),
        "The organization has been listed."
    );
    if let Some(Some(state)) = ended {
        gauges::run_ended(&claim.plan.name, claim.run, state);
    }
}

/// Ends the claim without fetches.
async fn failed(engine: &Engine, claim: &ClaimedRun, held: &Held, error: &Error) {
    let now = engine.clock.now();
    match held.stop() {
        // The worker is taken off the list when it has drained, and the run goes to another one.
        Some(Stop::Drain) => return,
        Some(Stop::Fenced | Stop::Window | Stop::Cancelled) => {
            let cause = "The worker lost touch with the database; the listing begins again.";
            persist::until_stored(engine, "a listing that was stopped", || {
                engine.fleet.retry_run(claim, now, cause)
            })
            .await;
            return;
        }
        None => {}
    }
    let failures = claim.failed_count + 1;
    let cause = sentence(error);
    match error.retry() {
        Retry::At(until) => {
            let cause = throttled(until);
            info!(%until, "The listing waits for quota.");
            persist::until_stored(engine, "a throttled listing", || {
                engine.fleet.throttle_run(claim, until, &cause)
            })
            .await;
        }
        Retry::Later if failures < backoff::ATTEMPTS => {
            let at = now + backoff::wait(failures, fastrand::f64());
            warn!(cause, %at, "The organization could not be listed; it will be tried again.");
            persist::until_stored(engine, "a failed listing", || {
                engine.fleet.retry_run(claim, at, &cause)
            })
            .await;
        }
        Retry::Later | Retry::Never => {
            let cause = if failures < backoff::ATTEMPTS {
                cause
            } else {
                given_up(&cause, failures)
            };
            warn!(
                cause,
                "The organization cannot be listed: the run has failed."
            );
            persist::until_stored(engine, "a failed run", || {
                engine.fleet.fail_run(claim, &cause)
            })
            .await;
            gauges::run_ended(&claim.plan.name, claim.run, domain::RunState::Failed);
        }
    }
}
