//! Storages: places that keep snapshots, and the encrypted repository that each organization has in one.

use chrono::{DateTime, Utc};
use domain::{Name, OrganizationId, Secret, SecretId, StorageId};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::OnConstraint;
use crate::{Act, Error, Scoped, Sealer, SecretKind, bell, decode};

mod check;
mod edit;
mod emergency;

pub use edit::StorageEdit;
pub use emergency::{Emergency, StorageShelf};

/// A storage to add.
#[derive(Debug, Clone)]
pub struct NewStorage {
    /// Its name, unique in the tenant.
    pub name: Name,
    /// Where it is, without any secret.
    pub location: Value,
    /// The key that opens it, if it needs one.
    pub secret: Option<Secret>,
}

/// A place that keeps snapshots.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// Its id.
    pub id: StorageId,
    /// Its name, unique in the tenant.
    pub name: Name,
    /// Where it is, without any secret.
    pub location: Value,
    /// The key that opens it, if it needs one.
    pub secret: Option<SecretId>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// What the last trial found.
    pub check: StorageCheck,
}

/// What a trial of a storage found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StorageCheck {
    /// It was never tried.
    Never,
    /// A worker was asked to try it.
    Waiting,
    /// It takes files and gives them back.
    Sound {
        /// When it was tried.
        at: DateTime<Utc>,
    },
    /// It does not.
    Failed {
        /// When it was tried.
        at: DateTime<Utc>,
        /// A sentence for a person.
        cause: String,
    },
}

/// The encrypted repository of one organization in one storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageRepository {
    /// Where it lies inside the storage.
    pub prefix: String,
    /// The password that opens it with `restic`.
    pub password: SecretId,
    /// The master key that opens it at once.
    pub master: SecretId,
}

impl Scoped {
    /// Adds a storage, with its key if it needs one, and asks a worker to try it.
    #[instrument(name = "store.storages.add", skip_all)]
    pub async fn add_storage(&self, sealer: &Sealer, new: NewStorage) -> Result<Storage, Error> {
        self.add_storage_once(sealer, StorageId::new(), new).await
    }

