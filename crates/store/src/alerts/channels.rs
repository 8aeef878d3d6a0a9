//! Channels on which a tenant is told of alerts. Their secrets are entries of the Password Manager.

use chrono::{DateTime, Utc};
use domain::{ChannelId, Label, Secret, SecretId, Target};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::error::{OnConstraint, found};
use crate::secrets::SecretKind;
use crate::{Act, Error, Scoped, Sealer, decode};

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// What it is called.
    pub name: Label,
    /// Where it leads.
    pub target: Target,
    /// The entry of the Password Manager with its secret.
    pub secret: Option<(SecretId, Label)>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// What came of what was told last.
    pub last: Option<Heard>,
}

/// What came of something that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Whether it was a test.
    pub is_test: bool,
    /// When it was to be told.
    pub requested_at: DateTime<Utc>,
    /// When it was heard or given up; nothing while it is tried.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it was not heard, at the last attempt.
    pub refusal: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: DateTime<Utc>,
}

/// A channel to add, or what one is to become.
#[derive(Debug, Clone)]
pub struct NewChannel {
    /// What it is called.
    pub name: Label,
    /// Where it leads.
    pub target: Target,
    /// What becomes of its secret.
    pub secret: ChannelSecret,
}

/// What becomes of a channel's secret.
#[derive(Debug, Clone)]
pub enum ChannelSecret {
    /// It needs none.
    None,
    /// It stays.
    Keep,
    /// This one is kept from here on.
    Set(Secret),
}

impl Scoped {
    /// All channels, by name.
    #[instrument(name = "store.alert_channels.list", skip_all)]
    pub async fn channels(&self) -> Result<Vec<Channel>, Error> {
        self.channels_where(None).await
    }

    /// One channel.
    #[instrument(name = "store.alert_channels.find", level = "debug", skip_all, fields(channel = %id))]
    pub async fn channel(&self, id: ChannelId) -> Result<Option<Channel>, Error> {
        Ok(self.channels_where(Some(id)).await?.pop())
    }

