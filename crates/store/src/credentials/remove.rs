//! Removing a credential, and what becomes of its token.

use domain::{CredentialId, Name, SecretId};
use serde_json::json;
use tracing::instrument;

use crate::error::meant;
use crate::{Error, Scoped, decode};

/// What becomes of the token of a credential that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    /// Its entry stays in the Password Manager.
    Keep,
    /// Its entry is deleted, unless something else uses it.
    DeleteIfUnused,
}

impl Scoped {
    /// Removes an additional credential, and answers the names of the plans that had it switched on.
    #[instrument(name = "store.credentials.remove", skip_all, fields(credential = %id))]
    pub async fn remove_credential(
        &self,
        id: CredentialId,
        token: Leftover,
    ) -> Result<Vec<Name>, Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT name, role, secret_id
            FROM credentials
            WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL
            FOR UPDATE
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing { what: "credential" })?;
        if row.role == "main" {
            return Err(Error::MainCredential { name: row.name });
        }
        let plans = sqlx::query_scalar!(
            r#"
            WITH used AS (
                DELETE FROM plan_credentials
                WHERE tenant_id = $1 AND credential_id = $2
                RETURNING plan_id
            )
            SELECT p.name
            FROM plans p
            JOIN used u ON u.plan_id = p.id
            WHERE p.tenant_id = $1
            ORDER BY p.name
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        sqlx::query!(
            "DELETE FROM credential_access WHERE tenant_id = $1 AND credential_id = $2",
            self.tenant.0,
            id.0,
        )
        .execute(&mut *tx)
        .await?;
        let removed = sqlx::query!(
            "UPDATE credentials SET removed_at = $3, secret_id = NULL WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        meant("store.credentials.remove", 1, &removed)?;
        let before = json!({ "plans": plans });
        self.note_credential(&mut tx, "credential.remove", id, Some(before), None)
            .await?;
        if let (Leftover::DeleteIfUnused, Some(secret)) = (token, row.secret_id) {
            self.delete_if_unused(&mut tx, SecretId(secret)).await?;
        }
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        plans
            .iter()
            .map(|name| decode::text("a plan's name", name))
            .collect()
    }
}