    /// Adds a storage with an id that was given out before. Of two requests with one id the second answers like the first.
    #[instrument(name = "store.storages.add_once", skip_all, fields(storage = %id))]
    pub async fn add_storage_once(
        &self,
        sealer: &Sealer,
        id: StorageId,
        new: NewStorage,
    ) -> Result<Storage, Error> {
        let taken = || Error::NameTaken {
            what: "a storage",
            name: new.name.to_string(),
        };
        let mut tx = self.begin().await?;
        let known = self.storages_in(&mut tx, Some(id)).await?;
        if let Some(known) = known.into_iter().next() {
            return Ok(known);
        }
        let secret = match &new.secret {
            Some(secret) => {
                let entry = format!("storage {}", new.name);
                match self
                    .put_secret_in(&mut tx, sealer, &entry, SecretKind::AccessKey, secret)
                    .await
                {
                    Err(Error::NameTaken { .. }) => return Err(taken()),
                    put => Some(put?),
                }
            }
            None => None,
        };
        let storage = Storage {
            id,
            name: new.name.clone(),
            location: new.location.clone(),
            secret,
            created_at: self.db.clock.now(),
            check: StorageCheck::Waiting,
        };
        sqlx::query!(
            r#"
            INSERT INTO storages (
                tenant_id, id, name, location, secret_id, created_at, check_requested_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            "#,
            self.tenant.0,
            storage.id.0,
            storage.name.as_str(),
            storage.location,
            secret.map(|id| id.0),
            storage.created_at,
        )
        .execute(&mut *tx)
        .await
        .on_constraint("storages_name_key", taken)?;
        self.note(
            &mut tx,
            Act {
                action: "storage.add",
                subject: ("storage", id.0, storage.name.as_str()),
                before: None,
                after: Some(json!({ "name": storage.name, "location": storage.location })),
            },
        )
        .await?;
        bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(storage)
    }

    /// All storages, by name.
    #[instrument(name = "store.storages.list", skip_all)]
    pub async fn storages(&self) -> Result<Vec<Storage>, Error> {
        let mut tx = self.begin().await?;
        let storages = self.storages_in(&mut tx, None).await?;
        tx.commit().await?;
        Ok(storages)
    }

    async fn storages_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        only: Option<StorageId>,
    ) -> Result<Vec<Storage>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                id,
                name,
                location,
                secret_id,
                created_at,
                check_requested_at,
                checked_at,
                check_cause
            FROM storages
            WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id = $2) AND removed_at IS NULL
            ORDER BY name
            "#,
            self.tenant.0,
            only.map(|id| id.0),
        )
        .fetch_all(&mut **tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Storage {
                    id: StorageId(row.id),
                    name: decode::text("a storage's name", &row.name)?,
                    location: row.location,
                    secret: row.secret_id.map(SecretId),
                    created_at: row.created_at,
                    check: match (row.check_requested_at, row.checked_at, row.check_cause) {
                        (Some(_), ..) => StorageCheck::Waiting,
                        (None, Some(at), None) => StorageCheck::Sound { at },
                        (None, Some(at), Some(cause)) => StorageCheck::Failed { at, cause },
                        (None, None, _) => StorageCheck::Never,
                    },
                })
            })
            .collect()
    }

    /// One storage.
    #[instrument(name = "store.storages.find", skip_all, fields(storage = %id))]
    pub async fn storage(&self, id: StorageId) -> Result<Option<Storage>, Error> {
        let mut tx = self.begin().await?;
        let storages = self.storages_in(&mut tx, Some(id)).await?;
        tx.commit().await?;
        Ok(storages.into_iter().next())
    }

    /// The storage of that name.
    pub async fn storage_by_name(&self, name: &str) -> Result<Option<Storage>, Error> {
        let storages = self.storages().await?;
        Ok(storages
            .into_iter()
            .find(|storage| storage.name.as_str() == name))
    }

    /// Remembers the encrypted repository of an organization in a storage, with its keys.
    ///
    /// Refused with [`Error::NameTaken`] when there is one already: of two processes that made one, the first counts.
    #[instrument(name = "store.storage_repositories.add", skip_all, fields(organization = %organization, storage = %storage))]
    pub async fn add_storage_repository(
        &self,
        sealer: &Sealer,
        organization: OrganizationId,
        storage: StorageId,
        prefix: &str,
        password: &Secret,
        master: &Secret,
    ) -> Result<StorageRepository, Error> {
        let taken = || Error::NameTaken {
            what: "a storage repository",
            name: prefix.to_owned(),
        };
        let mut tx = self.begin().await?;
        let mut put = Vec::new();
        for (kind, what, secret) in [
            (SecretKind::StoragePassword, "Password", password),
            (SecretKind::StorageKey, "Key", master),
        ] {
            let base = format!("{what} of the snapshots {prefix}");
            let entry = self.free_entry_name(&mut tx, &base).await?;
            put.push(
                self.put_secret_in(&mut tx, sealer, &entry, kind, secret)
                    .await?,
            );
        }
        let [password, master] = put[..] else {
            return Err(Error::Missing { what: "secret" });
        };
        sqlx::query!(
            r#"
            INSERT INTO storage_repositories (
                tenant_id, organization_id, storage_id, prefix,
                password_secret_id, master_secret_id, created_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            "#,
            self.tenant.0,
            organization.0,
            storage.0,
            prefix,
            password.0,
            master.0,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await
        .on_constraint("storage_repositories_pkey", taken)
        .on_constraint("storage_repositories_prefix_key", taken)?;
        tx.commit().await?;
        Ok(StorageRepository {
            prefix: prefix.to_owned(),
            password,
            master,
        })
    }

    /// The encrypted repository of an organization in a storage, if it was made.
    #[instrument(name = "store.storage_repositories.find", skip_all, fields(organization = %organization, storage = %storage))]
    pub async fn storage_repository(
        &self,
        organization: OrganizationId,
        storage: StorageId,
    ) -> Result<Option<StorageRepository>, Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT prefix, password_secret_id, master_secret_id
            FROM storage_repositories
            WHERE tenant_id = $1 AND organization_id = $2 AND storage_id = $3
            "#,
            self.tenant.0,
            organization.0,
            storage.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(row.map(|row| StorageRepository {
            prefix: row.prefix,
            password: SecretId(row.password_secret_id),
            master: SecretId(row.master_secret_id),
        }))
    }
}

#[cfg(test)]
mod tests;
