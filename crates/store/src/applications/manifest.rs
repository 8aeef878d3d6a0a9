//! Registering an application by a manifest: a browser goes to the host and comes back with a code, which a worker exchanges for
//! the keys.

use domain::{ApplicationId, Host, Secret, SessionId, Slot};
use tracing::instrument;

use super::{ApplicationKeys, Began, NewApplication, clear_slot, slot_taken};
use crate::bell::announce;
use crate::error::{OnConstraint, found};
use crate::{Error, Fleet, Sealer, decode, seal};

/// A code to exchange.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// The application.
    pub id: ApplicationId,
    /// The host.
    pub host: Host,
    /// What it is for.
    pub slot: Slot,
    /// The code.
    pub code: Secret,
}

impl Fleet {
    /// Notes that a browser is sent to a host to make an application there; it counts in that session alone.
    #[instrument(name = "store.applications.begin", skip_all)]
    pub async fn begin_application(
        &self,
        new: &NewApplication,
        state_hash: [u8; 32],
        session: SessionId,
    ) -> Result<ApplicationId, Error> {
        let began = Began {
            state_hash,
            session,
        };
        let id = ApplicationId::new();
        let mut tx = self.db.begin().await?;
        clear_slot(&mut tx, new).await?;
        sqlx::query!(
            r#"
            INSERT INTO applications (
                id, host_kind, host_url, slot, owner, state, state_hash, session_id, created_at
            )
            VALUES ($1, $2, $3, $4, $5, 'asked', $6, $7, $8)
            "#,
            id.0,
            new.host.kind().as_str(),
            new.host.to_string(),
            new.slot.to_string(),
            new.owner,
            began.state_hash.as_slice(),
            began.session.0,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await
        .on_constraint("applications_slot_key", || slot_taken(new.slot))?;
        self.note_application(&mut tx, "application.begin", id, new.slot, &new.host)
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// A browser has come back with a code. Nothing, if nobody went from this session, or it has come back before.
    #[instrument(name = "store.applications.came_back", skip_all)]
    pub async fn application_came_back(
        &self,
        sealer: &Sealer,
        state_hash: [u8; 32],
        session: SessionId,
        code: &Secret,
    ) -> Result<Option<ApplicationId>, Error> {
        let mut tx = self.db.begin().await?;
        seal::hold_off(&mut tx).await?;
        let id = sqlx::query_scalar!(
            r#"
            SELECT id
            FROM applications
            WHERE state_hash = $1 AND session_id = $2 AND state = 'asked'
            FOR UPDATE
            "#,
            state_hash.as_slice(),
            session.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .map(ApplicationId);
        let Some(id) = id else { return Ok(None) };
        let result = sqlx::query!(
            r#"
            UPDATE applications
            SET state = 'converting', sealed = $2, state_hash = NULL, session_id = NULL
            WHERE id = $1
            "#,
            id.0,
            sealer.seal_application(id, code)?,
        )
        .execute(&mut *tx)
        .await?;
        found("application", "store.applications.came_back", &result)?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    /// The codes that are to be exchanged.
    #[instrument(name = "store.applications.conversions", level = "debug", skip_all)]
    pub async fn conversions(&self, sealer: &Sealer) -> Result<Vec<Conversion>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT id, host_kind, host_url, slot, sealed AS "sealed!"
            FROM applications
            WHERE state = 'converting'
            ORDER BY id
            "#,
        )
        .fetch_all(&self.db.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let id = ApplicationId(row.id);
                Ok(Conversion {
                    id,
                    host: decode::host(&row.host_kind, &row.host_url)?,
                    slot: decode::text("an application's slot", &row.slot)?,
                    code: sealer.open_application(id, &row.sealed)?,
                })
            })
            .collect()
    }

    /// The host has given the keys, or has not.
    #[instrument(name = "store.applications.converted", skip_all, fields(application = %conversion.id))]
    pub async fn application_converted(
        &self,
        sealer: &Sealer,
        conversion: &Conversion,
        keys: Result<&ApplicationKeys, &str>,
    ) -> Result<(), Error> {
        let id = conversion.id;
        let mut tx = self.db.begin().await?;
        seal::hold_off(&mut tx).await?;
        let result = match keys {
            Ok(keys) => {
                sqlx::query!(
                    r#"
                    UPDATE applications
                    SET
                        state = 'ready',
                        sealed = $2,
                        key_version = 1,
                        app_id = $3,
                        client_id = $4,
                        slug = $5,
                        check_requested_at = $6
                    WHERE id = $1 AND state = 'converting'
                    "#,
                    id.0,
                    sealer.seal_application(id, &keys.close()?)?,
                    keys.app_id,
                    keys.client_id,
                    keys.slug,
                    self.db.clock.now(),
                )
                .execute(&mut *tx)
                .await?
            }
            Err(sentence) => {
                sqlx::query!(
                    r#"
                    UPDATE applications
                    SET state = 'refused', refusal = $2, sealed = NULL
                    WHERE id = $1 AND state = 'converting'
                    "#,
                    id.0,
                    sentence,
                )
                .execute(&mut *tx)
                .await?
            }
        };
        if result.rows_affected() > 0 && keys.is_ok() {
            let (slot, host) = (conversion.slot, &conversion.host);
            self.note_application(&mut tx, "application.add", id, slot, host)
                .await?;
        }
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}
