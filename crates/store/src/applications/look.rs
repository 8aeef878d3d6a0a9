//! Asking to look at an application on its host again.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::ApplicationId;
use tracing::instrument;

use crate::bell::announce;
use crate::error::found;
use crate::{Error, Fleet};

/// An application that nobody has asked about is looked at this often.
const EVERY: TimeDelta = TimeDelta::hours(6);

/// Messages that got lost are looked for this often.
const MESSAGES_EVERY: TimeDelta = TimeDelta::minutes(5);

/// What a host says of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Its name in addresses.
    pub slug: String,
    /// What it asks for.
    pub permissions: BTreeMap<String, String>,
    /// How many accounts it is on.
    pub installations: u64,
}

impl Fleet {
    /// Asks the scheduler to look at an application on its host.
    #[instrument(name = "store.applications.ask", skip_all, fields(application = %id))]
    pub async fn ask_about_application(&self, id: ApplicationId) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let result = sqlx::query!(
            "UPDATE applications SET check_requested_at = $2 WHERE id = $1 AND state = 'ready'",
            id.0,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        found("application", "store.applications.ask", &result)?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The GitHub Apps to look at now: those that somebody has asked about, and those that were not looked at for long.
    #[instrument(name = "store.applications.due", level = "debug", skip_all)]
    pub async fn applications_to_look_at(&self) -> Result<Vec<ApplicationId>, Error> {
        let now = self.db.clock.now();
        let ids = sqlx::query_scalar!(
            r#"
            SELECT id
            FROM applications
            WHERE state = 'ready'
                AND slot <> 'oauth'
                AND (check_requested_at IS NOT NULL OR answered_at IS NULL OR answered_at <= $1)
            ORDER BY id
            "#,
            now - EVERY,
        )
        .fetch_all(&self.db.pool)
        .await?;
        Ok(ids.into_iter().map(ApplicationId).collect())
    }

    /// Takes the GitHub Apps for which messages that got lost are to be looked for now: nobody else looks for a while.
    #[instrument(name = "store.applications.messages_due", level = "debug", skip_all)]
    pub async fn applications_to_ask_for_messages(&self) -> Result<Vec<ApplicationId>, Error> {
        let now = self.db.clock.now();
        let ids = sqlx::query_scalar!(
            r#"
            UPDATE applications
            SET looked_for_messages_at = $1
            WHERE state = 'ready'
                AND slot <> 'oauth'
                AND (looked_for_messages_at IS NULL OR looked_for_messages_at <= $2)
            RETURNING id
            "#,
            now,
            now - MESSAGES_EVERY,
        )
        .fetch_all(&self.db.pool)
        .await?;
        Ok(ids.into_iter().map(ApplicationId).collect())
    }
}
