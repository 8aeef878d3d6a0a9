//! Applications on hosts, which the service operator registers and all tenants may install.

use chrono::{DateTime, Utc};
use domain::{ApplicationId, Host, Secret, SessionId, Slot};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::bell::announce;
use crate::error::{OnConstraint, found};
use crate::{Act, Error, Fleet, Sealer, audit, decode, seal};

mod keys;
mod look;
mod manifest;

pub use keys::ApplicationKeys;
pub use look::Looked;
pub use manifest::Conversion;

/// An application of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// The host.
    pub host: Host,
    /// What it is for.
    pub slot: Slot,
    /// The organization of the host that owns it; a person's own account if nothing.
    pub owner: Option<String>,
    /// How far its registration is.
    pub state: ApplicationState,
    /// Its number on the host.
    pub app_id: Option<i64>,
    /// What it calls itself in OAuth.
    pub client_id: Option<String>,
    /// Its name in addresses.
    pub slug: Option<String>,
    /// What it asks for, each `read`, `write` or `admin`, as the host says.
    pub permissions: std::collections::BTreeMap<String, String>,
    /// Accounts that it is installed on, as the host said last.
    pub installation_count: Option<u64>,
    /// Credentials of tenants that live by it.
    pub credential_count: u64,
    /// What the host last said against it; nothing if it was content.
    pub answer: Option<String>,
    /// When the host was last asked.
    pub answered_at: Option<DateTime<Utc>>,
    /// How often its keys were set.
    pub key_version: i32,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

/// How far an application's registration is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationState {
    /// A browser was sent to the host.
    Asked,
    /// It has come back, and the keys are being fetched.
    Converting,
    /// It can be used.
    Ready,
    /// The host did not give its keys.
    Refused(String),
}

/// An application to register.
#[derive(Debug, Clone)]
pub struct NewApplication {
    /// The host.
    pub host: Host,
    /// What it is for.
    pub slot: Slot,
    /// The organization of the host that owns it; a person's own account if nothing.
    pub owner: Option<String>,
}

impl Fleet {
    /// All applications, by host and slot.
    #[instrument(name = "store.applications.list", skip_all)]
    pub async fn applications(&self) -> Result<Vec<Application>, Error> {
        self.applications_where(None).await
    }

    /// One application.
    #[instrument(name = "store.applications.find", level = "debug", skip_all, fields(application = %id))]
    pub async fn application(&self, id: ApplicationId) -> Result<Option<Application>, Error> {
        Ok(self.applications_where(Some(id)).await?.into_iter().next())
    }

    /// The applications of a host that can be used.
    pub async fn applications_of(&self, host: &Host) -> Result<Vec<Application>, Error> {
        let mut all = self.applications().await?;
        all.retain(|one| one.host == *host && one.state == ApplicationState::Ready);
        Ok(all)
    }

