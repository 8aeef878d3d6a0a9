//! Renaming and removing an organization. What was backed up stays and can be restored; nothing new is backed up, and nothing
//! is forgotten by a rule any more.

use domain::{Name, OrganizationId, Retention, RunId};
use serde_json::json;
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::bell::announce;
use crate::error::{OnConstraint, found, meant};
use crate::{Act, Error, Leftover, Scoped, decode};

/// What removing an organization would do, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemovalEffects {
    /// Repositories that are not backed up any more.
    pub repositories: u64,
    /// Plans that are switched off.
    pub plans: Vec<Name>,
    /// Tasks that are cancelled.
    pub open_runs: u64,
    /// Credentials that are removed.
    pub credentials: u64,
    /// Entries of the Password Manager that nothing else uses.
    pub tokens: u64,
    /// Snapshots that stay.
    pub snapshots: u64,
    /// Repositories that have one.
    pub kept_repositories: u64,
}

/// What removing an organization did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The organization's name.
    pub name: Name,
    /// What it did, in numbers.
    pub effects: RemovalEffects,
}

impl Scoped {
    /// Gives an organization another name.
    #[instrument(name = "store.organizations.rename", skip_all, fields(organization = %id))]
    pub async fn rename_organization(&self, id: OrganizationId, name: &Name) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let before = sqlx::query_scalar!(
            r#"
            SELECT name
            FROM organizations
            WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL
            FOR UPDATE
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing {
            what: "organization",
        })?;
        let result = sqlx::query!(
            "UPDATE organizations SET name = $3 WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL",
            self.tenant.0,
            id.0,
            name.as_str(),
        )
        .execute(&mut *tx)
        .await
        .on_constraint("organizations_name_key", || Error::NameTaken {
            what: "an organization",
            name: name.to_string(),
        })?;
        found("organization", "store.organizations.rename", &result)?;
        self.note(
            &mut tx,
            Act {
                action: "organization.edit",
                subject: ("organization", id.0, name.as_str()),
                before: Some(json!({ "name": before })),
                after: Some(json!({ "name": name })),
            },
        )
        .await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What removing an organization would do.
    #[instrument(name = "store.organizations.removal_effects", skip_all, fields(organization = %id))]
    pub async fn removal_effects(&self, id: OrganizationId) -> Result<RemovalEffects, Error> {
        let mut tx = self.begin().await?;
        let effects = self.effects_in(&mut tx, id).await?;
        tx.commit().await?;
        Ok(effects)
    }

    /// Removes an organization: its plans are switched off and keep what they have for ever, its runs are cancelled, its
    /// credentials leave. Its snapshots stay where they are.
    #[instrument(name = "store.organizations.remove", skip_all, fields(organization = %id))]
    pub async fn remove_organization(
        &self,
        id: OrganizationId,
        tokens: Leftover,
    ) -> Result<Removal, Error> {
        let now = self.db.clock.now();
        let mut tx = self.begin().await?;
        let name = sqlx::query_scalar!(
            r#"
            SELECT name
            FROM organizations
            WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL
            FOR UPDATE
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing {
            what: "organization",
        })?;
        let effects = self.effects_in(&mut tx, id).await?;
        self.switch_plans_off(&mut tx, id).await?;
        for run in self.open_runs_of(&mut tx, id).await? {
            self.cancel_run_in(&mut tx, RunId(run)).await?;
        }
        self.remove_credentials_of(&mut tx, id, tokens).await?;
        let result = sqlx::query!(
            "UPDATE organizations SET removed_at = $3 WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
            now,
        )
        .execute(&mut *tx)
        .await?;
        meant("store.organizations.remove", 1, &result)?;
        self.note(
            &mut tx,
            Act {
                action: "organization.remove",
                subject: ("organization", id.0, &name),
                before: Some(json!({
                    "plans": effects.plans,
                    "credentials": effects.credentials,
                    "cancelled_tasks": effects.open_runs,
                })),
                after: Some(json!({ "kept_snapshots": effects.snapshots })),
            },
        )
        .await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(Removal {
            name: decode::text("an organization's name", &name)?,
            effects,
        })
    }

