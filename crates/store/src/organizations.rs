//! Organizations: registered connections to hosts, with the accounts that they cover.

use chrono::{DateTime, Utc};
use domain::{Host, Name, OrganizationId};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::OnConstraint;
use crate::{Act, Error, NewCredential, Scoped, Sealer, decode};

mod remove;
mod tiles;

pub use remove::{Removal, RemovalEffects};
pub use tiles::{Tile, TileCredential, TilePlan, TileRun};

/// A registered connection to one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name, unique in the tenant.
    pub name: Name,
    /// The host.
    pub host: Host,
    /// The accounts whose repositories it covers, by login.
    pub accounts: Vec<Account>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

/// A namespace on the host that owns repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name on the host.
    pub login: String,
    /// Its number on the host, which outlives a change of name.
    pub forge_id: i64,
    /// Whether it is an organization of the host, not a person.
    pub is_organization: bool,
}

/// An organization to register.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// Its name.
    pub name: Name,
    /// The host.
    pub host: Host,
    /// The accounts whose repositories it covers.
    pub accounts: Vec<Account>,
}

impl Scoped {
    /// The ids and names of all organizations, by name.
    #[instrument(name = "store.organizations.names", level = "debug", skip_all)]
    pub async fn organization_names(&self) -> Result<Vec<(OrganizationId, Name)>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            "SELECT id, name FROM organizations WHERE tenant_id = $1 ORDER BY name",
            self.tenant.0,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                let name = decode::text("an organization's name", &row.name)?;
                Ok((OrganizationId(row.id), name))
            })
            .collect()
    }

    /// Registers an organization with its main credential: both or neither.
    #[instrument(name = "store.organizations.add", skip_all)]
    pub async fn add_organization(
        &self,
        sealer: &Sealer,
        new: NewOrganization,
        main: NewCredential,
    ) -> Result<Organization, Error> {
        let mut tx = self.begin().await?;
        let added = self.add_organization_in(&mut tx, sealer, new, main).await?;
        tx.commit().await?;
        Ok(added)
    }

    pub(crate) async fn add_organization_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        sealer: &Sealer,
        new: NewOrganization,
        main: NewCredential,
    ) -> Result<Organization, Error> {
        let id = OrganizationId::new();
        let now = self.db.clock.now();
        sqlx::query!(
            r#"
            INSERT INTO organizations (tenant_id, id, name, host_kind, host_url, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            "#,
            self.tenant.0,
            id.0,
            new.name.as_str(),
            new.host.kind().as_str(),
            new.host.to_string(),
            now,
        )
        .execute(&mut **tx)
        .await
        .on_constraint("organizations_name_key", || Error::NameTaken {
            what: "an organization",
            name: new.name.to_string(),
        })?;
        for account in &new.accounts {
            self.add_account(tx, id, account).await?;
        }
        let logins: Vec<&str> = new.accounts.iter().map(|one| one.login.as_str()).collect();
        self.note(
            tx,
            Act {
                action: "organization.add",
                subject: ("organization", id.0, new.name.as_str()),
                before: None,
                after: Some(json!({ "host": new.host.to_string(), "accounts": logins })),
            },
        )
        .await?;
        self.add_credential_in(tx, sealer, id, &main).await?;
        Ok(Organization {
            id,
            name: new.name,
            host: new.host,
            accounts: new.accounts,
            created_at: now,
        })
    }

    /// Keeps an organization from being removed until the transaction ends.
    pub(crate) async fn lock_organization(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: OrganizationId,
    ) -> Result<(), Error> {
        sqlx::query_scalar!(
            "SELECT id FROM organizations WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL FOR SHARE",
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

    pub(crate) async fn add_account(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        organization: OrganizationId,
        account: &Account,
    ) -> Result<(), Error> {
        sqlx::query!(
            r#"
            INSERT INTO accounts (tenant_id, organization_id, forge_id, login, is_organization)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (tenant_id, organization_id, forge_id) DO UPDATE SET login = EXCLUDED.login
            "#,
            self.tenant.0,
            organization.0,
            account.forge_id,
            account.login,
            account.is_organization,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// All organizations, by name.
    #[instrument(name = "store.organizations.list", skip_all)]
    pub async fn organizations(&self) -> Result<Vec<Organization>, Error> {
        let mut tx = self.begin().await?;
        let organizations = self.organizations_in(&mut tx, None).await?;
        tx.commit().await?;
        Ok(organizations)
    }

    /// One organization.
    #[instrument(name = "store.organizations.find", skip_all, fields(organization = %id))]
    pub async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>, Error> {
        let mut tx = self.begin().await?;
        let organizations = self.organizations_in(&mut tx, Some(id)).await?;
        tx.commit().await?;
        Ok(organizations.into_iter().next())
    }

    /// The organization of that name.
    pub async fn organization_by_name(&self, name: &str) -> Result<Option<Organization>, Error> {
        let organizations = self.organizations().await?;
        Ok(organizations
            .into_iter()
            .find(|organization| organization.name.as_str() == name))
    }

    pub(crate) async fn organizations_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        only: Option<OrganizationId>,
    ) -> Result<Vec<Organization>, Error> {
        let only = only.map(|id| id.0);
        let rows = sqlx::query!(
            r#"
            SELECT id, name, host_kind, host_url, created_at
            FROM organizations
            WHERE tenant_id = $1 AND removed_at IS NULL AND ($2::uuid IS NULL OR id = $2)
            ORDER BY name
            "#,
            self.tenant.0,
            only,
        )
        .fetch_all(&mut **tx)
        .await?;
        let accounts = sqlx::query!(
            r#"
            SELECT organization_id, forge_id, login, is_organization
            FROM accounts
            WHERE tenant_id = $1 AND ($2::uuid IS NULL OR organization_id = $2)
            ORDER BY login
            "#,
            self.tenant.0,
            only,
        )
        .fetch_all(&mut **tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Organization {
                    id: OrganizationId(row.id),
                    name: decode::text("an organization's name", &row.name)?,
                    host: decode::host(&row.host_kind, &row.host_url)?,
                    accounts: accounts
                        .iter()
                        .filter(|account| account.organization_id == row.id)
                        .map(|account| Account {
                            login: account.login.clone(),
                            forge_id: account.forge_id,
                            is_organization: account.is_organization,
                        })
                        .collect(),
                    created_at: row.created_at,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
