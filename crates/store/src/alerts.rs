//! Alerts of a tenant: what is open, what was resolved, and who has seen it.

use chrono::{DateTime, Utc};
use domain::{AlertId, AlertKind, ForgeKind, Name, OrganizationId};
use serde_json::json;
use tracing::instrument;
use uuid::Uuid;

use crate::error::found;
use crate::{Act, Error, Scoped, decode};

mod channels;
mod deliveries;
mod raise;

pub use channels::{Channel, ChannelSecret, Heard, NewChannel};
pub use deliveries::{AlertMessage, ClaimedDelivery};
pub use raise::Round;

/// What somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// What it is about.
    pub kind: AlertKind,
    /// The credential or the run that it is about.
    pub subject: Uuid,
    /// The organization.
    pub organization: OrganizationId,
    /// Its name.
    pub organization_name: Name,
    /// What its host runs.
    pub forge: ForgeKind,
    /// What has happened.
    pub sentence: String,
    /// When it ends by itself, or when what it warns of comes.
    pub until: Option<DateTime<Utc>>,
    /// Since when.
    pub raised_at: DateTime<Utc>,
    /// Until when; nothing while it is open.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Who has seen it, and when.
    pub acknowledged: Option<(String, DateTime<Utc>)>,
    /// On how many channels it was told.
    pub sent_count: u64,
    /// On how many it is being told.
    pub waiting_count: u64,
    /// On how many that was given up.
    pub given_up_count: u64,
}

impl Scoped {
    /// Alerts that are open, the newest first; or those that were resolved, the latest first, from behind `after` on.
    #[instrument(name = "store.alerts.list", skip_all)]
    pub async fn alerts(
        &self,
        resolved: bool,
        after: Option<AlertId>,
        limit: i64,
    ) -> Result<Vec<Alert>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            WITH shown AS (
                SELECT
                    a.id,
                    a.kind,
                    a.subject_id,
                    a.organization_id,
                    a.sentence,
                    a.until,
                    a.raised_at,
                    a.resolved_at,
                    a.acknowledged_at,
                    a.acknowledged_by
                FROM alerts a
                WHERE a.tenant_id = $1
                    AND (a.resolved_at IS NOT NULL) = $2
                    AND (
                        $3::uuid IS NULL
                        OR (coalesce(a.resolved_at, a.raised_at), a.id) < (
                            SELECT coalesce(l.resolved_at, l.raised_at), l.id
                            FROM alerts l
                            WHERE l.tenant_id = $1 AND l.id = $3
                        )
                    )
                ORDER BY coalesce(a.resolved_at, a.raised_at) DESC, a.id DESC
                LIMIT $4
            )
            SELECT
                s.id AS "id!",
                s.kind AS "kind!",
                s.subject_id AS "subject_id!",
                s.organization_id AS "organization_id!",
                s.sentence AS "sentence!",
                s.until,
                s.raised_at AS "raised_at!",
                s.resolved_at,
                s.acknowledged_at,
                s.acknowledged_by,
                o.name AS organization_name,
                o.host_kind,
                d.sent AS "sent!",
                d.waiting AS "waiting!",
                d.given_up AS "given_up!"
            FROM shown s
            JOIN organizations o ON o.tenant_id = $1 AND o.id = s.organization_id
            CROSS JOIN LATERAL (
                SELECT
                    count(*) FILTER (WHERE e.state = 'sent') AS sent,
                    count(*) FILTER (WHERE e.state = 'waiting') AS waiting,
                    count(*) FILTER (WHERE e.state = 'given_up') AS given_up
                FROM alert_deliveries e
                WHERE e.tenant_id = $1 AND e.alert_id = s.id
            ) d
            ORDER BY coalesce(s.resolved_at, s.raised_at) DESC, s.id DESC
            "#,
            self.tenant.0,
            resolved,
            after.map(|id| id.0),
            limit,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                Ok(Alert {
                    id: AlertId(row.id),
                    kind: decode::word("a kind of alert", &row.kind)?,
                    subject: row.subject_id,
                    organization: OrganizationId(row.organization_id),
                    organization_name: decode::text(
                        "an organization's name",
                        &row.organization_name,
                    )?,
                    forge: decode::text("a kind of host", &row.host_kind)?,
                    sentence: row.sentence,
                    until: row.until,
                    raised_at: row.raised_at,
                    resolved_at: row.resolved_at,
                    acknowledged: row.acknowledged_by.zip(row.acknowledged_at),
                    sent_count: decode::count(row.sent),
                    waiting_count: decode::count(row.waiting),
                    given_up_count: decode::count(row.given_up),
                })
            })
            .collect()
    }

    /// Notes that somebody has seen an alert; it stays open until its cause is gone.
    #[instrument(name = "store.alerts.acknowledge", skip_all, fields(alert = %id))]
    pub async fn acknowledge_alert(&self, id: AlertId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let row = sqlx::query!(
            r#"
            SELECT kind, acknowledged_at
            FROM alerts
            WHERE tenant_id = $1 AND id = $2
            FOR UPDATE
            "#,
            self.tenant.0,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(Error::Missing { what: "alert" })?;
        if row.acknowledged_at.is_some() {
            return Ok(());
        }
        let result = sqlx::query!(
            "UPDATE alerts SET acknowledged_at = $3, acknowledged_by = $4 WHERE tenant_id = $1 AND id = $2",
            self.tenant.0,
            id.0,
            self.db.clock.now(),
            self.actor.name,
        )
        .execute(&mut *tx)
        .await?;
        found("alert", "store.alerts.acknowledge", &result)?;
        let kind: AlertKind = decode::word("a kind of alert", &row.kind)?;
        let act = Act {
            action: "alert.acknowledge",
            subject: ("alert", id.0, kind.label()),
            before: None,
            after: Some(json!({ "kind": kind })),
        };
        self.note(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
