//! Raising alerts: what is wrong now is compared with what is open, in one transaction for the whole installation.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::alert::{self, EXPIRES_SOON};
use domain::{AlertId, AlertKind, Slot};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::bell::announce;
use crate::{Error, Fleet, decode};

/// Resolved alerts are kept this long.
const KEPT_FOR: TimeDelta = TimeDelta::days(90);

/// One process at a time compares: a number that nothing else locks.
const LOCK: i64 = 0x686f_6c64_616c_7274;

/// What one round has changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Alerts that were raised.
    pub raised: usize,
    /// Alerts whose cause is gone.
    pub resolved: usize,
}

/// What tells one alert from another.
type Key = (Uuid, AlertKind, Uuid);

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cause {
    organization: Uuid,
    sentence: String,
    until: Option<DateTime<Utc>>,
    /// Whether it is enough to raise an alert; if not, it keeps one open that was raised before.
    is_new: bool,
}

struct Open {
    id: Uuid,
    sentence: String,
    until: Option<DateTime<Utc>>,
}

impl Fleet {
    /// Raises what is newly wrong, on each channel of its tenant once, and resolves what is not wrong any more.
    #[instrument(name = "store.alerts.raise", level = "debug", skip_all)]
    pub async fn raise_alerts(&self) -> Result<Round, Error> {
        let now = self.db.clock.now();
        let mut tx = self.db.begin().await?;
        sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK)
            .execute(&mut *tx)
            .await?;
        let mut causes = BTreeMap::new();
        credentials(&mut tx, now, &mut causes).await?;
        runs(&mut tx, now, &mut causes).await?;
        foreign(&mut tx, &mut causes).await?;
        let open = open(&mut tx).await?;
        let mut round = Round::default();
        for (key, cause) in &causes {
            match open.get(key) {
                None if cause.is_new => {
                    insert(&mut tx, key, cause, now).await?;
                    round.raised += 1;
                }
                Some(known)
                    if cause.is_new
                        && (known.sentence != cause.sentence || known.until != cause.until) =>
                {
                    sqlx::query!(
                        "UPDATE alerts SET sentence = $3, until = $4 WHERE tenant_id = $1 AND id = $2",
                        key.0,
                        known.id,
                        cause.sentence,
                        cause.until,
                    )
                    .execute(&mut *tx)
                    .await?;
                }
                None | Some(_) => {}
            }
        }
        let gone: BTreeSet<Uuid> = open
            .iter()
            .filter(|(key, _)| !causes.contains_key(key))
            .map(|(_, known)| known.id)
            .collect();
        round.resolved = gone.len();
        if !gone.is_empty() {
            let gone: Vec<Uuid> = gone.into_iter().collect();
            sqlx::query!(
                "UPDATE alerts SET resolved_at = $2 WHERE id = ANY($1) AND resolved_at IS NULL",
                &gone,
                now,
            )
            .execute(&mut *tx)
            .await?;
        }
        sqlx::query!("DELETE FROM alerts WHERE resolved_at <= $1", now - KEPT_FOR)
            .execute(&mut *tx)
            .await?;
        if round.raised > 0 {
            announce(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(round)
    }
}

async fn open(tx: &mut Transaction<'static, Postgres>) -> Result<BTreeMap<Key, Open>, Error> {
    let rows = sqlx::query!(
        "SELECT tenant_id, id, kind, subject_id, sentence, until FROM alerts WHERE resolved_at IS NULL",
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let kind = decode::word("a kind of alert", &row.kind)?;
            let open = Open {
                id: row.id,
                sentence: row.sentence,
                until: row.until,
            };
            Ok(((row.tenant_id, kind, row.subject_id), open))
        })
        .collect()
}

