//! Applications on the accounts of an organization: added, and noted when a host says that they are gone, suspended or back.

use domain::{CredentialId, OrganizationId, Role};
use serde_json::json;
use sqlx::{Postgres, Transaction};

use super::{Installation, NewCredential, TokenSource};
use crate::error::OnConstraint;
use crate::{Account, Error, Scoped, Sealer};

impl Scoped {
    /// Installs an application on an account. The main one brings the account along; an additional one needs it to be there. One
    /// that is on the account already has another installation from here on, and is used again.
    pub(crate) async fn install_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        sealer: &Sealer,
        organization: OrganizationId,
        account: &Account,
        mut credential: NewCredential,
    ) -> Result<CredentialId, Error> {
        let TokenSource::Installation(installed) = credential.token else {
            return Err(Error::Missing {
                what: "installation",
            });
        };
        // Nobody takes the main application off the account meanwhile.
        self.lock_organization_for_change(tx, organization).await?;
        if credential.role == Role::Main {
            self.add_account(tx, organization, account).await?;
        }
        if let Some(id) = self
            .reinstall_in(tx, organization, installed, &credential)
            .await?
        {
            return Ok(id);
        }
        credential.name = self
            .free_credential_name(tx, organization, credential.name.as_str())
            .await?;
        self.add_credential_in(tx, sealer, organization, &credential)
            .await
    }

    async fn reinstall_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        organization: OrganizationId,
        installed: Installation,
        credential: &NewCredential,
    ) -> Result<Option<CredentialId>, Error> {
        let id = sqlx::query_scalar!(
            r#"
            UPDATE credentials
            SET
                installation_id = $5,
                login = $6,
                bucket = $7,
                scopes = $8,
                health = CASE WHEN health = 'dead' THEN 'healthy' ELSE health END,
                health_reason = NULL,
                checked_at = $9
            WHERE tenant_id = $1
                AND organization_id = $2
                AND application_id = $3
                AND account_id = $4
                AND removed_at IS NULL
            RETURNING id
            "#,
            self.tenant.0,
            organization.0,
            installed.application.0,
            installed.account,
            installed.number,
            credential.login,
            credential.bucket.to_string(),
            credential.scopes.as_deref(),
            self.db.clock.now(),
        )
        .fetch_optional(&mut **tx)
        .await
        .on_constraint("credentials_carried_check", || Error::Unregistered {
            account: credential.login.clone(),
        })?
        .map(CredentialId);
        if let Some(id) = id {
            let after = json!({ "user": credential.login, "scopes": credential.scopes });
            self.note_credential(tx, "credential.reinstall", id, None, Some(after))
                .await?;
            crate::bell::announce(tx).await?;
        }
        Ok(id)
    }

    /// As [`Scoped::lock_organization`], and nobody else may do the same meanwhile.
    pub(crate) async fn lock_organization_for_change(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: OrganizationId,
    ) -> Result<(), Error> {
        sqlx::query_scalar!(
            "SELECT id FROM organizations WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL FOR UPDATE",
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut **tx)
        .await?
        .map(drop)
        .ok_or(Error::Missing {
            what: "organization",
        })
    }
}
