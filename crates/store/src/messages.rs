//! What hosts tell applications: each message once, and what follows from it for the rows of all tenants.

use chrono::TimeDelta;
use domain::{ApplicationId, CredentialId, Notice, TenantId};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::bell::announce;
use crate::{Error, Fleet, decode};

/// Hosts send a message again for three days (GitHub docs, handling failed webhook deliveries); it is known for longer.
const KEPT_FOR: TimeDelta = TimeDelta::days(8);

/// A message to act upon.
struct Claimed {
    application: Uuid,
    guid: String,
    notice: Option<Notice>,
}

impl Fleet {
    /// Takes a message in. Says whether it is new. What means nothing here is only remembered.
    #[instrument(name = "store.messages.receive", skip_all, fields(application = %application, guid))]
    pub async fn receive_message(
        &self,
        application: ApplicationId,
        guid: &str,
        notice: Option<&Notice>,
    ) -> Result<bool, Error> {
        let now = self.db.clock.now();
        let mut tx = self.db.begin().await?;
        let result = sqlx::query!(
            r#"
            INSERT INTO messages (application_id, guid, notice, received_at, done_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING
            "#,
            application.0,
            guid,
            decode::to_json("a notice", &notice)?,
            now,
            notice.is_none().then_some(now),
        )
        .execute(&mut *tx)
        .await?;
        let is_new = result.rows_affected() > 0;
        if is_new && notice.is_some() {
            announce(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(is_new)
    }

    /// Which of these messages have come already.
    #[instrument(name = "store.messages.known", level = "debug", skip_all)]
    pub async fn known_messages(
        &self,
        application: ApplicationId,
        guids: &[String],
    ) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar!(
            "SELECT guid FROM messages WHERE application_id = $1 AND guid = ANY($2)",
            application.0,
            guids,
        )
        .fetch_all(&self.db.pool)
        .await?)
    }

    /// Acts upon the message that has waited longest. Says whether there was one.
    #[instrument(name = "store.messages.act", level = "debug", skip_all)]
    pub async fn act_on_message(&self) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT application_id, guid, notice
            FROM messages
            WHERE done_at IS NULL
            ORDER BY received_at, application_id, guid
            LIMIT 1
            FOR UPDATE SKIP LOCKED
            "#,
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(false) };
        let claimed = Claimed {
            application: row.application_id,
            guid: row.guid,
            notice: decode::json("a notice", row.notice)?,
        };
        if let Some(notice) = &claimed.notice {
            self.apply(&mut tx, claimed.application, notice).await?;
        }
        sqlx::query!(
            "UPDATE messages SET done_at = $3 WHERE application_id = $1 AND guid = $2",
            claimed.application,
            claimed.guid,
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Forgets messages that no host sends again.
    #[instrument(name = "store.messages.sweep", level = "debug", skip_all)]
    pub async fn sweep_messages(&self) -> Result<(), Error> {
        let before = self.db.clock.now() - KEPT_FOR;
        sqlx::query!("DELETE FROM messages WHERE done_at <= $1", before)
            .execute(&self.db.pool)
            .await?;
        Ok(())
    }

    async fn apply(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        application: Uuid,
        notice: &Notice,
    ) -> Result<(), Error> {
        match notice {
            Notice::Installed {
                installation,
                account,
                requester,
            } => {
                self.approve(tx, application, *installation, *account, *requester)
                    .await
            }
            Notice::Uninstalled { installation } => {
                self.uninstall(tx, application, *installation).await
            }
            Notice::Suspended { installation, by } => {
                let by = by
                    .as_deref()
                    .map_or(String::new(), |by| format!(" by {by}"));
                let reason = format!("This installation has been suspended{by}");
                self.suspend(tx, application, *installation, &reason).await
            }
            Notice::Resumed { installation } => self.resume(tx, application, *installation).await,
            Notice::Repositories {
                installation,
                added,
                removed,
            } => {
                self.cover(tx, application, *installation, added, true)
                    .await?;
                self.cover(tx, application, *installation, removed, false)
                    .await
            }
            Notice::AccountRenamed { account, login } => {
                self.rename_account(tx, application, *account, login).await
            }
            Notice::RepositoryRenamed { repository, name } => {
                self.touch(tx, application, *repository, Some(name)).await
            }
            Notice::Pushed { repository } => self.touch(tx, application, *repository, None).await,
        }
    }

    /// An owner has installed what somebody had asked for: it is offered to that person, if she is who the host says has asked.
    async fn approve(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        application: Uuid,
        installation: i64,
        account: i64,
        requester: Option<i64>,
    ) -> Result<(), Error> {
        sqlx::query!(
            r#"
            UPDATE installation_requests
            SET installation_id = $4, approved_at = $5
            WHERE application_id = $1 AND account_id = $2 AND requester_id = $3
            "#,
            application,
            account,
            requester,
            installation,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// The application was taken off an account. Where it was the main one, the additional ones end there too.
    async fn uninstall(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        application: Uuid,
        installation: i64,
    ) -> Result<(), Error> {
        // In the order of ids, as everybody who holds several.
        sqlx::query!(
            r#"
            SELECT o.id
            FROM organizations o
            WHERE EXISTS (
                SELECT 1
                FROM credentials c
                WHERE c.tenant_id = o.tenant_id
                    AND c.organization_id = o.id
                    AND c.application_id = $1
                    AND c.installation_id = $2
                    AND c.removed_at IS NULL
            )
            ORDER BY o.tenant_id, o.id
            FOR UPDATE
            "#,
            application,
            installation,
        )
        .fetch_all(&mut **tx)
        .await?;
        let gone = sqlx::query!(
            r#"
            UPDATE credentials
            SET health = 'dead', health_reason = 'The application was uninstalled', installation_id = NULL
            WHERE application_id = $1 AND installation_id = $2 AND removed_at IS NULL
            RETURNING tenant_id, organization_id, id, role, account_id
            "#,
            application,
            installation,
        )
        .fetch_all(&mut **tx)
        .await?;
        for row in gone {
            self.note_parked(tx, row.tenant_id, row.id, "The application was uninstalled")
                .await?;
            if row.role != "main" {
                continue;
            }
            let carried = sqlx::query_scalar!(
                r#"
                UPDATE credentials
                SET health = 'dead', health_reason = 'The main application was uninstalled from this account'
                WHERE tenant_id = $1
                    AND organization_id = $2
                    AND account_id = $3
                    AND role = 'additional'
                    AND health <> 'dead'
                    AND removed_at IS NULL
                RETURNING id
                "#,
                row.tenant_id,
                row.organization_id,
                row.account_id,
            )
            .fetch_all(&mut **tx)
            .await?;
            for id in carried {
                let reason = "The main application was uninstalled from this account";
                self.note_parked(tx, row.tenant_id, id, reason).await?;
            }
        }
        sqlx::query!(
            "DELETE FROM installation_requests WHERE application_id = $1 AND installation_id = $2",
            application,
            installation,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    async fn suspend(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        application: Uuid,
        installation: i64,
        reason: &str,
    ) -> Result<(), Error> {
        let parked = sqlx::query!(
            r#"
            UPDATE credentials
            SET health = 'dead', health_reason = $3
            WHERE application_id = $1 AND installation_id = $2 AND health <> 'dead' AND removed_at IS NULL
            RETURNING tenant_id, id
            "#,
            application,
            installation,
            reason,
        )
        .fetch_all(&mut **tx)
        .await?;
        for row in parked {
            self.note_parked(tx, row.tenant_id, row.id, reason).await?;
        }
        Ok(())
    }

    /// What was suspended is used again: not what was set aside for anything else.
    async fn resume(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        application: Uuid,
        installation: i64,
    ) -> Result<(), Error> {
        let resumed = sqlx::query!(
            r#"
            UPDATE credentials c
            SET health = 'healthy', health_reason = NULL
            WHERE c.application_id = $1
                AND c.installation_id = $2
                AND c.health = 'dead'
                AND c.health_reason LIKE '%has been suspended%'
                AND c.removed_at IS NULL
                AND (
                    c.role = 'main'
                    OR NOT EXISTS (
                        SELECT 1
                        FROM credentials m
                        WHERE m.tenant_id = c.tenant_id
                            AND m.organization_id = c.organization_id
                            AND m.role = 'main'
                            AND m.kind = 'app_installation'
                            AND m.removed_at IS NULL
                    )
                    OR EXISTS (
                        SELECT 1
                        FROM credentials m
                        WHERE m.tenant_id = c.tenant_id
                            AND m.organization_id = c.organization_id
                            AND m.role = 'main'
                            AND m.account_id = c.account_id
                            AND m.installation_id IS NOT NULL
                            AND m.removed_at IS NULL
                    )
                )
            RETURNING c.tenant_id, c.id
            "#,
            application,
            installation,
        )
        .fetch_all(&mut **tx)
        .await?;
        for row in resumed {
            self.note(tx, row.tenant_id, row.id, "credential.resume", None)
                .await?;
        }
        Ok(())
    }

    /// Which repositories an installation sees has changed.
    async fn cover(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        application: Uuid,
        installation: i64,
        repositories: &[i64],
        sees: bool,
    ) -> Result<(), Error> {
        sqlx::query!(
            r#"
            INSERT INTO credential_access (tenant_id, credential_id, forge_repository_id, sees, learnt_at)
            SELECT c.tenant_id, c.id, r.id, $4, $5
            FROM credentials c
            CROSS JOIN unnest($3::bigint[]) AS r (id)
            WHERE c.application_id = $1 AND c.installation_id = $2 AND c.removed_at IS NULL
            ON CONFLICT (tenant_id, credential_id, forge_repository_id) DO UPDATE
            SET sees = EXCLUDED.sees, learnt_at = EXCLUDED.learnt_at
            "#,
            application,
            installation,
            repositories,
            sees,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    async fn rename_account(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        application: Uuid,
        account: i64,
        login: &str,
    ) -> Result<(), Error> {
        sqlx::query!(
            r#"
            UPDATE accounts a
            SET login = $3
            FROM organizations o, applications p
            WHERE p.id = $1
                AND o.host_url = p.host_url
                AND a.tenant_id = o.tenant_id
                AND a.organization_id = o.id
                AND a.forge_id = $2
            "#,
            application,
            account,
            login,
        )
        .execute(&mut **tx)
        .await?;
        sqlx::query!(
            "UPDATE credentials SET login = $3 WHERE application_id = $1 AND account_id = $2 AND removed_at IS NULL",
            application,
            account,
            login,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// A repository is known to have changed, and what it is called today if the host says so.
    async fn touch(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        application: Uuid,
        repository: i64,
        name: Option<&str>,
    ) -> Result<(), Error> {
        sqlx::query!(
            r#"
            UPDATE repositories r
            SET
                changed_at = CASE WHEN $3::text IS NULL THEN $4 ELSE r.changed_at END,
                name = coalesce($3, r.name)
            FROM organizations o, applications p
            WHERE p.id = $1
                AND o.host_url = p.host_url
                AND r.tenant_id = o.tenant_id
                AND r.organization_id = o.id
                AND r.forge_id = $2
            "#,
            application,
            repository,
            name,
            self.db.clock.now(),
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    async fn note_parked(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        tenant: Uuid,
        credential: Uuid,
        reason: &str,
    ) -> Result<(), Error> {
        let after = json!({ "reason": reason });
        self.note(tx, tenant, credential, "credential.refuse", Some(after))
            .await
    }

    async fn note(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        tenant: Uuid,
        credential: Uuid,
        action: &'static str,
        after: Option<Value>,
    ) -> Result<(), Error> {
        self.db
            .tenant(TenantId(tenant))
            .note_credential(tx, action, CredentialId(credential), None, after)
            .await
    }
}

#[cfg(test)]
mod tests;
