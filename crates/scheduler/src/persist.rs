//! Writing results while the database may be away: work that was done is not thrown away because Postgres restarts.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::engine::Engine;

/// How long a result is held for a database that is away.
const PATIENCE: Duration = Duration::from_mins(10);

/// The same while the process is shutting down.
const PATIENCE_DRAINING: Duration = Duration::from_secs(15);

/// The first pause between two attempts; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Writes, and tries again while the database is away. Nothing if it could not be written; the reason is logged.
pub(crate) async fn until_stored<T, F>(
    engine: &Engine,
    what: &'static str,
    write: impl Fn() -> F,
) -> Option<T>
where
    F: Future<Output = Result<T, store::Error>>,
{
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match write().await {
            Ok(answer) => return Some(answer),
            Err(store::Error::LostFence { .. }) => {
                info!(
                    what,
                    "The claim has passed to somebody else; the result is theirs to give."
                );
                return None;
            }
            Err(error) => error,
        };
        let patience = if engine.draining.is_cancelled() {
            PATIENCE_DRAINING
        } else {
            PATIENCE
        };
        if !error.is_transient() || began.elapsed() >= patience {
            error!(what, %error, "A result could not be written down.");
            engine.doubt();
            return None;
        }
        if pause == FIRST_PAUSE {
            warn!(what, %error, "A result cannot be written down yet; it is tried until it is.");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
