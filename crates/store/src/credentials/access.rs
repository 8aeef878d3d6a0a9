//! Which credential sees which repository, as the host's answers have taught.

use domain::{CredentialId, OrganizationId};
use tracing::instrument;

use crate::{Error, Scoped};

impl Scoped {
    /// Remembers whether a credential sees a repository.
    #[instrument(name = "store.credential_access.set", skip_all, fields(credential = %credential))]
    pub async fn set_access(
        &self,
        credential: CredentialId,
        forge_repository_id: i64,
        sees: bool,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        sqlx::query!(
            r#"
            INSERT INTO credential_access (tenant_id, credential_id, forge_repository_id, sees, learnt_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (tenant_id, credential_id, forge_repository_id)
            DO UPDATE SET sees = EXCLUDED.sees, learnt_at = EXCLUDED.learnt_at
            "#,
            self.tenant.0,
            credential.0,
            forge_repository_id,
            sees,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What is known of who sees what: credential, the host's number of the repository, whether it sees it.
    #[instrument(name = "store.credential_access.list", skip_all, fields(organization = %organization))]
    pub async fn access(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<(CredentialId, i64, bool)>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT a.credential_id, a.forge_repository_id, a.sees
            FROM credential_access a
            JOIN credentials c ON c.tenant_id = a.tenant_id AND c.id = a.credential_id
            WHERE a.tenant_id = $1 AND c.organization_id = $2 AND c.removed_at IS NULL
            ORDER BY a.credential_id, a.forge_repository_id
            "#,
            self.tenant.0,
            organization.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                (
                    CredentialId(row.credential_id),
                    row.forge_repository_id,
                    row.sees,
                )
            })
            .collect())
    }
}
