//! The Password Manager: a tenant's secrets, sealed.

use chrono::TimeDelta;
use domain::{Secret, SecretId};
use serde::{Deserialize, Serialize};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::{OnConstraint, found};
use crate::seal::Place;
use crate::{Act, Error, Scoped, Sealer, decode};

/// The use of a secret is noted at most this often.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// A token for a host's API.
    Token,
    /// What a user has granted to our OAuth app, which renews it.
    Grant,
    /// The password of an organization's repository in a storage: what `restic` asks for.
    StoragePassword,
    /// The master key of an organization's repository in a storage.
    StorageKey,
    /// The key that opens a storage itself.
    AccessKey,
    /// What a channel for alerts needs: a password, an address that nobody may know, or what signs.
    Channel,
}

mod vault;

pub use vault::{Entry, EntryUser, NewEntry};

impl Scoped {
    /// Seals a secret and stores it under a name of its own.
    #[instrument(name = "store.secrets.put", skip_all)]
    pub async fn put_secret(
        &self,
        sealer: &Sealer,
        name: &str,
        kind: SecretKind,
        secret: &Secret,
    ) -> Result<SecretId, Error> {
        let mut tx = self.begin().await?;
        let id = self
            .put_secret_in(&mut tx, sealer, name, kind, secret)
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    pub(crate) async fn put_secret_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        sealer: &Sealer,
        name: &str,
        kind: SecretKind,
        secret: &Secret,
    ) -> Result<SecretId, Error> {
        let id = SecretId::new();
        let (key_version, content) = self.seal_in(tx, sealer, id, 1, secret).await?;
        sqlx::query!(
            r#"
            INSERT INTO secrets (tenant_id, id, name, kind, version, key_version, sealed, created_at)
            VALUES ($1, $2, $3, $4, 1, $5, $6, $7)
            "#,
            self.tenant.0,
            id.0,
            name,
            decode::to_word("a kind of secret", &kind)?,
            key_version,
            content,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await
        .on_constraint("secrets_name_key", || Error::NameTaken {
            what: "a secret",
            name: name.to_owned(),
        })?;
        Ok(id)
    }

    /// Puts another value in a secret's place.
    #[instrument(name = "store.secrets.replace", skip_all, fields(secret = %id))]
    pub async fn replace_secret(
        &self,
        sealer: &Sealer,
        id: SecretId,
        secret: &Secret,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let name = self.replace_secret_in(&mut tx, sealer, id, secret).await?;
        self.note_replaced(&mut tx, id, &name).await?;
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Answers the entry's name.
    pub(crate) async fn replace_secret_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        sealer: &Sealer,
        id: SecretId,
        secret: &Secret,
    ) -> Result<String, Error> {
        let row = sqlx::query!(
            "SELECT name, version FROM secrets WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(Error::Missing { what: "secret" })?;
        let version = row.version + 1;
        let (key_version, content) = self.seal_in(tx, sealer, id, version, secret).await?;
        let result = sqlx::query!(
            r#"
            UPDATE secrets
            SET version = $3, key_version = $4, sealed = $5, replaced_at = $6
            WHERE tenant_id = $1 AND id = $2
            "#,
            self.tenant.0,
            id.0,
            version,
            key_version,
            content,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await?;
        found("secret", "store.secrets.replace", &result)?;
        Ok(row.name)
    }

    pub(crate) async fn note_replaced(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: SecretId,
        name: &str,
    ) -> Result<(), Error> {
        self.note(
            tx,
            Act {
                action: "password.replace",
                subject: ("password", id.0, name),
                before: None,
                after: None,
            },
        )
        .await
    }

    /// Opens a secret.
    #[instrument(name = "store.secrets.open", skip_all, fields(secret = %id))]
    pub async fn open_secret(&self, sealer: &Sealer, id: SecretId) -> Result<Secret, Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT s.version, s.key_version, s.sealed, k.wrapped
            FROM secrets s
            JOIN tenant_keys k ON k.tenant_id = s.tenant_id AND k.version = s.key_version
            WHERE s.tenant_id = $1 AND s.id = $2
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing { what: "secret" })?;
        tx.commit().await?;
        let key = sealer.unwrap(self.tenant, row.key_version, &row.wrapped)?;
        key.open(self.place(id, row.version), &row.sealed)
    }

    /// Notes that a host or a storage took these secrets, at most once a minute for each.
    #[instrument(name = "store.secrets.used", level = "debug", skip_all)]
    pub async fn note_secrets_used(&self, ids: &[SecretId]) -> Result<(), Error> {
        let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
        let mut tx = self.begin().await?;
        self.note_used_in(&mut tx, &ids).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whoever finds a row locked leaves it: somebody else is noting the same.
    pub(crate) async fn note_used_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        ids: &[uuid::Uuid],
    ) -> Result<(), Error> {
        let now = self.db.clock.now();
        sqlx::query!(
            r#"
            WITH due AS MATERIALIZED (
                SELECT id
                FROM secrets
                WHERE tenant_id = $1
                    AND id = ANY($2)
                    AND (last_used_at IS NULL OR last_used_at < $4)
                FOR NO KEY UPDATE SKIP LOCKED
            )
            UPDATE secrets s
            SET last_used_at = $3
            FROM due d
            WHERE s.tenant_id = $1 AND s.id = d.id
            "#,
            self.tenant.0,
            ids,
            now,
            now - NOTED_EVERY,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    pub(crate) fn place(&self, secret: SecretId, version: i32) -> Place {
        Place {
            tenant: self.tenant,
            secret,
            version,
        }
    }

    /// Seals with the newest of the tenant's keys.
    pub(crate) async fn seal_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        sealer: &Sealer,
        id: SecretId,
        version: i32,
        secret: &Secret,
    ) -> Result<(i32, Vec<u8>), Error> {
        let key = sqlx::query!(
            "SELECT version, wrapped FROM tenant_keys WHERE tenant_id = $1 ORDER BY version DESC LIMIT 1",
            self.tenant.0,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(Error::Missing { what: "tenant" })?;
        let content = sealer
            .unwrap(self.tenant, key.version, &key.wrapped)?
            .seal(self.place(id, version), secret)?;
        Ok((key.version, content))
    }
}

#[cfg(test)]
mod tests;
