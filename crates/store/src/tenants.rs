//! Tenants: customers of this installation.

use chrono::{DateTime, Utc};
use domain::{Name, TenantId, Weight};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::error::{OnConstraint, meant};
use crate::{Act, Error, Fleet, Sealer, audit, decode, seal};

/// A customer of this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name, unique in the installation.
    pub name: Name,
    /// How much it gets beside other tenants that use the same quota.
    pub weight: Weight,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

impl Fleet {
    /// Adds a tenant, with a key of its own for its secrets.
    #[instrument(name = "store.tenants.add", skip_all)]
    pub async fn add_tenant(&self, name: &Name, sealer: &Sealer) -> Result<Tenant, Error> {
        let mut tx = self.db.begin().await?;
        let tenant = self.add_tenant_in(&mut tx, name, sealer).await?;
        tx.commit().await?;
        Ok(tenant)
    }

    pub(crate) async fn add_tenant_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        name: &Name,
        sealer: &Sealer,
    ) -> Result<Tenant, Error> {
        let tenant = Tenant {
            id: TenantId::new(),
            name: name.clone(),
            weight: Weight::USUAL,
            created_at: self.db.clock.now(),
        };
        seal::hold_off(tx).await?;
        let key = sealer.new_tenant_key(tenant.id, 1)?;
        sqlx::query!(
            "INSERT INTO tenants (id, name, created_at) VALUES ($1, $2, $3)",
            tenant.id.0,
            name.as_str(),
            tenant.created_at,
        )
        .execute(&mut **tx)
        .await
        .on_constraint("tenants_name_key", || Error::NameTaken {
            what: "a tenant",
            name: name.to_string(),
        })?;
        sqlx::query!(
            "INSERT INTO tenant_keys (tenant_id, version, wrapped, created_at) VALUES ($1, 1, $2, $3)",
            tenant.id.0,
            key,
            tenant.created_at,
        )
        .execute(&mut **tx)
        .await?;
        for log in [Some(tenant.id), None] {
            let act = Act {
                action: "tenant.add",
                subject: ("tenant", tenant.id.0, name.as_str()),
                before: None,
                after: None,
            };
            audit::write(tx, log, tenant.created_at, &self.actor, act).await?;
        }
        Ok(tenant)
    }

    /// All tenants, by name.
    #[instrument(name = "store.tenants.list", skip_all)]
    pub async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        sqlx::query!("SELECT id, name, weight, created_at FROM tenants ORDER BY name")
            .fetch_all(&self.db.pool)
            .await?
            .into_iter()
            .map(|row| {
                Ok(Tenant {
                    id: TenantId(row.id),
                    name: decode::text("a tenant's name", &row.name)?,
                    weight: decode::weight(row.weight)?,
                    created_at: row.created_at,
                })
            })
            .collect()
    }

    /// Changes how much a tenant gets beside others.
    #[instrument(name = "store.tenants.weigh", skip_all, fields(%tenant, %weight))]
    pub async fn weigh_tenant(&self, tenant: TenantId, weight: Weight) -> Result<(), Error> {
        let now = self.db.clock.now();
        let mut tx = self.db.begin().await?;
        let before = sqlx::query!(
            "SELECT name, weight FROM tenants WHERE id = $1 FOR NO KEY UPDATE",
            tenant.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing { what: "tenant" })?;
        let result = sqlx::query!(
            "UPDATE tenants SET weight = $2 WHERE id = $1",
            tenant.0,
            decode::to_weight(weight),
        )
        .execute(&mut *tx)
        .await?;
        meant("store.tenants.weigh", 1, &result)?;
        for log in [Some(tenant), None] {
            let act = Act {
                action: "tenant.edit",
                subject: ("tenant", tenant.0, &before.name),
                before: Some(json!({ "weight": before.weight })),
                after: Some(json!({ "weight": weight })),
            };
            audit::write(&mut tx, log, now, &self.actor, act).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// The tenant of that name.
    pub async fn tenant_by_name(&self, name: &str) -> Result<Option<Tenant>, Error> {
        let tenants = self.tenants().await?;
        Ok(tenants
            .into_iter()
            .find(|tenant| tenant.name.as_str() == name))
    }

    /// Checks that the master key opens what this installation has sealed; an installation without tenants accepts any.
    #[instrument(name = "store.tenant_keys.check", skip_all)]
    pub async fn check_master_key(&self, sealer: &Sealer) -> Result<(), Error> {
        let key = sqlx::query!(
            "SELECT tenant_id, version, wrapped FROM tenant_keys ORDER BY created_at LIMIT 1"
        )
        .fetch_optional(&self.db.pool)
        .await?;
        match key {
            Some(key) => sealer
                .unwrap(TenantId(key.tenant_id), key.version, &key.wrapped)
                .map(drop),
            None => Ok(()),
        }
    }
}
