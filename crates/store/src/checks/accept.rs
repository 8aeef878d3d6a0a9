//! A token was found good: what it was tried for is done in the transaction that ends the check.

use chrono::{DateTime, Utc};
use domain::{
    BucketKey, CheckId, CredentialId, Findings, InstallationRequestId, OrganizationId, Secret,
    SecretId, TenantId,
};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use super::ClaimedCheck;
use super::work::{LOST, held};
use crate::error::{OnConstraint, meant};
use crate::{Account, Act, Error, Fleet, NewCredential, NewOrganization, Scoped, Sealer, decode};

/// What a host said of a stored credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The credential.
    pub credential: CredentialId,
    /// The user's name today.
    pub login: String,
    /// Whom the host charges.
    pub bucket: BucketKey,
    /// What it may do, if the host says so.
    pub scopes: Option<Vec<String>>,
    /// When it expires, if the host says so.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What an accepted check does.
#[derive(Debug, Clone)]
pub enum Accepted {
    /// Registers an organization with its main credential.
    Registered {
        /// The organization.
        organization: Box<NewOrganization>,
        /// The credential.
        main: Box<NewCredential>,
    },
    /// Adds a credential to a pool; its name gets a number if it is taken.
    Added {
        /// The organization.
        organization: OrganizationId,
        /// The credential.
        credential: Box<NewCredential>,
    },
    /// Writes down what was seen; a credential that was set aside by the host is used again.
    Rechecked(Seen),
    /// Installs an application on an account of an organization, or notes that it is there again.
    Installed {
        /// The organization.
        organization: OrganizationId,
        /// The account, which belongs to the organization from here on if the application is its main one.
        account: Account,
        /// The credential.
        credential: Box<NewCredential>,
        /// What had been asked for, if that is how it came.
        request: Option<InstallationRequestId>,
    },
    /// Puts another token into an entry, for all credentials that use it.
    Replaced {
        /// The entry.
        secret: SecretId,
        /// The token.
        token: Secret,
        /// All of them.
        seen: Vec<Seen>,
    },
    /// Nothing: what was to be done is written already.
    Done,
}

