//! What is peculiar to one host: the private authority that vouches for its certificate, and whether it counts requests at all.

use std::collections::{BTreeMap, BTreeSet};

use domain::Host;
use serde_json::json;
use tracing::instrument;
use uuid::Uuid;

use crate::bell::announce;
use crate::{Act, Error, Fleet, audit};

impl Fleet {
    /// The private authorities of hosts, PEM, by [`Host::authority`].
    #[instrument(name = "store.host_settings.authorities", level = "debug", skip_all)]
    pub async fn certificate_authorities(&self) -> Result<BTreeMap<String, String>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT host, certificate_authority AS "certificate_authority!"
            FROM host_settings
            WHERE certificate_authority IS NOT NULL
            "#,
        )
        .fetch_all(&self.db.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.host, row.certificate_authority))
            .collect())
    }

    /// Sets the private authority of a host, or takes it away.
    #[instrument(name = "store.host_settings.set_authority", skip_all)]
    pub async fn set_certificate_authority(
        &self,
        host: &Host,
        pem: Option<&str>,
    ) -> Result<(), Error> {
        let now = self.db.clock.now();
        let mut tx = self.db.begin().await?;
        sqlx::query!(
            r#"
            INSERT INTO host_settings (host, certificate_authority, changed_at)
            VALUES ($1, $2, $3)
            ON CONFLICT (host) DO UPDATE
            SET certificate_authority = EXCLUDED.certificate_authority, changed_at = EXCLUDED.changed_at
            "#,
            host.authority(),
            pem,
            now,
        )
        .execute(&mut *tx)
        .await?;
        let act = Act {
            action: "host.set_authority",
            subject: ("host", Uuid::nil(), &host.authority()),
            before: None,
            after: Some(json!({ "private_authority": pem.is_some() })),
        };
        audit::write(&mut tx, None, now, &self.actor, act).await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The hosts that count no requests, by [`Host::authority`].
    #[instrument(name = "store.host_settings.unlimited", level = "debug", skip_all)]
    pub async fn unlimited_hosts(&self) -> Result<BTreeSet<String>, Error> {
        let hosts = sqlx::query_scalar!("SELECT host FROM host_settings WHERE NOT counts_requests")
            .fetch_all(&self.db.pool)
            .await?;
        Ok(hosts.into_iter().collect())
    }

    /// Notes whether a host counts requests, as it has just said.
    #[instrument(name = "store.host_settings.note_counting", level = "debug", skip_all)]
    pub async fn note_counting(&self, host: &str, counts_requests: bool) -> Result<(), Error> {
        sqlx::query!(
            r#"
            INSERT INTO host_settings (host, counts_requests, changed_at)
            VALUES ($1, $2, $3)
            ON CONFLICT (host) DO UPDATE
            SET counts_requests = EXCLUDED.counts_requests, changed_at = EXCLUDED.changed_at
            WHERE host_settings.counts_requests <> EXCLUDED.counts_requests
            "#,
            host,
            counts_requests,
            self.db.clock.now(),
        )
        .execute(&self.db.pool)
        .await?;
        Ok(())
    }
}
