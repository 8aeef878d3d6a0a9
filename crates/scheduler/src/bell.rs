//! Wakes the tasks when the store announces something. Each of them also looks by itself now and then, so a missed ring
//! costs seconds, not work.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use crate::engine::Engine;

/// The pause before the subscription is tried again while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// Passes on the store's announcements until the work has ended.
pub(crate) async fn run(engine: Arc<Engine>) {
    let engine = &*engine;
    let listening = async {
        loop {
            match engine.db.listen().await {
                Ok(mut bell) => loop {
                    engine.rings.all();
                    bell.ring().await;
                },
                Err(error) => {
                    warn!(%error, "The store's announcements cannot be heard; work is looked for by polling meanwhile.");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    };
    tokio::select! {
        () = engine.ended.cancelled() => {}
        () = listening => {}
    }
}
