//! A run's log: what happened, in sentences for a person, written in the transaction in which it happened.

use chrono::{DateTime, Utc};
use domain::{RunId, TenantId};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use crate::{Error, Scoped, decode};

mod sentences;

pub(crate) use sentences::Happening;

/// How a line of the log is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// A step forward.
    Plain,
    /// An end as it should be.
    Good,
    /// Waiting, which is no fault.
    Wait,
    /// Something is missing, or is tried again.
    Warn,
    /// Something failed.
    Bad,
}

/// A line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its place in the log.
    pub number: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// How it is meant.
    pub tone: Tone,
    /// What happened.
    pub sentence: String,
}

/// Adds a line to a run's log.
pub(crate) async fn add(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    run: RunId,
    at: DateTime<Utc>,
    happening: Happening<'_>,
) -> Result<(), Error> {
    let (tone, sentence, once) = happening.line();
    sqlx::query!(
        r#"
        INSERT INTO run_events (tenant_id, run_id, at, tone, sentence, once)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (tenant_id, run_id, once) WHERE once IS NOT NULL DO NOTHING
        "#,
        tenant.0,
        run.0,
        at,
        decode::to_word("a tone", &tone)?,
        sentence,
        once,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl Scoped {
    /// Lines of a run's log, oldest first: those after a place in it, or from its beginning.
    #[instrument(name = "store.run_events.list", level = "debug", skip_all, fields(run = %run))]
    pub async fn run_log(&self, run: RunId, after: i64, limit: u32) -> Result<Vec<LogLine>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT
                number,
                at,
                tone,
                sentence
            FROM run_events
            WHERE tenant_id = $1 AND run_id = $2 AND number > $3
            ORDER BY number
            LIMIT $4
            "#,
            self.tenant.0,
            run.0,
            after,
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The newest lines of a run's log, the newest first.
    #[instrument(name = "store.run_events.newest", level = "debug", skip_all, fields(run = %run))]
    pub async fn newest_of_run_log(&self, run: RunId, limit: u32) -> Result<Vec<LogLine>, Error> {
        let mut tx = self.begin().await?;
        let lines = newest_in(&mut tx, self.tenant, run, limit).await?;
        tx.commit().await?;
        Ok(lines)
    }
}

pub(crate) async fn newest_in(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    run: RunId,
    limit: u32,
) -> Result<Vec<LogLine>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT
            number,
            at,
            tone,
            sentence
        FROM run_events
        WHERE tenant_id = $1 AND run_id = $2
        ORDER BY number DESC
        LIMIT $3
        "#,
        tenant.0,
        run.0,
        i64::from(limit),
    )
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

struct Row {
    number: i64,
    at: DateTime<Utc>,
    tone: String,
    sentence: String,
}

impl Row {
    fn read(self) -> Result<LogLine, Error> {
        Ok(LogLine {
            number: self.number,
            at: self.at,
            tone: decode::word("a tone", &self.tone)?,
            sentence: self.sentence,
        })
    }
}
