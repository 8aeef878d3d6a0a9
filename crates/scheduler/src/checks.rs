//! Does the checks that people ask for: tries a token at its host, and turns what the host says into rows.

use std::sync::Arc;
use std::time::Duration;

use domain::check::Field;
use domain::{Errand, Findings, Refusal, Secret};
use store::{Accepted, ClaimedCheck};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{Instrument, error, info, info_span, warn};

use crate::engine::Engine;
use crate::trial::{Stopped, Tried};
use crate::{members, persist};

mod errand;
mod returned;
mod rotate;

/// Checks that are done at once: each is a handful of requests.
const AT_ONCE: usize = 8;

/// The pause after a claim that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// A person waits: a host that has not said everything by then is too slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// A check that found its token good.
#[derive(Debug)]
struct Good {
    accepted: Accepted,
    findings: Findings,
    tried: Vec<Tried>,
}

/// Claims and checks until the process drains.
pub(crate) async fn run(engine: Arc<Engine>) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut checks = JoinSet::new();
    loop {
        let permit = tokio::select! {
            () = engine.draining.cancelled() => break,
            permit = permits.clone().acquire_owned() => permit,
        };
        while let Some(ended) = checks.try_join_next() {
            note_panic(ended);
        }
        let Ok(permit) = permit else { break };
        if let Some(claim) = next(&engine).await {
            let engine = engine.clone();
            checks.spawn(async move {
                // What is in hand while the process drains goes back with the rest of the worker's claims.
                tokio::select! {
                    () = engine.draining.cancelled() => {}
                    () = Box::pin(work(&engine, &claim)) => {}
                }
                drop(permit);
            });
        } else {
            drop(permit);
            engine.idle(&engine.rings.checks).await;
        }
    }
    while let Some(ended) = checks.join_next().await {
        note_panic(ended);
    }
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(%error, "A check ended in an unexpected way.");
    }
}

async fn next(engine: &Engine) -> Option<ClaimedCheck> {
    if engine.is_fenced() || engine.draining.is_cancelled() {
        return None;
    }
    match engine.fleet.claim_check(engine.config.worker).await {
        Ok(claim) => claim,
        Err(error) => {
            engine.claim_failed(&error);
            warn!(%error, "No check could be claimed.");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

async fn work(engine: &Arc<Engine>, claim: &ClaimedCheck) {
    let span = info_span!("check", check = %claim.check, kind = claim.errand.word());
    async {
        let token = match token(engine, claim).await {
            Ok(token) => token,
            Err(error) => return cannot_open(engine, claim, &error).await,
        };
        let asked = tokio::time::timeout(PATIENCE, errand::ask(engine, claim, &token)).await;
        match asked.unwrap_or_else(|_elapsed| Err(too_slow())) {
            Ok(good) => keep(engine, claim, good).await,
            Err(Stopped::Refused { refusal, dead }) => {
                refuse(engine, claim, &refusal, dead.as_deref()).await;
            }
            Err(Stopped::Lost) => info!("The check has passed to somebody else."),
        }
    }
    .instrument(span)
    .await;
}

/// What is tried, or what somebody brought back. An application that is installed brings nothing: its tokens are asked for.
async fn token(engine: &Engine, claim: &ClaimedCheck) -> Result<Secret, store::Error> {
    let is_given = match &claim.errand {
        Errand::Take { .. } => false,
        Errand::Recheck { .. } => claim.secret.is_some(),
        Errand::Register { .. }
        | Errand::Add { .. }
        | Errand::Return { .. }
        | Errand::Replace { .. }
        | Errand::Rotate { .. } => true,
    };
    if is_given {
        engine.fleet.check_token(claim, &engine.sealer).await
    } else {
        Ok(Secret::new(""))
    }
}

fn too_slow() -> Stopped {
    Stopped::refused(
        Field::Host,
        format!(
            "The host did not answer within {} seconds: check its address and the network, then try again.",
            PATIENCE.as_secs()
        ),
    )
}

async fn cannot_open(engine: &Engine, claim: &ClaimedCheck, error: &store::Error) {
    if error.is_transient() || matches!(error, store::Error::LostFence { .. }) {
        // The claim goes back when this worker is missed; the wait is the database's.
        warn!(%error, "The token of a check cannot be read yet.");
        return;
    }
    warn!(%error, "The token of a check cannot be opened.");
    let refusal = Refusal::new(
        Field::Token,
        "The stored token cannot be opened: enter it again.",
    );
    refuse(engine, claim, &refusal, None).await;
}

async fn keep(engine: &Engine, claim: &ClaimedCheck, good: Good) {
    let Good {
        accepted,
        findings,
        tried,
    } = good;
    // Whoever looks at the outcome sees the quota beside it.
    for one in &tried {
        let readings = &one.budgets.readings;
        let noted = engine
            .fleet
            .note_first_readings(&one.owner.bucket, readings)
            .await;
        if let Err(error) = noted {
            warn!(%error, "What a bucket has left could not be written down.");
        }
    }
    let kept = persist::until_stored(engine, "an accepted check", || async {
        let accepted = accepted.clone();
        let kept = engine
            .fleet
            .accept_check(claim, &engine.sealer, accepted, &findings)
            .await;
        match kept {
            Ok(()) => Ok(None),
            Err(error) => overtaken(&error).map(Some).ok_or(error),
        }
    })
    .await;
    match kept {
        Some(None) => {
            info!(user = findings.user, "The token is good.");
            learn(engine, &tried).await;
        }
        Some(Some(refusal)) => refuse(engine, claim, &refusal, None).await,
        None => {}
    }
}

/// What was changed by somebody else while the host was asked.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nearly everything else is no refusal"
)]
fn overtaken(error: &store::Error) -> Option<Refusal> {
    match error {
        store::Error::NameTaken { .. } => Some(Refusal::new(Field::Name, error.to_string())),
        store::Error::Unregistered { .. } => {
            Some(Refusal::new(Field::Application, error.to_string()))
        }
        store::Error::Missing { what } => Some(Refusal::new(
            Field::Name,
            format!("The {what} was removed meanwhile."),
        )),
        store::Error::Stale => Some(Refusal::new(
            Field::Token,
            "Something began or ceased to use this password meanwhile: try again.",
        )),
        _ => None,
    }
}

async fn refuse(engine: &Engine, claim: &ClaimedCheck, refusal: &Refusal, dead: Option<&str>) {
    info!(refusal = refusal.sentence, "The token was not taken.");
    persist::until_stored(engine, "a refused check", || {
        engine.fleet.refuse_check(claim, refusal, dead)
    })
    .await;
}

/// Puts what was said of the buckets where the pages find it, once their credentials are in the pool.
async fn learn(engine: &Engine, tried: &[Tried]) {
    if let Err(error) = members::load(engine).await {
        warn!(%error, "The pool could not be brought up to date; it will be soon.");
    }
    for one in tried {
        let budgets = &one.budgets;
        let host = &one.owner.bucket.host;
        let noted = engine.fleet.note_counting(host, !budgets.unlimited).await;
        if let Err(error) = noted {
            warn!(%error, "Whether the host counts requests could not be written down.");
        }
        engine
            .pool
            .learn(&one.owner.bucket, &budgets.readings, budgets.uncounted);
    }
}
