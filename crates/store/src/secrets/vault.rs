//! The Password Manager's entries: who uses them, adding, describing, replacing and deleting one.

use chrono::{DateTime, Utc};
use domain::{CredentialId, Host, Label, Name, OrganizationId, Remark, Secret, SecretId};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use super::SecretKind;
use crate::bell::announce;
use crate::credentials::free_name;
use crate::error::{OnConstraint, found};
use crate::{Act, Error, Scoped, Sealer, decode};

/// The database's word for a credential that its host refused.
const DEAD: &str = "dead";

/// Characters kept free at the end of a name for a number that tells it from others.
const ROOM_FOR_A_NUMBER: usize = 10;

/// An entry to add.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Its name, unique in the tenant.
    pub name: Label,
    /// What for.
    pub description: Remark,
    /// What kind of secret it is: a token or an access key; Holdfast makes the others itself.
    pub kind: SecretKind,
    /// The value.
    pub secret: Secret,
}

/// An entry, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: SecretId,
    /// Its name, unique in the tenant.
    pub name: Label,
    /// What somebody noted about it.
    pub description: Remark,
    /// What kind of secret it is.
    pub kind: SecretKind,
    /// How often its value was set.
    pub version: i32,
    /// Who uses it.
    pub users: Vec<EntryUser>,
    /// When it ends, as far as the hosts have said.
    pub expires_at: Option<DateTime<Utc>>,
    /// When a host or a storage last took it.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When its value was last replaced.
    pub replaced_at: Option<DateTime<Utc>>,
}

/// Who uses an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryUser {
    /// A credential of an organization.
    Credential {
        /// The credential.
        credential: CredentialId,
        /// Its name.
        name: Name,
        /// The user behind it.
        login: String,
        /// The organization.
        organization: OrganizationId,
        /// Its name.
        organization_name: Name,
        /// The host.
        host: Box<Host>,
        /// Whether it may be used.
        is_dead: bool,
    },
    /// A channel for alerts.
    Channel {
        /// Its name.
        name: Label,
    },
    /// A storage.
    Storage {
        /// Its name.
        name: Name,
    },
    /// An organization's repository in a storage.
    Repository {
        /// The storage's name.
        storage: Name,
        /// The organization's name.
        organization: Name,
    },
}

impl EntryUser {
    /// Names it in a sentence.
    pub fn describe(&self) -> String {
        match self {
            Self::Credential {
                name,
                organization_name,
                ..
            } => format!("the credential {name} of {organization_name}"),
            Self::Channel { name } => format!("the alert channel {name}"),
            Self::Storage { name } => format!("the storage {name}"),
            Self::Repository {
                storage,
                organization,
            } => format!("the snapshots of {organization} in {storage}"),
        }
    }
}

