//! Credentials: what may call a host's API.

use chrono::{DateTime, Utc};
use domain::{
    ApplicationId, BucketKey, CredentialId, CredentialKind, Grant, Health, Label, Name,
    OrganizationId, Role, Secret, SecretId, Slot,
};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::{OnConstraint, found};
use crate::{Act, Error, Scoped, Sealer, SecretKind, decode};

mod access;
mod grant;
mod installed;
mod read;
mod remove;

pub(crate) use read::health;
pub use remove::Leftover;

/// Characters kept free at the end of a name for a number that tells it from others.
const ROOM_FOR_A_NUMBER: usize = 5;

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
    pub token: TokenSource,
    /// What it may do, if the host says so.
    pub scopes: Option<Vec<String>>,
    /// When it expires, if the host says so.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Where a token comes from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// It is new, and becomes an entry of the Password Manager.
    New(Secret),
    /// It is an entry of the Password Manager, which several credentials may share.
    Entry(SecretId),
    /// A user has granted it to our OAuth app; it becomes an entry of the Password Manager.
    Grant {
        /// The application.
        application: ApplicationId,
        /// What was granted.
        grant: Grant,
    },
    /// The application asks for tokens itself, as long as it is installed.
    Installation(Installation),
}

/// An application on an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installation {
    /// The application.
    pub application: ApplicationId,
    /// The account, by the host's number.
    pub account: i64,
    /// The host's number of the installation.
    pub number: i64,
}

/// Where a stored credential's token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From an entry of the Password Manager.
    Entry {
        /// The entry.
        secret: SecretId,
        /// What it is called.
        name: Label,
        /// How often its value was set: another number is another token.
        version: i32,
        /// The application that it was granted to, if it is a grant.
        application: Option<ApplicationId>,
    },
    /// From the application, which asks for tokens of its own.
    Installation {
        /// The application.
        application: ApplicationId,
        /// What it is for.
        slot: Slot,
        /// The account, by the host's number.
        account: i64,
        /// The installation; nothing since it was taken off the account.
        number: Option<i64>,
        /// How often the application's keys were set.
        key_version: i32,
    },
}

impl Source {
    /// The entry of the Password Manager, if there is one.
    pub fn entry(&self) -> Option<SecretId> {
        match self {
            Self::Entry { secret, .. } => Some(*secret),
            Self::Installation { .. } => None,
        }
    }

    /// What that entry is called.
    pub fn entry_name(&self) -> Option<&Label> {
        match self {
            Self::Entry { name, .. } => Some(name),
            Self::Installation { .. } => None,
        }
    }

    /// Another number is another token.
    pub fn version(&self) -> i32 {
        match self {
            Self::Entry { version, .. } => *version,
            Self::Installation { key_version, .. } => *key_version,
        }
    }
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
    /// Where its token comes from.
    pub source: Source,
    /// What it may do, if the host says so: scopes, or an application's permissions as `contents:read`.
    pub scopes: Option<Vec<String>>,
    /// When it expires, if the host says so.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it may be used.
    pub health: Health,
    /// When the host was last asked about it on purpose.
    pub checked_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// The plans that have it in their pool: for the main one all of the organization's.
    pub used_by: Vec<Name>,
}

impl Credential {
    /// What a person knows it by: its name, or the application and where that is installed.
    pub fn title(&self) -> String {
        match &self.source {
            Source::Installation { slot, .. } => installed_title(*slot, &self.login),
            Source::Entry { .. } => self.name.to_string(),
        }
    }
}

/// What a person knows an installed application by.
pub(crate) fn installed_title(slot: Slot, login: &str) -> String {
    format!("{} on {login}", slot.label())
}

