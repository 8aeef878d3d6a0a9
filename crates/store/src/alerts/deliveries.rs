//! What is told on channels: taken by one process at a time, settled by the attempt that was made.

use chrono::{DateTime, TimeDelta, Utc};
use domain::alert::next_attempt;
use domain::{AlertId, AlertKind, ChannelId, Name, Secret, SecretId, Target, TenantId};
use tracing::instrument;
use uuid::Uuid;

use crate::bell::announce;
use crate::error::found;
use crate::{Error, Fleet, Scoped, Sealer, decode};

/// An attempt that nobody has settled within this time is made again: whoever made it is gone.
const LEASE: TimeDelta = TimeDelta::minutes(2);

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertMessage {
    /// The alert.
    pub alert: AlertId,
    /// What it is about.
    pub kind: AlertKind,
    /// What has happened.
    pub sentence: String,
    /// When it ends by itself, or when what it warns of comes.
    pub until: Option<DateTime<Utc>>,
    /// Since when.
    pub raised_at: DateTime<Utc>,
}

/// Something to tell on a channel, taken by this process.
#[derive(Debug, Clone)]
pub struct ClaimedDelivery {
    /// The tenant.
    pub tenant: TenantId,
    /// Its name.
    pub tenant_name: Name,
    /// Its id, the same at each attempt.
    pub id: Uuid,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The channel.
    pub channel: ChannelId,
    /// Where it leads.
    pub target: Target,
    /// Its secret, if it has one.
    pub secret: Option<SecretId>,
    /// What is told; nothing is a test.
    pub message: Option<AlertMessage>,
}

impl Scoped {
    /// Asks that a channel be tried.
    #[instrument(name = "store.alert_deliveries.test", skip_all, fields(channel = %channel))]
    pub async fn test_channel(&self, channel: ChannelId) -> Result<(), Error> {
        let now = self.db.clock.now();
        let mut tx = self.begin().await?;
        let name = self.lock_channel(&mut tx, channel).await?;
        // What was asked before and nobody has heard gives way.
        sqlx::query!(
            "DELETE FROM alert_deliveries WHERE tenant_id = $1 AND channel_id = $2 AND alert_id IS NULL",
            self.tenant.0,
            channel.0,
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            r#"
            INSERT INTO alert_deliveries (tenant_id, id, channel_id, state, next_at, requested_at)
            VALUES ($1, $2, $3, 'waiting', $4, $4)
            "#,
            self.tenant.0,
            Uuid::now_v7(),
            channel.0,
            now,
        )
        .execute(&mut *tx)
        .await?;
        self.note_channel(&mut tx, "alert_channel.test", channel, &name, None, None)
            .await?;
        announce(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl Fleet {
    /// Takes what is due to be told for longest.
    #[instrument(name = "store.alert_deliveries.claim", level = "debug", skip_all)]
    pub async fn claim_delivery(&self) -> Result<Option<ClaimedDelivery>, Error> {
        let now = self.db.clock.now();
        let row = sqlx::query!(
            r#"
            UPDATE alert_deliveries d
            SET attempt_count = d.attempt_count + 1, next_at = $2
            FROM alert_channels c, tenants t
            WHERE (d.tenant_id, d.id) = (
                    SELECT w.tenant_id, w.id
                    FROM alert_deliveries w
                    WHERE w.state = 'waiting' AND w.next_at <= $1
                    ORDER BY w.next_at
                    LIMIT 1
                    FOR UPDATE SKIP LOCKED
                )
                AND c.tenant_id = d.tenant_id
                AND c.id = d.channel_id
                AND t.id = d.tenant_id
            RETURNING
                d.tenant_id,
                t.name AS tenant,
                d.id,
                d.attempt_count,
                d.channel_id,
                d.alert_id,
                c.target,
                c.secret_id
            "#,
            now,
            now + LEASE,
        )
        .fetch_optional(&self.db.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let message = match row.alert_id {
            None => None,
            Some(alert) => Some(self.message(row.tenant_id, alert).await?),
        };
        Ok(Some(ClaimedDelivery {
            tenant: TenantId(row.tenant_id),
            tenant_name: decode::text("a tenant's name", &row.tenant)?,
            id: row.id,
            attempt: u32::try_from(row.attempt_count).unwrap_or(u32::MAX),
            channel: ChannelId(row.channel_id),
            target: decode::json("a channel's target", row.target)?,
            secret: row.secret_id.map(SecretId),
            message,
        }))
    }

    async fn message(&self, tenant: Uuid, alert: Uuid) -> Result<AlertMessage, Error> {
        let row = sqlx::query!(
            "SELECT kind, sentence, until, raised_at FROM alerts WHERE tenant_id = $1 AND id = $2",
            tenant,
            alert,
        )
        .fetch_optional(&self.db.pool)
        .await?
        .ok_or(Error::Missing { what: "alert" })?;
        Ok(AlertMessage {
            alert: AlertId(alert),
            kind: decode::word("a kind of alert", &row.kind)?,
            sentence: row.sentence,
            until: row.until,
            raised_at: row.raised_at,
        })
    }

    /// Opens the secret of a channel.
    pub async fn delivery_secret(
        &self,
        claim: &ClaimedDelivery,
        sealer: &Sealer,
    ) -> Result<Option<Secret>, Error> {
        let Some(secret) = claim.secret else {
            return Ok(None);
        };
        let scoped = self.db.tenant(claim.tenant);
        Ok(Some(scoped.open_secret(sealer, secret).await?))
    }

    /// Writes down what came of an attempt: heard, or why not; a test is not repeated. Says when it is tried again.
    #[instrument(name = "store.alert_deliveries.settle", level = "debug", skip_all)]
    pub async fn settle_delivery(
        &self,
        claim: &ClaimedDelivery,
        outcome: Result<(), &str>,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let now = self.db.clock.now();
        let next = match outcome {
            Ok(()) => None,
            Err(_) if claim.message.is_none() => None,
            Err(_) => next_attempt(claim.attempt, now),
        };
        let state = match (outcome, next) {
            (Ok(()), _) => "sent",
            (Err(_), Some(_)) => "waiting",
            (Err(_), None) => "given_up",
        };
        let result = sqlx::query!(
            r#"
            UPDATE alert_deliveries
            SET
                state = $4,
                refusal = $5,
                next_at = coalesce($6, next_at),
                ended_at = CASE WHEN $4 = 'waiting' THEN NULL ELSE $7::timestamptz END
            WHERE tenant_id = $1 AND id = $2 AND attempt_count = $3 AND state = 'waiting'
            "#,
            claim.tenant.0,
            claim.id,
            i32::try_from(claim.attempt).unwrap_or(i32::MAX),
            state,
            outcome.err(),
            next,
            now,
        )
        .execute(&self.db.pool)
        .await?;
        found("delivery", "store.alert_deliveries.settle", &result)?;
        Ok(next)
    }

    /// When something is to be told next.
    #[instrument(name = "store.alert_deliveries.next", level = "debug", skip_all)]
    pub async fn next_delivery_at(&self) -> Result<Option<DateTime<Utc>>, Error> {
        Ok(
            sqlx::query_scalar!(
                "SELECT min(next_at) FROM alert_deliveries WHERE state = 'waiting'"
            )
            .fetch_one(&self.db.pool)
            .await?,
        )
    }
}
