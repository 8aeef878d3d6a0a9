//! The keys of an application: sealed as one, opened as one, replaced as one.

use domain::{ApplicationId, Secret};
use serde::{Deserialize, Serialize};
use tracing::instrument;

use super::exposed;
use crate::bell::announce;
use crate::error::found;
use crate::{Error, Fleet, Sealer, decode, seal};

/// What an application proves itself with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationKeys {
    /// Its number on the host; an OAuth app has none that matters.
    pub app_id: Option<i64>,
    /// What it calls itself in OAuth.
    pub client_id: String,
    /// Its name in addresses; an OAuth app has none.
    pub slug: Option<String>,
    /// What proves that it is itself in OAuth.
    pub client_secret: Secret,
    /// The private key, PEM; an OAuth app has none.
    pub private_key: Option<Secret>,
    /// What messages to it are signed with.
    pub webhook_secret: Option<Secret>,
}

/// What is sealed of it.
#[derive(Serialize, Deserialize)]
struct Sealed {
    client_secret: String,
    private_key: Option<String>,
    webhook_secret: Option<String>,
}

impl ApplicationKeys {
    pub(super) fn close(&self) -> Result<Secret, Error> {
        let text = |secret: &Option<Secret>| secret.as_ref().map(exposed).map(str::to_owned);
        serde_json::to_string(&Sealed {
            client_secret: self.client_secret.expose().to_owned(),
            private_key: text(&self.private_key),
            webhook_secret: text(&self.webhook_secret),
        })
        .map(Secret::new)
        .map_err(|_error: serde_json::Error| unreadable())
    }
}

fn unreadable() -> Error {
    // The cause would repeat what it could not read.
    Error::Unreadable {
        what: "an application's keys",
        detail: "they are not what was kept".to_owned(),
    }
}

impl Fleet {
    /// Opens the keys of an application that can be used.
    #[instrument(name = "store.applications.keys", skip_all, fields(application = %id))]
    pub async fn application_keys(
        &self,
        sealer: &Sealer,
        id: ApplicationId,
    ) -> Result<Option<ApplicationKeys>, Error> {
        let row = sqlx::query!(
            r#"
            SELECT app_id, client_id AS "client_id!", slug, sealed AS "sealed!"
            FROM applications
            WHERE id = $1 AND state = 'ready'
            "#,
            id.0,
        )
        .fetch_optional(&self.db.pool)
        .await?;
        row.map(|row| {
            let opened = sealer.open_application(id, &row.sealed)?;
            let sealed: Sealed = serde_json::from_str(opened.expose())
                .map_err(|_error: serde_json::Error| unreadable())?;
            Ok(ApplicationKeys {
                app_id: row.app_id,
                client_id: row.client_id,
                slug: row.slug,
                client_secret: Secret::new(sealed.client_secret),
                private_key: sealed.private_key.map(Secret::new),
                webhook_secret: sealed.webhook_secret.map(Secret::new),
            })
        })
        .transpose()
    }

    /// Puts other keys in the place of an application's. Credentials that were set aside for want of a good key are used again.
    #[instrument(name = "store.applications.replace_keys", skip_all, fields(application = %id))]
    pub async fn replace_application_keys(
        &self,
        sealer: &Sealer,
        id: ApplicationId,
        keys: &ApplicationKeys,
    ) -> Result<(), Error> {
        let now = self.db.clock.now();
        let application = self.application(id).await?.ok_or(Error::Missing {
            what: "application",
        })?;
        let mut tx = self.db.begin().await?;
        seal::hold_off(&mut tx).await?;
        let result = sqlx::query!(
            r#"
            UPDATE applications
            SET
                sealed = $2,
                key_version = key_version + 1,
                app_id = $3,
                client_id = $4,
                slug = coalesce($5, slug),
                answer = NULL,
                check_requested_at = $6
            WHERE id = $1 AND state = 'ready'
            "#,
            id.0,
            sealer.seal_application(id, &keys.close()?)?,
            keys.app_id,
            keys.client_id,
            keys.slug,
            now,
        )
        .execute(&mut *tx)
        .await?;
        found("application", "store.applications.replace_keys", &result)?;
        let revived = sqlx::query!(
            r#"
            UPDATE credentials c
            SET health = 'healthy', health_reason = NULL
            WHERE c.application_id = $1
                AND c.kind = 'app_installation'
                AND c.health = 'dead'
                AND c.installation_id IS NOT NULL
                AND c.removed_at IS NULL
                AND (
                    c.role = 'main'
                    OR EXISTS (
                        SELECT 1
                        FROM credentials m
                        WHERE m.tenant_id = c.tenant_id
                            AND m.organization_id = c.organization_id
                            AND m.role = 'main'
                            AND m.removed_at IS NULL
                            AND (m.kind <> 'app_installation' OR (m.account_id = c.account_id AND m.installation_id IS NOT NULL))
                    )
                )
            RETURNING c.tenant_id, c.id
            "#,
            id.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        for row in revived {
            let scoped = self
                .db
                .tenant(domain::TenantId(row.tenant_id))
                .acting(self.actor.clone());
            let credential = domain::CredentialId(row.id);
            scoped
                .note_credential(&mut tx, "credential.resume", credential, None, None)
                .await?;
        }
        self.note_application(
            &mut tx,
            "application.replace_keys",
            id,
            application.slot,
            &application.host,
        )
        .await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What an application's permissions and installations are, as the host has said.
    #[instrument(name = "store.applications.answered", level = "debug", skip_all, fields(application = %id))]
    pub async fn application_answered(
        &self,
        id: ApplicationId,
        answer: Result<super::look::Looked, String>,
    ) -> Result<(), Error> {
        let (looked, refusal) = match answer {
            Ok(looked) => (Some(looked), None),
            Err(sentence) => (None, Some(sentence)),
        };
        let permissions = looked
            .as_ref()
            .map(|looked| decode::to_json("permissions", &looked.permissions))
            .transpose()?;
        sqlx::query!(
            r#"
            UPDATE applications
            SET
                answered_at = $2,
                answer = $3,
                permissions = coalesce($4, permissions),
                installation_count = coalesce($5, installation_count),
                slug = coalesce($6, slug),
                check_requested_at = NULL
            WHERE id = $1
            "#,
            id.0,
            self.db.clock.now(),
            refusal,
            permissions,
            looked
                .as_ref()
                .map(|looked| decode::to_count(looked.installations)),
            looked.as_ref().map(|looked| looked.slug.clone()),
        )
        .execute(&self.db.pool)
        .await?;
        Ok(())
    }
}
