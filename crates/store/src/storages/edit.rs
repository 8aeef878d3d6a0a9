//! Changing and removing storages.

use domain::{Name, Secret, StorageId};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::{OnConstraint, found};
use crate::{Act, Error, Scoped, Sealer, SecretKind, bell};

/// What a storage is to be from now on.
#[derive(Debug, Clone)]
pub struct StorageEdit {
    /// Its name, unique in the tenant.
    pub name: Name,
    /// Where it is, without any secret.
    pub location: Value,
    /// Another key that opens it; none leaves the one that it has.
    pub secret: Option<Secret>,
}

impl Scoped {
    /// Changes a storage, and asks a worker to try it. Writers that have it open use what is new from their next snapshot on.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if there is none, [`Error::NameTaken`] if another one has the name.
    #[instrument(name = "store.storages.edit", skip_all, fields(storage = %id))]
    pub async fn edit_storage(
        &self,
        sealer: &Sealer,
        id: StorageId,
        edit: StorageEdit,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let before = self.storages_in(&mut tx, Some(id)).await?;
        let Some(before) = before.into_iter().next() else {
            return Err(Error::Missing { what: "storage" });
        };
        let mut secret = before.secret;
        if let Some(value) = &edit.secret {
            if let Some(known) = secret {
                let name = self
                    .replace_secret_in(&mut tx, sealer, known, value)
                    .await?;
                self.note_replaced(&mut tx, known, &name).await?;
            } else {
                let base = format!("storage {}", edit.name);
                let entry = self.free_entry_name(&mut tx, &base).await?;
                let put = self.put_secret_in(&mut tx, sealer, &entry, SecretKind::AccessKey, value);
                secret = Some(put.await?);
            }
        }
        let result = sqlx::query!(
            r#"
            UPDATE storages
            SET name = $3, location = $4, secret_id = $5, revision = revision + 1, check_requested_at = $6
            WHERE tenant_id = $1 AND id = $2
            "#,
            self.tenant.0,
            id.0,
            edit.name.as_str(),
            edit.location,
            secret.map(|secret| secret.0),
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await
        .on_constraint("storages_name_key", || Error::NameTaken {
            what: "a storage",
            name: edit.name.to_string(),
        })?;
        found("storage", "store.storages.edit", &result)?;
        self.note(
            &mut tx,
            Act {
                action: "storage.edit",
                subject: ("storage", id.0, edit.name.as_str()),
                before: Some(json!({ "name": before.name, "location": before.location })),
                after: Some(json!({ "name": edit.name, "location": edit.location })),
            },
        )
        .await?;
        bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Which revision a storage is at, and which one its access key, if it needs one: nothing if there is no such storage.
    /// Who has it open with others opens it anew.
    #[instrument(name = "store.storages.revision", level = "debug", skip_all, fields(storage = %id))]
    pub async fn storage_revision(
        &self,
        id: StorageId,
    ) -> Result<Option<(i32, Option<i32>)>, Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT g.revision, s.version AS "key?"
            FROM storages g
            LEFT JOIN secrets s ON s.tenant_id = g.tenant_id AND s.id = g.secret_id
            WHERE g.tenant_id = $1 AND g.id = $2
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(row.map(|row| (row.revision, row.key)))
    }

    /// Removes a storage that no plan uses and that holds nothing, with its access key. What lies at the place is not touched.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] if there is none, [`Error::InUse`] with who uses it.
    #[instrument(name = "store.storages.remove", skip_all, fields(storage = %id))]
    pub async fn remove_storage(&self, id: StorageId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        // Held until the end, so that no plan takes it up meanwhile.
        let row = sqlx::query!(
            r#"
            SELECT name, location, secret_id
            FROM storages
            WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL
            FOR UPDATE
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing { what: "storage" })?;
        let users = sqlx::query_scalar!(
            r#"
            SELECT 'the plan ' || p.name AS "user!"
            FROM plans p
            WHERE p.tenant_id = $1 AND p.storage_id = $2 AND p.removed_at IS NULL
            UNION ALL
            SELECT 'the snapshots of ' || o.name
            FROM storage_repositories r
            JOIN organizations o ON o.tenant_id = r.tenant_id AND o.id = r.organization_id
            WHERE r.tenant_id = $1 AND r.storage_id = $2
            ORDER BY 1
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        if !users.is_empty() {
            return Err(Error::InUse {
                name: row.name,
                users,
            });
        }
        sqlx::query!(
            r#"
            UPDATE storages
            SET removed_at = $3, secret_id = NULL, check_requested_at = NULL
            WHERE tenant_id = $1 AND id = $2
            "#,
            self.tenant.0,
            id.0,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "DELETE FROM secrets WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            row.secret_id,
        )
        .execute(&mut *tx)
        .await?;
        self.note(
            &mut tx,
            Act {
                action: "storage.remove",
                subject: ("storage", id.0, &row.name),
                before: Some(json!({ "name": row.name, "location": row.location })),
                after: None,
            },
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sees that a storage is not removed before the transaction ends.
    pub(crate) async fn hold_storage(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: StorageId,
    ) -> Result<(), Error> {
        let held = sqlx::query_scalar!(
            r#"
            SELECT 1 AS "held!"
            FROM storages
            WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL
            FOR KEY SHARE
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut **tx)
        .await?;
        held.map(drop).ok_or(Error::Missing { what: "storage" })
    }
}