impl Fleet {
    /// Ends a check whose token is good. The claim of a check about something that was removed meanwhile is answered with
    /// [`Error::Missing`], a name that was taken meanwhile with [`Error::NameTaken`]; both leave the check as it was.
    #[instrument(name = "store.checks.accept", skip_all, fields(check = %claim.check))]
    pub async fn accept_check(
        &self,
        claim: &ClaimedCheck,
        sealer: &Sealer,
        accepted: Accepted,
        findings: &Findings,
    ) -> Result<(), Error> {
        let scoped = self.db.tenant(claim.tenant).acting(claim.asked_by.clone());
        let mut tx = scoped.begin().await?;
        lock(&mut tx, claim).await?;
        let (organization, credential) = match accepted {
            Accepted::Registered { organization, main } => {
                let added = scoped
                    .add_organization_in(&mut tx, sealer, *organization, *main)
                    .await?;
                (Some(added.id), None)
            }
            Accepted::Added {
                organization,
                mut credential,
            } => {
                scoped.lock_organization(&mut tx, organization).await?;
                credential.name = scoped
                    .free_credential_name(&mut tx, organization, &credential.login)
                    .await?;
                let id = scoped
                    .add_credential_in(&mut tx, sealer, organization, &credential)
                    .await?;
                (Some(organization), Some(id))
            }
            Accepted::Installed {
                organization,
                account,
                credential,
                request,
            } => {
                let id = scoped
                    .install_in(&mut tx, sealer, organization, &account, *credential)
                    .await?;
                if let Some(request) = request {
                    scoped.close_request(&mut tx, request).await?;
                }
                (Some(organization), Some(id))
            }
            Accepted::Rechecked(seen) => {
                scoped.write_seen(&mut tx, &seen).await?;
                scoped
                    .note_credential(&mut tx, "credential.check", seen.credential, None, None)
                    .await?;
                (None, Some(seen.credential))
            }
            Accepted::Replaced {
                secret,
                token,
                seen,
            } => {
                let name = scoped
                    .replace_secret_in(&mut tx, sealer, secret, &token)
                    .await?;
                scoped.note_replaced(&mut tx, secret, &name).await?;
                scoped.same_users(&mut tx, secret, &seen).await?;
                for one in &seen {
                    scoped.write_seen(&mut tx, one).await?;
                }
                (None, None)
            }
            Accepted::Done => (None, None),
        };
        let result = sqlx::query!(
            r#"
            UPDATE checks
            SET
                state = 'accepted',
                findings = $4,
                ended_at = $5,
                worker_id = NULL,
                sealed = NULL,
                key_version = NULL,
                organization_id = coalesce($6, organization_id),
                credential_id = coalesce($7, credential_id)
            WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND worker_id IS NOT NULL
            "#,
            claim.tenant.0,
            claim.check.0,
            claim.fence,
            decode::to_json("findings", findings)?,
            self.db.clock.now(),
            organization.map(|id| id.0),
            credential.map(|id| id.0),
        )
        .execute(&mut *tx)
        .await?;
        held(&result)?;
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Locks the check first, so that a lost claim changes nothing.
async fn lock(tx: &mut Transaction<'static, Postgres>, claim: &ClaimedCheck) -> Result<(), Error> {
    let ClaimedCheck {
        tenant: TenantId(tenant),
        check: CheckId(check),
        fence,
        ..
    } = claim;
    sqlx::query_scalar!(
        r#"
        SELECT id
        FROM checks
        WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND worker_id IS NOT NULL
        FOR NO KEY UPDATE
        "#,
        tenant,
        check,
        fence,
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(drop)
    .ok_or(LOST)
}

impl Scoped {
    /// Puts the value that a host has given in an entry's place, for all credentials that use it: the old one is worth nothing
    /// any more, so that no claim stands before it.
    #[instrument(name = "store.checks.rotated", skip_all, fields(secret = %secret))]
    pub async fn token_rotated(
        &self,
        sealer: &Sealer,
        secret: SecretId,
        token: &Secret,
        seen: &[Seen],
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let name = self
            .replace_secret_in(&mut tx, sealer, secret, token)
            .await?;
        self.note(
            &mut tx,
            Act {
                action: "password.rotate",
                subject: ("password", secret.0, &name),
                before: None,
                after: None,
            },
        )
        .await?;
        for one in seen {
            match self.write_seen(&mut tx, one).await {
                // Removed meanwhile: the value is kept all the same.
                Ok(()) | Err(Error::Missing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn write_seen(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        seen: &Seen,
    ) -> Result<(), Error> {
        let result = sqlx::query!(
            r#"
            UPDATE credentials
            SET
                login = $3,
                bucket = $4,
                scopes = $5,
                expires_at = $6,
                checked_at = $7,
                health = CASE WHEN health = 'dead' THEN 'healthy' ELSE health END,
                health_reason = NULL
            WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL
            "#,
            self.tenant.0,
            seen.credential.0,
            seen.login,
            seen.bucket.to_string(),
            seen.scopes.as_deref(),
            seen.expires_at,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await
        .on_constraint("credentials_carried_check", || Error::Unregistered {
            account: seen.login.clone(),
        })?;
        if result.rows_affected() == 0 {
            return Err(Error::Missing { what: "credential" });
        }
        meant("store.credentials.seen", 1, &result)
    }

    /// Fails if a credential began to use the entry, or ceased to, while the token was tried.
    async fn same_users(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        secret: SecretId,
        seen: &[Seen],
    ) -> Result<(), Error> {
        let mut users = sqlx::query_scalar!(
            "SELECT id FROM credentials WHERE tenant_id = $1 AND secret_id = $2 ORDER BY id",
            self.tenant.0,
            secret.0,
        )
        .fetch_all(&mut **tx)
        .await?;
        users.sort_unstable();
        let mut tried: Vec<_> = seen.iter().map(|one| one.credential.0).collect();
        tried.sort_unstable();
        if users == tried {
            Ok(())
        } else {
            Err(Error::Stale)
        }
    }
}
