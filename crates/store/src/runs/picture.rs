//! Everything that a run's page shows, read at one moment.

use chrono::{DateTime, Utc};
use domain::{RunId, RunState};
use sqlx::{Postgres, Transaction};
use tracing::instrument;

use super::{LogLine, RunView, log};
use crate::{Error, FetchFilter, FetchPage, Scoped};

/// Times of waiting that a page lists; the newest.
const WAITS: i64 = 20;

/// A run as its page shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPicture {
    /// The run.
    pub run: RunView,
    /// Its first repositories, what asks for attention first.
    pub fetches: FetchPage,
    /// Its newest log lines, the newest first.
    pub log: Vec<LogLine>,
    /// Times in which part of it waited for quota, joined where they touch or overlap, the newest first.
    pub waits: Vec<Wait>,
    /// How many fetches a repeated run would do again.
    pub unfinished: u64,
}

/// A time of waiting for quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// Its end; for one that goes on, when it is expected to end.
    pub until: DateTime<Utc>,
}

impl Scoped {
    /// A run as its page shows it: so many repositories, so many log lines.
    #[instrument(name = "store.runs.picture", level = "debug", skip_all, fields(run = %id))]
    pub async fn run_picture(
        &self,
        id: RunId,
        fetches: u32,
        lines: u32,
    ) -> Result<Option<RunPicture>, Error> {
        let mut tx = self.begin().await?;
        let Some(run) = self.run_in(&mut tx, id).await? else {
            return Ok(None);
        };
        let fetches = self
            .fetch_page_in(&mut tx, id, &FetchFilter::default(), None, fetches)
            .await?;
        let log = log::newest_in(&mut tx, self.tenant, id, lines).await?;
        let waits = self.waits_in(&mut tx, id).await?;
        tx.commit().await?;
        let unfinished = if run.state.is_final() && run.state != RunState::Complete {
            run.tally.failed + run.tally.complete_with_omissions
        } else {
            0
        };
        Ok(Some(RunPicture {
            run,
            fetches,
            log,
            waits,
            unfinished,
        }))
    }

    async fn waits_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        run: RunId,
    ) -> Result<Vec<Wait>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                lower(w.span) AS "from!",
                upper(w.span) AS "until!"
            FROM (
                SELECT
                    unnest(range_agg(tstzrange(t.began_at, least(t.ends_at, r.ended_at)))) AS span
                FROM throttles t
                JOIN runs r ON r.tenant_id = t.tenant_id AND r.id = t.run_id
                WHERE t.tenant_id = $1 AND t.run_id = $2 AND t.began_at < least(t.ends_at, r.ended_at)
            ) w
            ORDER BY w.span DESC
            LIMIT $3
            "#,
            self.tenant.0,
            run.0,
            WAITS,
        )
        .fetch_all(&mut **tx)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Wait {
                from: row.from,
                until: row.until,
            })
            .collect())
    }
}
