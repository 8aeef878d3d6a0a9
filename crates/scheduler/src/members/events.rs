//! Writes down what the pool learns: dead credentials, and who sees what.

use std::sync::Arc;
use std::time::Duration;

use forge::Event;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tracing::{error, info, warn};

use crate::engine::Engine;
use crate::tokens;

/// The pause before a write is tried again while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// Writes events down until the work has ended.
pub(crate) async fn run(engine: Arc<Engine>, mut events: Receiver<Event>) {
    let engine = &*engine;
    loop {
        let event = tokio::select! {
            () = engine.ended.cancelled() => return,
            event = events.recv() => event,
        };
        match event {
            Ok(event) => note(engine, event).await,
            Err(RecvError::Lagged(missed)) => {
                warn!(
                    missed,
                    "Some of what the pool learnt was not written down; it will be learnt again."
                );
            }
            Err(RecvError::Closed) => return,
        }
    }
}

async fn note(engine: &Engine, event: Event) {
    engine.history.befell(&event, engine.clock.now());
    match event {
        Event::Died { credential, reason } => {
            let Some((tenant, version)) = engine
                .members
                .tenant_of(credential)
                .zip(engine.members.token_version(credential))
            else {
                return;
            };
            error!(%credential, reason, "The host refused a credential; it is set aside until somebody edits it or asks.");
            metrics::counter!("holdfast_credentials_died_total").increment(1);
            let scoped = engine.db.tenant(tenant);
            persist(engine, || {
                scoped.park_credential(credential, version, &reason)
            })
            .await;
        }
        Event::Refused { credential, reason } => {
            info!(%credential, reason, "The host refused a token; another one is asked for.");
            tokens::refused(engine, credential, &reason);
        }
        Event::Access {
            credential,
            repository,
            sees,
        } => {
            let Some(tenant) = engine.members.tenant_of(credential) else {
                return;
            };
            let scoped = engine.db.tenant(tenant);
            persist(engine, || scoped.set_access(credential, repository, sees)).await;
        }
        Event::BackedOff {
            bucket,
            until,
            reason,
        } => {
            warn!(%bucket, %until, reason, "The host asked a quota bucket to slow down.");
            metrics::counter!("holdfast_backoffs_total", "bucket" => bucket.to_string())
                .increment(1);
        }
        Event::Spent {
            bucket,
            resource,
            reset_at,
        } => {
            info!(%bucket, %resource, %reset_at, "A quota bucket is spent until its window ends.");
            metrics::counter!("holdfast_buckets_spent_total", "bucket" => bucket.to_string(), "resource" => resource.to_string())
                .increment(1);
        }
    }
}

/// Writes, and waits while the database is away.
async fn persist<F>(engine: &Engine, write: impl Fn() -> F)
where
    F: Future<Output = Result<(), store::Error>>,
{
    loop {
        match write().await {
            // A credential that was removed meanwhile leaves nothing to remember it by.
            Ok(()) | Err(store::Error::Missing { .. }) => return,
            Err(error) if error.is_transient() && !engine.ended.is_cancelled() => {
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => {
                warn!(%error, "What the pool learnt could not be written down.");
                return;
            }
        }
    }
}
