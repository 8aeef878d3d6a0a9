//! Removing a credential.

use domain::{CredentialId, Name};
use tracing::instrument;

use crate::error::meant;
use crate::{Error, Scoped, decode};

impl Scoped {
    /// Removes an additional credential with its secret, and answers the names of the plans that had it switched on.
    #[instrument(name = "store.credentials.remove", skip_all, fields(credential = %id))]
    pub async fn remove_credential(&self, id: CredentialId) -> Result<Vec<Name>, Error> {
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
        let wiped = sqlx::query!(
            "DELETE FROM secrets WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            row.secret_id,
        )
        .execute(&mut *tx)
        .await?;
        meant("store.secrets.remove", 1, &wiped)?;
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        plans
            .iter()
            .map(|name| decode::text("a plan's name", name))
            .collect()
    }
}
