//! How a run ends: in the transaction that settles its last fetch.

use chrono::{DateTime, Utc};
use domain::run::{Tally, outcome};
use domain::{PlanId, RunId, RunState, TenantId};
use sqlx::{Postgres, Transaction};

use super::log::{self, Happening};
use super::{request, totals};
use crate::Error;

/// Locks an open run, so that of two transactions which settle its last fetches the later one sees what the earlier did.
///
/// Whoever locks a run and fetches of it locks the run first.
pub(crate) async fn lock(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    run: RunId,
) -> Result<Locked, Error> {
    let row = sqlx::query!(
        r#"
        SELECT cancel_requested_at, window_ends_at
        FROM runs
        WHERE tenant_id = $1 AND id = $2
        FOR NO KEY UPDATE
        "#,
        tenant.0,
        run.0,
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(Error::Missing { what: "run" })?;
    Ok(Locked {
        cancelling: row.cancel_requested_at.is_some(),
        window_ends_at: row.window_ends_at,
    })
}

/// What a locked run says to those who settle its fetches.
pub(crate) struct Locked {
    /// Whether somebody asked for its end.
    pub(crate) cancelling: bool,
    /// When its window ends.
    pub(crate) window_ends_at: Option<DateTime<Utc>>,
}

/// Ends a run that was listed and has no open fetch, and answers how it ended; nothing if it goes on or had ended before.
pub(crate) async fn end_if_settled(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    run: RunId,
    now: DateTime<Utc>,
) -> Result<Option<RunState>, Error> {
    lock(tx, tenant, run).await?;
    let settled = sqlx::query_scalar!(
        r#"
        SELECT
            r.ended_at IS NULL
            AND r.listed_at IS NOT NULL
            AND NOT EXISTS (
                SELECT 1
                FROM fetches f
                WHERE f.tenant_id = r.tenant_id AND f.run_id = r.id AND f.ended_at IS NULL
            ) AS "settled!"
        FROM runs r
        WHERE r.tenant_id = $1 AND r.id = $2
        "#,
        tenant.0,
        run.0,
    )
    .fetch_one(&mut **tx)
    .await?;
    if !settled {
        return Ok(None);
    }
    let totals = totals::keep(tx, tenant, run, now).await?;
    let state = outcome(&totals.tally);
    let cause = match state {
        RunState::Failed => Some(first_failure(tx, tenant, run, &totals.tally).await?),
        _ => None,
    };
    let row = sqlx::query!(
        r#"
        UPDATE runs
        SET state = $3, cause = $4, ended_at = $5, not_before = NULL
        WHERE tenant_id = $1 AND id = $2
        RETURNING plan_id, follow
        "#,
        tenant.0,
        run.0,
        state.as_str(),
        cause,
        now,
    )
    .fetch_one(&mut **tx)
    .await?;
    let tally = totals.tally;
    log::add(tx, tenant, run, now, Happening::Ended { state, tally }).await?;
    if let Some(follow) = row.follow {
        request::begin_follower(tx, tenant, now, PlanId(row.plan_id), follow).await?;
    }
    Ok(Some(state))
}

/// Keeps what a run came to that has just ended without being listed.
pub(crate) async fn close(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    run: RunId,
    state: RunState,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let tally = totals::keep(tx, tenant, run, now).await?.tally;
    log::add(tx, tenant, run, now, Happening::Ended { state, tally }).await
}

async fn first_failure(
    tx: &mut Transaction<'static, Postgres>,
    tenant: TenantId,
    run: RunId,
    tally: &Tally,
) -> Result<String, Error> {
    let first = sqlx::query!(
        r#"
        SELECT r.name, f.cause
        FROM fetches f
        JOIN repositories r ON r.tenant_id = f.tenant_id AND r.id = f.repository_id
        WHERE f.tenant_id = $1 AND f.run_id = $2 AND f.state = 'failed'
        ORDER BY r.name
        LIMIT 1
        "#,
        tenant.0,
        run.0,
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(format!(
        "{} of {} repositories failed, first {}: {}",
        tally.failed,
        tally.total(),
        first.name,
        first.cause.unwrap_or_default(),
    ))
}
