//! Claiming a check, saying how far it is, and refusing.

use chrono::TimeDelta;
use domain::check::Field;
use domain::{
    CheckId, Errand, OrganizationId, Refusal, Secret, SecretId, Step, TenantId, WorkerId,
};
use tracing::instrument;

use crate::{Actor, Error, Fleet, Sealer, decode};

/// A check that nobody has done by then is given up, and its token wiped: whoever waited for it has gone.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::hours(1);

/// Checks that have ended are kept this long.
const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// The right to do a check.
#[derive(Debug, Clone)]
pub struct ClaimedCheck {
    /// The tenant.
    pub tenant: TenantId,
    /// The check.
    pub check: CheckId,
    /// Number of the claim: the newest one counts.
    pub fence: i64,
    /// What for.
    pub errand: Errand,
    /// The organization that it is about, if there is one already.
    pub organization: Option<OrganizationId>,
    /// Who asked for it: what it changes is done in this name.
    pub asked_by: Actor,
    /// The entry to try; nothing if a token was given for the trial.
    pub secret: Option<SecretId>,
}

impl Fleet {
    /// Claims the check that has waited longest.
    #[instrument(name = "store.checks.claim", level = "debug", skip_all, fields(worker = %worker))]
    pub async fn claim_check(&self, worker: WorkerId) -> Result<Option<ClaimedCheck>, Error> {
        let mut tx = self.db.begin().await?;
        crate::workers::check_alive(&mut tx, worker).await?;
        let row = sqlx::query!(
            r#"
            WITH next AS MATERIALIZED (
                SELECT tenant_id, id
                FROM checks
                WHERE ended_at IS NULL AND state = 'queued'
                ORDER BY requested_at, id
                LIMIT 1
                FOR NO KEY UPDATE SKIP LOCKED
            )
            UPDATE checks c
            SET state = 'running', worker_id = $1, fence = c.fence + 1, steps = '[]'
            FROM next
            WHERE c.tenant_id = next.tenant_id AND c.id = next.id
            RETURNING c.tenant_id, c.id, c.fence, c.errand, c.organization_id, c.secret_id, c.asked_by
            "#,
            worker.0,
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        row.map(|row| {
            Ok(ClaimedCheck {
                tenant: TenantId(row.tenant_id),
                check: CheckId(row.id),
                fence: row.fence,
                errand: decode::json("an errand", row.errand)?,
                asked_by: decode::json("an actor", row.asked_by)?,
                organization: row.organization_id.map(OrganizationId),
                secret: row.secret_id.map(SecretId),
            })
        })
        .transpose()
    }

    /// The token that a check tries.
    #[instrument(name = "store.checks.token", skip_all, fields(check = %claim.check))]
    pub async fn check_token(
        &self,
        claim: &ClaimedCheck,
        sealer: &Sealer,
    ) -> Result<Secret, Error> {
        let scoped = self.db.tenant(claim.tenant);
        if let Some(secret) = claim.secret {
            return scoped.open_secret(sealer, secret).await;
        }
        let mut tx = scoped.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT c.sealed AS "sealed!", k.version, k.wrapped
            FROM checks c
            JOIN tenant_keys k ON k.tenant_id = c.tenant_id AND k.version = c.key_version
            WHERE c.tenant_id = $1 AND c.id = $2 AND c.fence = $3
            "#,
            claim.tenant.0,
            claim.check.0,
            claim.fence,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(LOST)?;
        tx.commit().await?;
        scoped.open_given(
            sealer,
            claim.check,
            (row.version, &row.wrapped),
            &row.sealed,
        )
    }

    /// Says which step a check has begun.
    #[instrument(name = "store.checks.step", level = "debug", skip_all, fields(check = %claim.check))]
    pub async fn check_step(&self, claim: &ClaimedCheck, step: Step) -> Result<(), Error> {
        let mut tx = self.db.tenant(claim.tenant).begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE checks
            SET steps = steps || $4::jsonb
            WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND worker_id IS NOT NULL
            "#,
            claim.tenant.0,
            claim.check.0,
            claim.fence,
            decode::to_json("a step", &[step])?,
        )
        .execute(&mut *tx)
        .await?;
        held(&result)?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends a check whose token is not taken. When the host does not know a stored one any more, every credential that uses
    /// it is set aside with that `reason`.
    #[instrument(name = "store.checks.refuse", skip_all, fields(check = %claim.check))]
    pub async fn refuse_check(
        &self,
        claim: &ClaimedCheck,
        refusal: &Refusal,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let scoped = self.db.tenant(claim.tenant);
        let now = self.db.clock.now();
        let mut tx = scoped.begin().await?;
        let result = sqlx::query!(
            r#"
            UPDATE checks
            SET
                state = 'refused',
                refusal = $4,
                ended_at = $5,
                worker_id = NULL,
                sealed = NULL,
                key_version = NULL
            WHERE tenant_id = $1 AND id = $2 AND fence = $3 AND worker_id IS NOT NULL
            "#,
            claim.tenant.0,
            claim.check.0,
            claim.fence,
            decode::to_json("a refusal", refusal)?,
            now,
        )
        .execute(&mut *tx)
        .await?;
        held(&result)?;
        if let Errand::Recheck { credential } = &claim.errand {
            sqlx::query!(
                r#"
                UPDATE credentials
                SET
                    checked_at = $3,
                    health = CASE WHEN $4::text IS NOT NULL AND health <> 'paused' THEN 'dead' ELSE health END,
                    health_reason = CASE WHEN $4 IS NOT NULL AND health <> 'paused' THEN $4 ELSE health_reason END
                WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL
                "#,
                claim.tenant.0,
                credential.0,
                now,
                reason,
            )
            .execute(&mut *tx)
            .await?;
        }
        crate::bell::announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives up what nobody has done, wiping the tokens that were given for it, and forgets what ended long ago. Answers how
    /// many were given up.
    #[instrument(name = "store.checks.sweep", level = "debug", skip_all)]
    pub async fn sweep_checks(&self) -> Result<u64, Error> {
        let now = self.db.clock.now();
        let refusal = Refusal::new(
            Field::Token,
            "Nobody could check this in time: see that a worker is running, then try again.",
        );
        let given_up = sqlx::query!(
            r#"
            UPDATE checks
            SET
                state = 'refused',
                refusal = $1,
                ended_at = $2,
                worker_id = NULL,
                fence = fence + 1,
                sealed = NULL,
                key_version = NULL
            WHERE ended_at IS NULL AND requested_at <= $3
            "#,
            decode::to_json("a refusal", &refusal)?,
            now,
            now - GIVEN_UP_AFTER,
        )
        .execute(&self.db.pool)
        .await?;
        sqlx::query!("DELETE FROM checks WHERE ended_at <= $1", now - KEPT_FOR)
            .execute(&self.db.pool)
            .await?;
        Ok(given_up.rows_affected())
    }
}

pub(super) const LOST: Error = Error::LostFence { what: "the check" };

pub(super) fn held(result: &sqlx::postgres::PgQueryResult) -> Result<(), Error> {
    match result.rows_affected() {
        0 => Err(LOST),
        _ => Ok(()),
    }
}