    async fn applications_where(
        &self,
        only: Option<ApplicationId>,
    ) -> Result<Vec<Application>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                a.id,
                a.host_kind,
                a.host_url,
                a.slot,
                a.owner,
                a.state,
                a.refusal,
                a.app_id,
                a.client_id,
                a.slug,
                a.permissions,
                a.installation_count,
                a.answer,
                a.answered_at,
                a.key_version,
                a.created_at,
                (
                    SELECT count(*)
                    FROM credentials c
                    WHERE c.application_id = a.id AND c.removed_at IS NULL
                ) AS "credential_count!"
            FROM applications a
            WHERE $1::uuid IS NULL OR a.id = $1
            ORDER BY a.host_url, a.created_at
            "#,
            only.map(|id| id.0),
        )
        .fetch_all(&self.db.pool)
        .await?;
        let mut all = rows
            .into_iter()
            .map(|row| {
                Ok(Application {
                    id: ApplicationId(row.id),
                    host: decode::host(&row.host_kind, &row.host_url)?,
                    slot: decode::text("an application's slot", &row.slot)?,
                    owner: row.owner,
                    state: match (row.state.as_str(), row.refusal) {
                        (_, Some(sentence)) => ApplicationState::Refused(sentence),
                        (word, None) => decode::word("an application's state", word)?,
                    },
                    app_id: row.app_id,
                    client_id: row.client_id,
                    slug: row.slug,
                    permissions: decode::json("permissions", row.permissions)?,
                    installation_count: row.installation_count.map(decode::count),
                    credential_count: decode::count(row.credential_count),
                    answer: row.answer,
                    answered_at: row.answered_at,
                    key_version: row.key_version,
                    created_at: row.created_at,
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        all.sort_by(|one, other| {
            let key = |one: &Application| (one.host.to_string(), one.slot);
            key(one).cmp(&key(other))
        });
        Ok(all)
    }

    /// Registers an application whose keys are at hand.
    #[instrument(name = "store.applications.add", skip_all)]
    pub async fn add_application(
        &self,
        sealer: &Sealer,
        new: &NewApplication,
        keys: &ApplicationKeys,
    ) -> Result<ApplicationId, Error> {
        let id = ApplicationId::new();
        let now = self.db.clock.now();
        let mut tx = self.db.begin().await?;
        seal::hold_off(&mut tx).await?;
        clear_slot(&mut tx, new).await?;
        sqlx::query!(
            r#"
            INSERT INTO applications (
                id, host_kind, host_url, slot, owner, state, sealed, key_version,
                app_id, client_id, slug, check_requested_at, created_at
            )
            VALUES ($1, $2, $3, $4, $5, 'ready', $6, 1, $7, $8, $9, $10, $10)
            "#,
            id.0,
            new.host.kind().as_str(),
            new.host.to_string(),
            new.slot.to_string(),
            new.owner,
            sealer.seal_application(id, &keys.close()?)?,
            keys.app_id,
            keys.client_id,
            keys.slug,
            now,
        )
        .execute(&mut *tx)
        .await
        .on_constraint("applications_slot_key", || slot_taken(new.slot))?;
        self.note_application(&mut tx, "application.add", id, new.slot, &new.host)
            .await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Removes an application that no credential lives by.
    #[instrument(name = "store.applications.remove", skip_all, fields(application = %id))]
    pub async fn remove_application(&self, id: ApplicationId) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let row = sqlx::query!(
            "SELECT host_kind, host_url, slot FROM applications WHERE id = $1 FOR UPDATE",
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing {
            what: "application",
        })?;
        let used = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM credentials WHERE application_id = $1 AND removed_at IS NULL"#,
            id.0,
        )
        .fetch_one(&mut *tx)
        .await?;
        if used > 0 {
            return Err(Error::ApplicationInUse {
                count: decode::count(used),
            });
        }
        // Removed credentials keep their rows, and what they were made of is in their names.
        sqlx::query!(
            "UPDATE credentials SET kind = 'access_token', application_id = NULL, account_id = NULL, installation_id = NULL WHERE application_id = $1",
            id.0,
        )
        .execute(&mut *tx)
        .await?;
        let result = sqlx::query!("DELETE FROM applications WHERE id = $1", id.0)
            .execute(&mut *tx)
            .await?;
        found("application", "store.applications.remove", &result)?;
        let host = decode::host(&row.host_kind, &row.host_url)?;
        let slot = decode::text("an application's slot", &row.slot)?;
        self.note_application(&mut tx, "application.remove", id, slot, &host)
            .await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn note_application(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        action: &'static str,
        id: ApplicationId,
        slot: Slot,
        host: &Host,
    ) -> Result<(), Error> {
        let name = format!("{} of {}", slot.label(), host.authority());
        let act = Act {
            action,
            subject: ("application", id.0, &name),
            before: None,
            after: Some(json!({ "slot": slot, "host": host.to_string() })),
        };
        audit::write(tx, None, self.db.clock.now(), &self.actor, act).await
    }
}

fn slot_taken(slot: Slot) -> Error {
    Error::SlotTaken { slot: slot.label() }
}

/// Takes away what was begun for a slot and came to nothing.
async fn clear_slot(
    tx: &mut Transaction<'static, Postgres>,
    new: &NewApplication,
) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM applications WHERE host_url = $1 AND slot = $2 AND state IN ('asked', 'refused')",
        new.host.to_string(),
        new.slot.to_string(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A secret of the manifest's way, which stands in the place of keys until there are some.
#[derive(Debug, Clone)]
pub(crate) struct Began {
    pub(crate) state_hash: [u8; 32],
    pub(crate) session: SessionId,
}

/// A secret as a string within what is sealed.
fn exposed(secret: &Secret) -> &str {
    secret.expose()
}

#[cfg(test)]
mod tests;