impl Scoped {
    /// Adds an entry that nothing uses yet.
    #[instrument(name = "store.secrets.add", skip_all)]
    pub async fn add_entry(&self, sealer: &Sealer, new: NewEntry) -> Result<SecretId, Error> {
        let mut tx = self.begin().await?;
        let id = self
            .put_secret_in(&mut tx, sealer, new.name.as_str(), new.kind, &new.secret)
            .await?;
        sqlx::query!(
            "UPDATE secrets SET description = $3 WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
            new.description.as_str(),
        )
        .execute(&mut *tx)
        .await?;
        self.note(
            &mut tx,
            Act {
                action: "password.add",
                subject: ("password", id.0, new.name.as_str()),
                before: None,
                after: Some(json!({ "kind": new.kind, "description": new.description })),
            },
        )
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Gives an entry another name and another description.
    #[instrument(name = "store.secrets.describe", skip_all, fields(secret = %id))]
    pub async fn describe_entry(
        &self,
        id: SecretId,
        name: &Label,
        description: &Remark,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let before = self.lock_entry(&mut tx, id).await?;
        let result = sqlx::query!(
            "UPDATE secrets SET name = $3, description = $4 WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
            name.as_str(),
            description.as_str(),
        )
        .execute(&mut *tx)
        .await
        .on_constraint("secrets_name_key", || Error::NameTaken {
            what: "an entry",
            name: name.to_string(),
        })?;
        found("password", "store.secrets.describe", &result)?;
        self.note(
            &mut tx,
            Act {
                action: "password.edit",
                subject: ("password", id.0, name.as_str()),
                before: Some(json!({ "name": before.name, "description": before.description })),
                after: Some(json!({ "name": name, "description": description })),
            },
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Puts another value into an entry that no host is to be asked about: an access key, or a token that nothing uses.
    #[instrument(name = "store.secrets.replace_entry", skip_all, fields(secret = %id))]
    pub async fn replace_entry(
        &self,
        sealer: &Sealer,
        id: SecretId,
        secret: &Secret,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let entry = self.lock_entry(&mut tx, id).await?;
        match entry.kind {
            SecretKind::Grant => {
                return Err(Error::Granted {
                    name: entry.name.to_string(),
                });
            }
            SecretKind::StoragePassword | SecretKind::StorageKey => {
                return Err(Error::KeyOfStorage {
                    name: entry.name.to_string(),
                });
            }
            // It may be an address, which the channel looks at before it is taken.
            SecretKind::Channel => {
                return Err(Error::OfChannel {
                    name: entry.name.to_string(),
                });
            }
            // Its users are asked about the new one first.
            SecretKind::Token if !entry.users.is_empty() => return Err(Error::Stale),
            SecretKind::Token | SecretKind::AccessKey => {}
        }
        let name = self.replace_secret_in(&mut tx, sealer, id, secret).await?;
        self.note_replaced(&mut tx, id, &name).await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deletes an entry that nothing uses.
    #[instrument(name = "store.secrets.delete", skip_all, fields(secret = %id))]
    pub async fn delete_entry(&self, id: SecretId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let entry = self.lock_entry(&mut tx, id).await?;
        if !entry.users.is_empty() {
            return Err(Error::InUse {
                name: entry.name.to_string(),
                users: entry.users.iter().map(EntryUser::describe).collect(),
            });
        }
        sqlx::query!(
            "DELETE FROM secrets WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
        )
        .execute(&mut *tx)
        .await?;
        self.note(
            &mut tx,
            Act {
                action: "password.delete",
                subject: ("password", id.0, entry.name.as_str()),
                before: Some(json!({ "kind": entry.kind })),
                after: None,
            },
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Entries by name, from behind `after` on, at most `limit`.
    #[instrument(name = "store.secrets.list", skip_all)]
    pub async fn entries(&self, after: Option<&Label>, limit: i64) -> Result<Vec<Entry>, Error> {
        let mut tx = self.begin().await?;
        let ids = sqlx::query_scalar!(
            r#"
            SELECT id
            FROM secrets
            WHERE tenant_id = $1 AND ($2::text IS NULL OR name > $2)
            ORDER BY name
            LIMIT $3
            "#,
            self.tenant.0,
            after.map(Label::as_str),
            limit,
        )
        .fetch_all(&mut *tx)
        .await?;
        let entries = self.entries_in(&mut tx, &ids).await?;
        tx.commit().await?;
        Ok(entries)
    }

    /// The entries that hold tokens, by name, at most `limit`: what can be picked for a credential.
    #[instrument(name = "store.secrets.list_tokens", skip_all)]
    pub async fn token_entries(&self, limit: i64) -> Result<Vec<Entry>, Error> {
        let mut tx = self.begin().await?;
        let ids = sqlx::query_scalar!(
            "SELECT id FROM secrets WHERE tenant_id = $1 AND kind = 'token' ORDER BY name LIMIT $2",
            self.tenant.0,
            limit,
        )
        .fetch_all(&mut *tx)
        .await?;
        let entries = self.entries_in(&mut tx, &ids).await?;
        tx.commit().await?;
        Ok(entries)
    }

    /// One entry.
    #[instrument(name = "store.secrets.find", skip_all, fields(secret = %id))]
    pub async fn entry(&self, id: SecretId) -> Result<Option<Entry>, Error> {
        let mut tx = self.begin().await?;
        let entry = self.entries_in(&mut tx, &[id.0]).await?.pop();
        tx.commit().await?;
        Ok(entry)
    }

    async fn lock_entry(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: SecretId,
    ) -> Result<Entry, Error> {
        let missing = || Error::Missing { what: "password" };
        sqlx::query_scalar!(
            "SELECT id FROM secrets WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or_else(missing)?;
        self.entries_in(tx, &[id.0])
            .await?
            .pop()
            .ok_or_else(missing)
    }

    /// Keeps a token's entry until the transaction ends.
    pub(crate) async fn lock_token(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: SecretId,
    ) -> Result<(), Error> {
        sqlx::query_scalar!(
            "SELECT id FROM secrets WHERE tenant_id = $1 AND id = $2 AND kind = 'token' FOR KEY SHARE",
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut **tx)
        .await?
        .map(drop)
        .ok_or(Error::Missing { what: "token" })
    }

    /// A name for the entry of a new token.
    pub(crate) async fn token_name(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        login: &str,
        host: &str,
    ) -> Result<String, Error> {
        self.free_entry_name(tx, &format!("{login} on {host}"))
            .await
    }

    /// A name that no entry has yet, as near as can be to what is wanted.
    pub(crate) async fn free_entry_name(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        wanted: &str,
    ) -> Result<String, Error> {
        let base: String = wanted
            .chars()
            .take(Label::MAX - ROOM_FOR_A_NUMBER)
            .collect();
        let taken = sqlx::query_scalar!(
            "SELECT name FROM secrets WHERE tenant_id = $1 AND starts_with(name, $2)",
            self.tenant.0,
            base,
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(free_name(&taken, &base, |number| {
            format!("{base} ({number})")
        }))
    }

    pub(crate) async fn delete_if_unused(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: SecretId,
    ) -> Result<bool, Error> {
        let deleted = sqlx::query!(
            r#"
            DELETE FROM secrets s
            WHERE s.tenant_id = $1
                AND s.id = $2
                AND NOT EXISTS (
                    SELECT 1
                    FROM credentials c
                    WHERE c.tenant_id = s.tenant_id AND c.secret_id = s.id
                )
            "#,
            self.tenant.0,
            id.0,
        )
        .execute(&mut **tx)
        .await?;
        Ok(deleted.rows_affected() == 1)
    }

    /// The channels of alerts that use these entries.
    async fn channels_with(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        ids: &[uuid::Uuid],
    ) -> Result<Vec<(uuid::Uuid, EntryUser)>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT secret_id AS "secret_id!", name
            FROM alert_channels
            WHERE tenant_id = $1 AND secret_id = ANY($2)
            "#,
            self.tenant.0,
            ids,
        )
        .fetch_all(&mut **tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                let name = decode::text("a channel's name", &row.name)?;
                Ok((row.secret_id, EntryUser::Channel { name }))
            })
            .collect()
    }

    async fn entries_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        ids: &[uuid::Uuid],
    ) -> Result<Vec<Entry>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT id, name, description, kind, version, last_used_at, created_at, replaced_at
            FROM secrets
            WHERE tenant_id = $1 AND id = ANY($2)
            ORDER BY name
            "#,
            self.tenant.0,
            ids,
        )
        .fetch_all(&mut **tx)
        .await?;
        let credentials = sqlx::query!(
            r#"
            SELECT
                c.secret_id AS "secret_id!",
                c.id,
                c.name,
                c.login,
                c.health,
                c.expires_at,
                o.id AS organization_id,
                o.name AS organization_name,
                o.host_kind,
                o.host_url
            FROM credentials c
            JOIN organizations o ON o.tenant_id = c.tenant_id AND o.id = c.organization_id
            WHERE c.tenant_id = $1 AND c.secret_id = ANY($2)
            ORDER BY o.name, c.name
            "#,
            self.tenant.0,
            ids,
        )
        .fetch_all(&mut **tx)
        .await?;
        let places = sqlx::query!(
            r#"
            SELECT s.secret_id AS "secret_id!", s.name AS "storage!", NULL AS "organization?"
            FROM storages s
            WHERE s.tenant_id = $1 AND s.secret_id = ANY($2)
            UNION ALL
            SELECT x.secret_id, s.name, o.name
            FROM storage_repositories r
            JOIN storages s ON s.tenant_id = r.tenant_id AND s.id = r.storage_id
            JOIN organizations o ON o.tenant_id = r.tenant_id AND o.id = r.organization_id
            CROSS JOIN LATERAL (VALUES (r.password_secret_id), (r.master_secret_id)) AS x (secret_id)
            WHERE r.tenant_id = $1 AND x.secret_id = ANY($2)
            "#,
            self.tenant.0,
            ids,
        )
        .fetch_all(&mut **tx)
        .await?;
        let channels = self.channels_with(tx, ids).await?;
        rows.into_iter()
            .map(|row| {
                let channels = channels.iter().filter(|(id, _)| *id == row.id);
                let mut users: Vec<_> = channels.map(|(_, user)| user.clone()).collect();
                let mut expires_at: Option<DateTime<Utc>> = None;
                for user in credentials.iter().filter(|user| user.secret_id == row.id) {
                    expires_at = expires_at.max(user.expires_at);
                    users.push(EntryUser::Credential {
                        credential: CredentialId(user.id),
                        name: decode::text("a credential's name", &user.name)?,
                        login: user.login.clone(),
                        organization: OrganizationId(user.organization_id),
                        organization_name: decode::text(
                            "an organization's name",
                            &user.organization_name,
                        )?,
                        host: Box::new(decode::host(&user.host_kind, &user.host_url)?),
                        is_dead: user.health == DEAD,
                    });
                }
                for user in places.iter().filter(|user| user.secret_id == row.id) {
                    let storage = decode::text("a storage's name", &user.storage)?;
                    users.push(match &user.organization {
                        Some(organization) => EntryUser::Repository {
                            storage,
                            organization: decode::text("an organization's name", organization)?,
                        },
                        None => EntryUser::Storage { name: storage },
                    });
                }
                Ok(Entry {
                    id: SecretId(row.id),
                    name: decode::text("an entry's name", &row.name)?,
                    description: decode::text("an entry's description", &row.description)?,
                    kind: decode::word("a kind of secret", &row.kind)?,
                    version: row.version,
                    users,
                    expires_at,
                    last_used_at: row.last_used_at,
                    created_at: row.created_at,
                    replaced_at: row.replaced_at,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
