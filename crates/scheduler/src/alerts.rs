//! Raises alerts, and tells them on the channels of their tenants.
//!
//! What is told goes where an admin has said, never where a host or a redirect says. Of an answer nothing but its status counts: an
//! address inside the network shows nothing of itself to whoever has entered it.

use std::time::Duration;

use futures_util::future::join_all;
use store::ClaimedDelivery;
use tracing::{info, warn};

use crate::Error;
use crate::engine::Engine;
use crate::task::sentence;

mod hook;
mod letter;
mod mail;

pub(crate) use hook::Hooks;

/// Channels that are told at once.
const AT_ONCE: usize = 8;

/// How often that many are told in one round; the rest waits for the next.
const ROUNDS: usize = 25;

/// Whoever has not heard within this time is tried again later.
const PATIENCE: Duration = Duration::from_secs(10);

/// Compares what is wrong with what is open. Every worker may do it at any time.
pub(crate) async fn raise(engine: &Engine) -> Result<(), Error> {
    let round = engine.fleet.raise_alerts().await?;
    if round.raised + round.resolved > 0 {
        info!(
            round.raised,
            round.resolved, "Alerts were raised or resolved."
        );
    }
    Ok(())
}

/// Tells what is due, a few at once: one that does not answer holds up no more than those beside it.
pub(crate) async fn tell(engine: &Engine) -> Result<(), Error> {
    for _ in 0..ROUNDS {
        let mut claims = Vec::new();
        while claims.len() < AT_ONCE && !engine.is_fenced() {
            match engine.fleet.claim_delivery().await? {
                Some(claim) => claims.push(claim),
                None => break,
            }
        }
        if claims.is_empty() {
            break;
        }
        let outcomes = join_all(claims.iter().map(|claim| settle(engine, claim))).await;
        for error in outcomes.into_iter().filter_map(Result::err) {
            // It is tried again when nobody has settled it for a while.
            warn!(
                error = sentence(&error),
                "What came of telling an alert could not be written down."
            );
        }
    }
    Ok(())
}

async fn settle(engine: &Engine, claim: &ClaimedDelivery) -> Result<(), Error> {
    let outcome = send(engine, claim).await;
    if let Err(refusal) = &outcome {
        let kind = claim.target.kind().as_str();
        info!(channel = %claim.channel, kind, attempt = claim.attempt, refusal, "An alert was not heard.");
    }
    let outcome = match &outcome {
        Ok(()) => Ok(()),
        Err(refusal) => Err(refusal.as_str()),
    };
    engine.fleet.settle_delivery(claim, outcome).await?;
    Ok(())
}

/// Sends it; or why it was not heard, in a sentence for the channel's admin.
async fn send(engine: &Engine, claim: &ClaimedDelivery) -> Result<(), String> {
    let secret = engine.fleet.delivery_secret(claim, &engine.sealer).await;
    let secret = secret.map_err(|error| {
        if matches!(error, store::Error::BrokenSeal) {
            "The channel's secret cannot be opened: edit the channel and enter it again.".to_owned()
        } else {
            format!("The channel's secret cannot be read: {error}")
        }
    })?;
    let letter = letter::Letter {
        claim,
        console: engine.config.console.as_ref(),
        at: engine.clock.now(),
    };
    match &claim.target {
        domain::Target::Email(target) => mail::send(target, secret.as_ref(), &letter).await,
        domain::Target::Slack { host } => {
            let address = secret
                .ok_or_else(|| "The channel has no address: edit it and enter one.".to_owned())?;
            engine.hooks.slack(&address, host, &letter).await
        }
        domain::Target::Webhook { url } => {
            let key = secret.ok_or_else(|| {
                "The channel has nothing to sign with: edit it and enter a secret.".to_owned()
            })?;
            engine.hooks.signed(url, &key, &letter).await
        }
    }
}