/// The first of "base", "base with 2", "base with 3" and so on that is not taken.
pub(crate) fn free_name(
    taken: &[String],
    base: &str,
    numbered: impl Fn(usize) -> String,
) -> String {
    std::iter::once(base.to_owned())
        .chain((2..=taken.len() + 1).map(numbered))
        .find(|name| !taken.contains(name))
        .unwrap_or_else(|| base.to_owned())
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
        self.lock_organization(&mut tx, organization).await?;
        let id = self
            .add_credential_in(&mut tx, sealer, organization, &new)
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    pub(crate) async fn add_credential_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        sealer: &Sealer,
        organization: OrganizationId,
        new: &NewCredential,
    ) -> Result<CredentialId, Error> {
        let taken = || Error::NameTaken {
            what: "a credential",
            name: new.name.to_string(),
        };
        let mut installation = None;
        let mut application = None;
        let secret = match &new.token {
            TokenSource::New(secret) => {
                let entry = self.token_name(tx, &new.login, &new.bucket.host).await?;
                let kind = SecretKind::Token;
                Some(self.put_secret_in(tx, sealer, &entry, kind, secret).await?)
            }
            TokenSource::Entry(secret) => {
                self.lock_token(tx, *secret).await?;
                Some(*secret)
            }
            TokenSource::Grant {
                application: of,
                grant,
            } => {
                application = Some(*of);
                let entry = self.token_name(tx, &new.login, &new.bucket.host).await?;
                let (kind, value) = (SecretKind::Grant, grant::close(grant)?);
                Some(self.put_secret_in(tx, sealer, &entry, kind, &value).await?)
            }
            TokenSource::Installation(installed) => {
                application = Some(installed.application);
                installation = Some(*installed);
                None
            }
        };
        let unregistered = || Error::Unregistered {
            account: new.login.clone(),
        };
        let installed_already = || Error::NameTaken {
            what: "an application",
            name: new.name.to_string(),
        };
        let id = CredentialId::new();
        sqlx::query!(
            r#"
            INSERT INTO credentials (
                tenant_id, id, organization_id, name, login, role, kind, bucket,
                reserve_percent, secret_id, scopes, expires_at, health, checked_at, created_at,
                application_id, account_id, installation_id
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'healthy', $13, $13, $14, $15, $16)
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
            secret.map(|id| id.0),
            new.scopes.as_deref(),
            new.expires_at,
            self.db.clock.now(),
            application.map(|id| id.0),
            installation.map(|one| one.account),
            installation.map(|one| one.number),
        )
        .execute(&mut **tx)
        .await
        .on_constraint("credentials_carried_check", unregistered)
        .on_constraint("credentials_installed_key", installed_already)
        .on_constraint("credentials_name_key", taken)
        .on_constraint("credentials_one_main_key", || Error::SecondMainCredential)?;
        self.note_credential(
            tx,
            "credential.add",
            id,
            None,
            Some(json!({
                "user": new.login,
                "role": new.role,
                "kind": new.kind,
                "reserve_percent": new.reserve_percent,
                "scopes": new.scopes,
            })),
        )
        .await?;
        crate::bell::announce(tx).await?;
        Ok(id)
    }

    /// Writes into the audit log what is done to a credential, by its name and its organization's.
    pub(crate) async fn note_credential(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        action: &'static str,
        id: CredentialId,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), Error> {
        let row = sqlx::query!(
            r#"
            SELECT c.name, o.name AS organization_name
            FROM credentials c
            JOIN organizations o ON o.tenant_id = c.tenant_id AND o.id = c.organization_id
            WHERE c.tenant_id = $1 AND c.id = $2
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(Error::Missing { what: "credential" })?;
        let name = format!("{}/{}", row.organization_name, row.name);
        self.note(
            tx,
            Act {
                action,
                subject: ("credential", id.0, &name),
                before,
                after,
            },
        )
        .await
    }

    /// A name that no credential of an organization has yet: the user's, with a number if need be.
    pub(crate) async fn free_credential_name(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        organization: OrganizationId,
        login: &str,
    ) -> Result<Name, Error> {
        let taken = sqlx::query_scalar!(
            "SELECT name FROM credentials WHERE tenant_id = $1 AND organization_id = $2 AND removed_at IS NULL",
            self.tenant.0,
            organization.0,
        )
        .fetch_all(&mut **tx)
        .await?;
        let base: String = login.chars().take(Name::MAX - ROOM_FOR_A_NUMBER).collect();
        let name = free_name(&taken, &base, |number| format!("{base}-{number}"));
        decode::text("a credential's name", &name)
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
        .await
        .on_constraint("credentials_carried_check", || Error::Unregistered {
            account: id.to_string(),
        })?;
        found("credential", "store.credentials.set_health", &result)?;
        let action = match health {
            Health::Healthy => "credential.resume",
            Health::Paused => "credential.pause",
            Health::Dead { .. } => "credential.refuse",
        };
        self.note_credential(&mut tx, action, id, None, None)
            .await?;
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sets aside a credential whose token, or whose application's key, the host refused. If it has another one by now, it stays
    /// as it is.
    #[instrument(name = "store.credentials.park", skip_all, fields(credential = %id))]
    pub async fn park_credential(
        &self,
        id: CredentialId,
        version: i32,
        reason: &str,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let parked = sqlx::query!(
            r#"
            UPDATE credentials c
            SET health = 'dead', health_reason = $4
            WHERE c.tenant_id = $1
                AND c.id = $2
                AND c.health = 'healthy'
                AND (
                    EXISTS (
                        SELECT 1
                        FROM secrets s
                        WHERE s.tenant_id = c.tenant_id AND s.id = c.secret_id AND s.version = $3
                    )
                    OR EXISTS (
                        SELECT 1
                        FROM applications a
                        WHERE a.id = c.application_id AND c.secret_id IS NULL AND a.key_version = $3
                    )
                )
            "#,
            self.tenant.0,
            id.0,
            version,
            reason,
        )
        .execute(&mut *tx)
        .await?;
        if parked.rows_affected() > 0 {
            let after = json!({ "reason": reason });
            self.note_credential(&mut tx, "credential.refuse", id, None, Some(after))
                .await?;
        }
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sets which share of its quota is left to the person behind a credential.
    #[instrument(name = "store.credentials.set_reserve", skip_all, fields(credential = %id))]
    pub async fn set_reserve(&self, id: CredentialId, percent: u8) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE credentials
            SET reserve_percent = $3
            WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL
            "#,
            self.tenant.0,
            id.0,
            i16::from(percent),
        )
        .execute(&mut *tx)
        .await?;
        found("credential", "store.credentials.set_reserve", &result)?;
        let after = json!({ "reserve_percent": percent });
        self.note_credential(&mut tx, "credential.edit", id, None, Some(after))
            .await?;
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
