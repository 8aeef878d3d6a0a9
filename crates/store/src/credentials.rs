//! Credentials: what may call a host's API.

use chrono::{DateTime, Utc};
use domain::{
    BucketKey, CredentialId, CredentialKind, Health, Name, OrganizationId, Role, Secret, SecretId,
};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::{OnConstraint, found};
use crate::{Error, Scoped, Sealer, SecretKind, decode};

mod access;
mod read;
mod remove;

/// A credential to add.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// Its name, unique in the organization.
    pub name: Name,
    /// The user behind it.
    pub login: String,
    /// How it comes to the organization.
    pub role: Role,
    /// What kind of thing it is.
    pub kind: CredentialKind,
    /// Whom the host charges for its requests.
    pub bucket: BucketKey,
    /// Share of its budget that is never spent, in percent.
    pub reserve_percent: u8,
    /// The token.
    pub secret: Secret,
    /// What it may do, if the host says so.
    pub scopes: Option<Vec<String>>,
    /// When it expires, if the host says so.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What may call a host's API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// Its organization.
    pub organization: OrganizationId,
    /// Its name, unique in the organization.
    pub name: Name,
    /// The user behind it.
    pub login: String,
    /// How it came to the organization.
    pub role: Role,
    /// What kind of thing it is.
    pub kind: CredentialKind,
    /// Whom the host charges for its requests.
    pub bucket: BucketKey,
    /// Share of its budget that is never spent, in percent.
    pub reserve_percent: u8,
    /// Where the token is kept.
    pub secret: SecretId,
    /// What it may do, if the host says so.
    pub scopes: Option<Vec<String>>,
    /// When it expires, if the host says so.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it may be used.
    pub health: Health,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// The plans that have it in their pool: for the main one all of the organization's.
    pub used_by: Vec<Name>,
}

impl Scoped {
    /// Adds an additional credential to an organization. No plan uses it until it is switched on there.
    #[instrument(name = "store.credentials.add", skip_all, fields(organization = %organization))]
    pub async fn add_credential(
        &self,
        sealer: &Sealer,
        organization: OrganizationId,
        new: NewCredential,
    ) -> Result<CredentialId, Error> {
        let mut tx = self.begin().await?;
        let name = sqlx::query_scalar!(
            "SELECT name FROM organizations WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            organization.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing {
            what: "organization",
        })?;
        let name = decode::text("an organization's name", &name)?;
        let id = self
            .add_credential_in(&mut tx, sealer, organization, &name, &new)
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    pub(crate) async fn add_credential_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        sealer: &Sealer,
        organization: OrganizationId,
        organization_name: &Name,
        new: &NewCredential,
    ) -> Result<CredentialId, Error> {
        let taken = || Error::NameTaken {
            what: "a credential",
            name: new.name.to_string(),
        };
        let entry = format!("credential {organization_name}/{}", new.name);
        let secret = match self
            .put_secret_in(tx, sealer, &entry, SecretKind::Token, &new.secret)
            .await
        {
            Err(Error::NameTaken { .. }) => return Err(taken()),
            put => put?,
        };
        let id = CredentialId::new();
        sqlx::query!(
            r#"
            INSERT INTO credentials (
                tenant_id, id, organization_id, name, login, role, kind, bucket,
                reserve_percent, secret_id, scopes, expires_at, health, created_at
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'healthy', $13)
            "#,
            self.tenant.0,
            id.0,
            organization.0,
            new.name.as_str(),
            new.login,
            decode::to_word("a role", &new.role)?,
            decode::to_word("a kind of credential", &new.kind)?,
            new.bucket.to_string(),
            i16::from(new.reserve_percent),
            secret.0,
            new.scopes.as_deref(),
            new.expires_at,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await
        .on_constraint("credentials_name_key", taken)
        .on_constraint("credentials_one_main_key", || Error::SecondMainCredential)?;
        Ok(id)
    }

    /// Sets whether a credential may be used.
    #[instrument(name = "store.credentials.set_health", skip_all, fields(credential = %id))]
    pub async fn set_health(&self, id: CredentialId, health: &Health) -> Result<(), Error> {
        let (word, reason) = match health {
            Health::Healthy => ("healthy", None),
            Health::Paused => ("paused", None),
            Health::Dead { reason } => ("dead", Some(reason)),
        };
        let mut tx = self.begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE credentials
            SET health = $3, health_reason = $4
            WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL
            "#,
            self.tenant.0,
            id.0,
            word,
            reason,
        )
        .execute(&mut *tx)
        .await?;
        found("credential", "store.credentials.set_health", &result)?;
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
