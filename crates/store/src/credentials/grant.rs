//! What users have granted to our OAuth app: opened, renewed and kept, one renewal at a time.

use domain::{Grant, Secret, SecretId};
use tracing::instrument;

use crate::{Error, Scoped, Sealer};

/// What is sealed.
pub(super) fn close(grant: &Grant) -> Result<Secret, Error> {
    serde_json::to_string(grant)
        .map(Secret::new)
        .map_err(|_error: serde_json::Error| unreadable())
}

fn unreadable() -> Error {
    Error::Unreadable {
        what: "what a host has granted",
        detail: "it is not what was kept".to_owned(),
    }
}

impl Scoped {
    /// Opens a grant.
    #[instrument(name = "store.grants.open", skip_all, fields(secret = %id))]
    pub async fn open_grant(&self, sealer: &Sealer, id: SecretId) -> Result<Grant, Error> {
        let sealed = self.open_secret(sealer, id).await?;
        // The cause would repeat what it could not read.
        serde_json::from_str(sealed.expose()).map_err(|_error: serde_json::Error| unreadable())
    }

    /// Keeps a renewed grant in place of the one with this number. Says whether it did: somebody else may have been faster, and the
    /// host takes a refresh token once.
    #[instrument(name = "store.grants.renew", skip_all, fields(secret = %id))]
    pub async fn renew_grant(
        &self,
        sealer: &Sealer,
        id: SecretId,
        version: i32,
        grant: &Grant,
    ) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let present = sqlx::query_scalar!(
            "SELECT version FROM secrets WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        if present != Some(version) {
            return Ok(false);
        }
        self.replace_secret_in(&mut tx, sealer, id, &close(grant)?)
            .await?;
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }
}
