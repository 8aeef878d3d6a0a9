//! What is needed with the `restic` command on the day that Holdfast is gone.

use chrono::{DateTime, Utc};
use domain::{Name, OrganizationId, Secret, SecretId, StorageId};
use serde_json::json;
use tracing::instrument;

use crate::{Act, Error, Scoped, Sealer, decode};

/// The encrypted repository of an organization in a storage, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageShelf {
    /// The storage.
    pub storage: StorageId,
    /// The organization.
    pub organization: OrganizationId,
    /// The organization's name.
    pub organization_name: Name,
    /// Where it lies inside the storage.
    pub prefix: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What opens a storage repository without Holdfast.
#[derive(Debug)]
pub struct Emergency {
    /// Where it lies inside the storage.
    pub prefix: String,
    /// What `restic` asks for.
    pub password: Secret,
}

impl Scoped {
    /// The encrypted repositories of all storages, by storage and organization.
    #[instrument(name = "store.storage_repositories.list", skip_all)]
    pub async fn storage_shelves(&self) -> Result<Vec<StorageShelf>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT r.storage_id, r.organization_id, o.name AS organization_name, r.prefix, r.created_at
            FROM storage_repositories r
            JOIN organizations o ON o.tenant_id = r.tenant_id AND o.id = r.organization_id
            WHERE r.tenant_id = $1
            ORDER BY r.storage_id, o.name
            "#,
            self.tenant.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(StorageShelf {
                    storage: StorageId(row.storage_id),
                    organization: OrganizationId(row.organization_id),
                    organization_name: decode::text(
                        "an organization's name",
                        &row.organization_name,
                    )?,
                    prefix: row.prefix,
                    created_at: row.created_at,
                })
            })
            .collect()
    }

    /// Hands out the password of a storage repository, and notes who asked. [`Error::Missing`] if nothing was stored yet.
    #[instrument(name = "store.storage_repositories.reveal", skip_all, fields(organization = %organization, storage = %storage))]
    pub async fn reveal_storage_password(
        &self,
        sealer: &Sealer,
        organization: OrganizationId,
        storage: StorageId,
    ) -> Result<Emergency, Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT
                r.prefix,
                r.password_secret_id,
                s.name AS storage_name,
                o.name AS organization_name
            FROM storage_repositories r
            JOIN storages s ON s.tenant_id = r.tenant_id AND s.id = r.storage_id
            JOIN organizations o ON o.tenant_id = r.tenant_id AND o.id = r.organization_id
            WHERE r.tenant_id = $1 AND r.organization_id = $2 AND r.storage_id = $3
            "#,
            self.tenant.0,
            organization.0,
            storage.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing {
            what: "repository in this storage",
        })?;
        self.note(
            &mut tx,
            Act {
                action: "storage.reveal_password",
                subject: ("storage", storage.0, &row.storage_name),
                before: None,
                after: Some(json!({ "organization": row.organization_name })),
            },
        )
        .await?;
        tx.commit().await?;
        Ok(Emergency {
            prefix: row.prefix,
            password: self
                .open_secret(sealer, SecretId(row.password_secret_id))
                .await?,
        })
    }
}