/// Writes an alert, and what is to be told of it.
async fn insert(
    tx: &mut Transaction<'static, Postgres>,
    (tenant, kind, subject): &Key,
    cause: &Cause,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let id = AlertId::new();
    sqlx::query!(
        r#"
        INSERT INTO alerts (tenant_id, id, kind, subject_id, organization_id, sentence, until, raised_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        "#,
        tenant,
        id.0,
        kind.as_str(),
        subject,
        cause.organization,
        cause.sentence,
        cause.until,
        now,
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query!(
        r#"
        INSERT INTO alert_deliveries (tenant_id, id, channel_id, alert_id, state, next_at, requested_at)
        SELECT c.tenant_id, gen_random_uuid(), c.id, $2, 'waiting', $3, $3
        FROM alert_channels c
        WHERE c.tenant_id = $1
        "#,
        tenant,
        id.0,
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Credentials that their hosts refuse, and those that end soon.
async fn credentials(
    tx: &mut Transaction<'static, Postgres>,
    now: DateTime<Utc>,
    causes: &mut BTreeMap<Key, Cause>,
) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            c.tenant_id,
            c.id,
            c.organization_id,
            c.name,
            c.login,
            c.health_reason,
            c.expires_at,
            o.name AS organization,
            a.slot AS "slot?"
        FROM credentials c
        JOIN organizations o ON o.tenant_id = c.tenant_id AND o.id = c.organization_id
        LEFT JOIN applications a ON a.id = c.application_id AND c.kind = 'app_installation'
        WHERE c.removed_at IS NULL AND (c.health = 'dead' OR c.expires_at <= $1)
        "#,
        now + EXPIRES_SOON,
    )
    .fetch_all(&mut **tx)
    .await?;
    for row in rows {
        let title = title(row.slot.as_deref(), &row.name, &row.login)?;
        let whose = format!("{title} of {}", row.organization);
        let (kind, sentence, until) = match (row.health_reason, row.expires_at) {
            (Some(reason), _) => (
                AlertKind::CredentialDead,
                format!(
                    "The credential {whose} is refused by its host: {}. No request is sent with it until it is mended.",
                    reason.trim_end_matches('.')
                ),
                None,
            ),
            (None, Some(at)) => {
                let verb = if at <= now { "has expired" } else { "expires" };
                (
                    AlertKind::CredentialExpiring,
                    format!(
                        "The credential {whose} {verb} on {} UTC: replace its token.",
                        at.format("%Y-%m-%d %H:%M")
                    ),
                    Some(at),
                )
            }
            (None, None) => continue,
        };
        let cause = Cause {
            organization: row.organization_id,
            sentence,
            until,
            is_new: true,
        };
        causes.insert((row.tenant_id, kind, row.id), cause);
    }
    Ok(())
}

/// How pages name a credential.
fn title(slot: Option<&str>, name: &str, login: &str) -> Result<String, Error> {
    let Some(slot) = slot else {
        return Ok(name.to_owned());
    };
    let slot: Slot = decode::text("an application's slot", slot)?;
    Ok(format!("{} on {login}", slot.label()))
}

/// Runs that wait because all of their pool is spent. Once told of, a run is not told of again: it may wait many times until it ends.
async fn runs(
    tx: &mut Transaction<'static, Postgres>,
    now: DateTime<Utc>,
    causes: &mut BTreeMap<Key, Cause>,
) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            r.tenant_id,
            r.id,
            p.organization_id,
            p.name AS plan,
            CASE WHEN r.state = 'throttled' THEN r.not_before ELSE w.not_before END AS until
        FROM runs r
        JOIN plans p ON p.tenant_id = r.tenant_id AND p.id = r.plan_id
        CROSS JOIN LATERAL (
            SELECT min(f.not_before) AS not_before
            FROM fetches f
            WHERE f.tenant_id = r.tenant_id
                AND f.run_id = r.id
                AND f.ended_at IS NULL
                AND f.state = 'throttled'
                AND f.not_before > $1
        ) w
        WHERE r.ended_at IS NULL
        "#,
        now,
    )
    .fetch_all(&mut **tx)
    .await?;
    for row in rows {
        let until = row.until.filter(|until| *until > now);
        let sentence = until.map_or_else(String::new, |until| {
            format!(
                "All credentials of the plan {} are spent: it goes on at {} UTC by itself.",
                row.plan,
                until.format("%H:%M")
            )
        });
        let cause = Cause {
            organization: row.organization_id,
            sentence,
            until,
            is_new: until.is_some(),
        };
        causes.insert((row.tenant_id, AlertKind::PoolExhausted, row.id), cause);
    }
    Ok(())
}

/// Accounts that are there for backups alone, as nothing of their quota is kept back, and that somebody else spends too.
async fn foreign(
    tx: &mut Transaction<'static, Postgres>,
    causes: &mut BTreeMap<Key, Cause>,
) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"
        SELECT
            c.tenant_id,
            c.id,
            c.organization_id,
            c.name,
            c.login,
            o.name AS organization,
            a.slot AS "slot?",
            b.request_limit AS "request_limit!",
            b.others_spent,
            b.others_an_hour,
            b.reset_at
        FROM credentials c
        JOIN organizations o ON o.tenant_id = c.tenant_id AND o.id = c.organization_id
        JOIN buckets b ON b.key = c.bucket
        LEFT JOIN applications a ON a.id = c.application_id AND c.kind = 'app_installation'
        WHERE c.removed_at IS NULL
            AND c.health <> 'dead'
            AND c.reserve_percent = 0
            AND b.request_limit IS NOT NULL
            AND b.others_an_hour > 0
        ORDER BY b.others_spent
        "#,
    )
    .fetch_all(&mut **tx)
    .await?;
    for row in rows {
        let title = title(row.slot.as_deref(), &row.name, &row.login)?;
        let whole = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        let cause = Cause {
            organization: row.organization_id,
            sentence: format!(
                "Somebody else spends the quota of {title} of {}, which is kept for backups: {} of {} requests in this window.",
                row.organization, row.others_spent, row.request_limit
            ),
            until: row.reset_at,
            is_new: alert::is_foreign(whole(row.others_spent), whole(row.request_limit)),
        };
        // Whoever goes on at a lower rate is the same cause still; who has nearly stopped is none.
        let goes_on = alert::is_foreign(whole(row.others_an_hour), whole(row.request_limit));
        if cause.is_new || goes_on {
            let key = (row.tenant_id, AlertKind::ForeignSpending, row.id);
            let known: &mut Cause = causes.entry(key).or_insert_with(|| cause.clone());
            if cause.is_new {
                *known = cause;
            }
        }
    }
    Ok(())
}