    async fn channels_where(&self, only: Option<ChannelId>) -> Result<Vec<Channel>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT
                c.id,
                c.name,
                c.target,
                c.secret_id,
                s.name AS "secret_name?",
                c.created_at,
                d.alert_id AS "alert_id?",
                d.requested_at AS "requested_at?",
                d.ended_at AS "ended_at?",
                d.refusal AS "refusal?",
                d.attempt_count AS "attempt_count?",
                d.next_at AS "next_at?"
            FROM alert_channels c
            LEFT JOIN secrets s ON s.tenant_id = c.tenant_id AND s.id = c.secret_id
            LEFT JOIN LATERAL (
                SELECT alert_id, requested_at, ended_at, refusal, attempt_count, next_at
                FROM alert_deliveries
                WHERE tenant_id = c.tenant_id AND channel_id = c.id
                ORDER BY requested_at DESC
                LIMIT 1
            ) d ON true
            WHERE c.tenant_id = $1 AND ($2::uuid IS NULL OR c.id = $2)
            ORDER BY c.name
            "#,
            self.tenant.0,
            only.map(|id| id.0),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                let secret = match (row.secret_id, row.secret_name) {
                    (Some(id), Some(name)) => {
                        Some((SecretId(id), decode::text("an entry's name", &name)?))
                    }
                    _ => None,
                };
                let last = row
                    .requested_at
                    .zip(row.next_at)
                    .map(|(requested_at, next_at)| Heard {
                        is_test: row.alert_id.is_none(),
                        requested_at,
                        ended_at: row.ended_at,
                        refusal: row.refusal,
                        attempts: u32::try_from(row.attempt_count.unwrap_or(0)).unwrap_or(u32::MAX),
                        next_at,
                    });
                Ok(Channel {
                    id: ChannelId(row.id),
                    name: decode::text("a channel's name", &row.name)?,
                    target: decode::json("a channel's target", row.target)?,
                    secret,
                    created_at: row.created_at,
                    last,
                })
            })
            .collect()
    }

    /// Adds a channel.
    #[instrument(name = "store.alert_channels.add", skip_all)]
    pub async fn add_channel(&self, sealer: &Sealer, new: &NewChannel) -> Result<ChannelId, Error> {
        let id = ChannelId::new();
        let mut tx = self.begin().await?;
        let secret = match &new.secret {
            ChannelSecret::Set(value) => Some(self.keep(&mut tx, sealer, new, value).await?),
            ChannelSecret::None | ChannelSecret::Keep => None,
        };
        sqlx::query!(
            r#"
            INSERT INTO alert_channels (tenant_id, id, name, target, secret_id, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            "#,
            self.tenant.0,
            id.0,
            new.name.as_str(),
            decode::to_json("a channel's target", &new.target)?,
            secret.map(|secret| secret.0),
            self.db.clock.now(),
        )
        .execute(&mut *tx)
        .await
        .on_constraint("alert_channels_name_key", || taken(&new.name))?;
        let after = Some(shown(new));
        self.note_channel(
            &mut tx,
            "alert_channel.add",
            id,
            new.name.as_str(),
            None,
            after,
        )
        .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Makes a channel what it is to become. What waits to be told goes to its new target.
    #[instrument(name = "store.alert_channels.edit", skip_all, fields(channel = %id))]
    pub async fn edit_channel(
        &self,
        sealer: &Sealer,
        id: ChannelId,
        new: &NewChannel,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let before = sqlx::query!(
            "SELECT name, target, secret_id FROM alert_channels WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing { what: "channel" })?;
        let known = before.secret_id.map(SecretId);
        let secret = match (&new.secret, known) {
            (ChannelSecret::None, _) => None,
            (ChannelSecret::Keep, known) => known,
            (ChannelSecret::Set(value), Some(known)) => {
                self.replace_secret_in(&mut tx, sealer, known, value)
                    .await?;
                Some(known)
            }
            (ChannelSecret::Set(value), None) => {
                Some(self.keep(&mut tx, sealer, new, value).await?)
            }
        };
        let result = sqlx::query!(
            "UPDATE alert_channels SET name = $3, target = $4, secret_id = $5 WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
            new.name.as_str(),
            decode::to_json("a channel's target", &new.target)?,
            secret.map(|secret| secret.0),
        )
        .execute(&mut *tx)
        .await
        .on_constraint("alert_channels_name_key", || taken(&new.name))?;
        found("channel", "store.alert_channels.edit", &result)?;
        if let (Some(known), None) = (known, secret) {
            self.forget_channel_secret(&mut tx, known).await?;
        }
        let before = Some(json!({ "name": before.name, "target": before.target }));
        let after = Some(shown(new));
        self.note_channel(
            &mut tx,
            "alert_channel.edit",
            id,
            new.name.as_str(),
            before,
            after,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes a channel, its secret, and what waits to be told on it.
    #[instrument(name = "store.alert_channels.remove", skip_all, fields(channel = %id))]
    pub async fn remove_channel(&self, id: ChannelId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            DELETE FROM alert_channels
            WHERE tenant_id = $1 AND id = $2
            RETURNING name, target, secret_id
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing { what: "channel" })?;
        if let Some(secret) = row.secret_id {
            self.forget_channel_secret(&mut tx, SecretId(secret))
                .await?;
        }
        let before = Some(json!({ "name": row.name, "target": row.target }));
        self.note_channel(&mut tx, "alert_channel.remove", id, &row.name, before, None)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn keep(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        sealer: &Sealer,
        new: &NewChannel,
        value: &Secret,
    ) -> Result<SecretId, Error> {
        let wanted = format!("Alerts: {}", new.name);
        let name = self.free_entry_name(tx, &wanted).await?;
        self.put_secret_in(tx, sealer, &name, SecretKind::Channel, value)
            .await
    }

    /// Deletes the secret of a channel, which nothing else can use.
    async fn forget_channel_secret(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        secret: SecretId,
    ) -> Result<(), Error> {
        sqlx::query!(
            "DELETE FROM secrets WHERE tenant_id = $1 AND id = $2 AND kind = 'channel'",
            self.tenant.0,
            secret.0,
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }

    /// Keeps a channel until the transaction ends; answers its name.
    pub(super) async fn lock_channel(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        id: ChannelId,
    ) -> Result<String, Error> {
        sqlx::query_scalar!(
            "SELECT name FROM alert_channels WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut **tx)
        .await?
        .ok_or(Error::Missing { what: "channel" })
    }

    pub(super) async fn note_channel(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        action: &'static str,
        ChannelId(id): ChannelId,
        name: &str,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), Error> {
        let subject: (&'static str, Uuid, &str) = ("alert_channel", id, name);
        let act = Act {
            action,
            subject,
            before,
            after,
        };
        self.note(tx, act).await
    }
}

/// What the audit log keeps of a channel.
fn shown(new: &NewChannel) -> Value {
    json!({
        "name": new.name,
        "target": new.target,
        "secret_set": matches!(new.secret, ChannelSecret::Set(_)),
    })
}

fn taken(name: &Label) -> Error {
    Error::NameTaken {
        what: "a channel",
        name: name.to_string(),
    }
}