    async fn effects_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: OrganizationId,
    ) -> Result<RemovalEffects, Error> {
        let row = sqlx::query!(
            r#"
            SELECT
                (
                    SELECT count(*)
                    FROM repositories r
                    WHERE r.tenant_id = $1 AND r.organization_id = $2 AND r.gone_at IS NULL
                ) AS "repositories!",
                ARRAY(
                    SELECT p.name
                    FROM plans p
                    WHERE p.tenant_id = $1 AND p.organization_id = $2 AND p.removed_at IS NULL
                    ORDER BY p.name
                ) AS "plans!: Vec<String>",
                (
                    SELECT count(*)
                    FROM runs u
                    JOIN plans p ON p.tenant_id = u.tenant_id AND p.id = u.plan_id
                    WHERE u.tenant_id = $1 AND p.organization_id = $2 AND u.ended_at IS NULL
                ) AS "open_runs!",
                (
                    SELECT count(*)
                    FROM credentials c
                    WHERE c.tenant_id = $1 AND c.organization_id = $2 AND c.removed_at IS NULL
                ) AS "credentials!",
                (
                    SELECT count(DISTINCT c.secret_id)
                    FROM credentials c
                    WHERE c.tenant_id = $1
                        AND c.organization_id = $2
                        AND c.removed_at IS NULL
                        AND NOT EXISTS (
                            SELECT 1
                            FROM credentials x
                            WHERE x.tenant_id = c.tenant_id
                                AND x.secret_id = c.secret_id
                                AND x.organization_id <> c.organization_id
                        )
                ) AS "tokens!",
                (
                    SELECT count(*)
                    FROM snapshots s
                    WHERE s.tenant_id = $1 AND s.organization_id = $2 AND s.forgotten_at IS NULL
                ) AS "snapshots!",
                (
                    SELECT count(DISTINCT s.repository_id)
                    FROM snapshots s
                    WHERE s.tenant_id = $1 AND s.organization_id = $2 AND s.forgotten_at IS NULL
                ) AS "kept_repositories!"
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_one(&mut **tx)
        .await?;
        Ok(RemovalEffects {
            repositories: decode::count(row.repositories),
            plans: row
                .plans
                .iter()
                .map(|name| decode::text("a plan's name", name))
                .collect::<Result<_, _>>()?,
            open_runs: decode::count(row.open_runs),
            credentials: decode::count(row.credentials),
            tokens: decode::count(row.tokens),
            snapshots: decode::count(row.snapshots),
            kept_repositories: decode::count(row.kept_repositories),
        })
    }

    /// A paused plan never runs by itself, and a run cannot be asked for while its organization is removed. That
    /// it keeps everything from here on is what makes the promise about snapshots true.
    async fn switch_plans_off(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: OrganizationId,
    ) -> Result<(), Error> {
        sqlx::query!(
            "DELETE FROM plan_credentials WHERE tenant_id = $1 AND organization_id = $2",
            self.tenant.0,
            id.0,
        )
        .execute(&mut **tx)
        .await?;
        sqlx::query!(
            r#"
            UPDATE plans
            SET
                paused_at = coalesce(paused_at, $4),
                next_due_at = NULL,
                retention = $3,
                version = version + 1
            WHERE tenant_id = $1 AND organization_id = $2 AND removed_at IS NULL
            "#,
            self.tenant.0,
            id.0,
            decode::to_json("a retention rule", &Retention::default())?,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    async fn open_runs_of(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: OrganizationId,
    ) -> Result<Vec<Uuid>, Error> {
        Ok(sqlx::query_scalar!(
            r#"
            SELECT u.id
            FROM runs u
            JOIN plans p ON p.tenant_id = u.tenant_id AND p.id = u.plan_id
            WHERE u.tenant_id = $1 AND p.organization_id = $2 AND u.ended_at IS NULL
            ORDER BY u.id
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_all(&mut **tx)
        .await?)
    }

    async fn remove_credentials_of(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: OrganizationId,
        tokens: Leftover,
    ) -> Result<(), Error> {
        sqlx::query!(
            r#"
            DELETE FROM credential_access a
            USING credentials c
            WHERE a.tenant_id = $1
                AND c.tenant_id = a.tenant_id
                AND c.id = a.credential_id
                AND c.organization_id = $2
            "#,
            self.tenant.0,
            id.0,
        )
        .execute(&mut **tx)
        .await?;
        let secrets = sqlx::query_scalar!(
            r#"
            WITH leaving AS (
                SELECT id, secret_id
                FROM credentials
                WHERE tenant_id = $1 AND organization_id = $2 AND removed_at IS NULL
                FOR UPDATE
            )
            UPDATE credentials c
            SET removed_at = $3, secret_id = NULL
            FROM leaving l
            WHERE c.tenant_id = $1 AND c.id = l.id
            RETURNING l.secret_id
            "#,
            self.tenant.0,
            id.0,
            self.db.clock.now(),
        )
        .fetch_all(&mut **tx)
        .await?;
        if tokens == Leftover::DeleteIfUnused {
            for secret in secrets.into_iter().flatten() {
                self.delete_if_unused(tx, domain::SecretId(secret)).await?;
            }
        }
        Ok(())
    }
}
