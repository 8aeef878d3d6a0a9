//! Wakes whoever waits for work, by LISTEN and NOTIFY.

use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{PgPool, Postgres, Transaction};
use tracing::warn;

use crate::Error;

/// The channel of all announcements.
const CHANNEL: &str = "holdfast";

/// The pause before the subscription is tried again while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// A subscription to the announcements of new work.
///
/// It may ring without a reason and says nothing about what happened: look before waiting, and after each ring.
#[derive(Debug)]
pub struct Bell {
    listener: PgListener,
}

impl Bell {
    pub(crate) async fn hang(pool: &PgPool) -> Result<Self, Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Self { listener })
    }

    /// Waits for the next announcement. Rings after a lost connection too, because announcements may have been missed.
    pub async fn ring(&mut self) {
        loop {
            match self.listener.try_recv().await {
                Ok(_) => break,
                Err(error) => {
                    warn!(%error, "The subscription to new work was lost and will be renewed.");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        while self.listener.next_buffered().is_some() {}
    }
}

/// Announces, when the transaction commits, that there may be work.
pub(crate) async fn announce(tx: &mut Transaction<'static, Postgres>) -> Result<(), Error> {
    sqlx::query!("SELECT pg_notify($1, '')", CHANNEL)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
