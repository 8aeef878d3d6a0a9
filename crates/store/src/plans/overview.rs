//! Plans as a list of them shows them, page by page.

use chrono::{DateTime, Utc};
use domain::{Content, Name, PlanId, RunId, RunState, Schedule, Selection};
use tracing::instrument;

use crate::{Error, Scoped, decode};

/// A plan in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanOverview {
    /// Its id.
    pub id: PlanId,
    /// Its name.
    pub name: Name,
    /// The organization's name.
    pub organization_name: Name,
    /// The storage's name.
    pub storage_name: Name,
    /// Which repositories.
    pub selection: Selection,
    /// What of each of them.
    pub content: Content,
    /// When it runs by itself.
    pub schedule: Option<Schedule>,
    /// When it runs by itself next.
    pub next_due_at: Option<DateTime<Utc>>,
    /// Since when it does not run by itself.
    pub paused_at: Option<DateTime<Utc>>,
    /// Its newest run.
    pub last_run: Option<LastRun>,
    /// Whether additional credentials are used at all.
    pub additional_credentials: bool,
    /// How many there are to be used.
    pub pool: PoolSize,
}

/// The newest run of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// Its id.
    pub id: RunId,
    /// Where it stands.
    pub state: RunState,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When work on it began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it goes on, if it is throttled and that is known.
    pub throttled_until: Option<DateTime<Utc>>,
    /// Why it failed or waits.
    pub cause: Option<String>,
}

/// Additional credentials of a plan's organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolSize {
    /// How many are switched on in the plan.
    pub switched_on: u64,
    /// How many there are.
    pub added: u64,
}

/// Where a page of a list of plans begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanPlace {
    /// Only names after this one.
    pub after: Option<String>,
    /// Only plans of this organization.
    pub organization: Option<Name>,
}

impl Scoped {
    /// One page of the plans, by name.
    #[instrument(name = "store.plans.overview", skip_all)]
    #[expect(clippy::too_many_lines, reason = "one query, a column a line")]
    pub async fn plans_overview(
        &self,
        place: &PlanPlace,
        limit: u32,
    ) -> Result<Vec<PlanOverview>, Error> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"
            SELECT
                p.id,
                p.name,
                o.name AS organization_name,
                s.name AS storage_name,
                p.selection,
                p.content,
                p.schedule,
                p.next_due_at,
                p.paused_at,
                p.additional_credentials,
                (
                    SELECT count(*)
                    FROM plan_credentials u
                    WHERE u.tenant_id = p.tenant_id AND u.plan_id = p.id
                ) AS "switched_on!",
                (
                    SELECT count(*)
                    FROM credentials c
                    WHERE c.tenant_id = p.tenant_id
                        AND c.organization_id = p.organization_id
                        AND c.role = 'additional'
                        AND c.removed_at IS NULL
                ) AS "added!",
                r.id AS "run_id?",
                r.state AS "state?",
                r.requested_at AS "requested_at?",
                r.started_at,
                r.ended_at,
                r.cause,
                CASE
                    WHEN r.ended_at IS NULL THEN coalesce(r.not_before, w.until, p.next_due_at)
                END AS throttled_until,
                coalesce(r.listed_at IS NOT NULL AND r.ended_at IS NULL, false) AS "listed!",
                coalesce(w.waits, false) AS "waits!"
            FROM plans p
            JOIN organizations o ON o.tenant_id = p.tenant_id AND o.id = p.organization_id
            JOIN storages s ON s.tenant_id = p.tenant_id AND s.id = p.storage_id
            LEFT JOIN LATERAL (
                SELECT
                    l.id,
                    l.state,
                    l.requested_at,
                    l.started_at,
                    l.listed_at,
                    l.ended_at,
                    l.not_before,
                    l.cause
                FROM runs l
                WHERE l.tenant_id = p.tenant_id AND l.plan_id = p.id
                ORDER BY l.requested_at DESC
                LIMIT 1
            ) r ON true
            LEFT JOIN LATERAL (
                SELECT
                    bool_and(f.state = 'throttled') AS waits,
                    min(f.not_before) AS until
                FROM fetches f
                WHERE f.tenant_id = p.tenant_id AND f.run_id = r.id AND f.ended_at IS NULL
            ) w ON r.ended_at IS NULL
            WHERE p.tenant_id = $1
                AND p.removed_at IS NULL
                AND ($2::text IS NULL OR p.name > $2)
                AND ($3::text IS NULL OR o.name = $3)
            ORDER BY p.name
            LIMIT $4
            "#,
            self.tenant.0,
            place.after,
            place.organization.as_ref().map(Name::as_str),
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        rows.into_iter()
            .map(|row| {
                let last_run = match (row.run_id, row.state, row.requested_at) {
                    (Some(id), Some(word), Some(requested_at)) => {
                        let state = match (row.listed, row.waits) {
                            (true, true) => RunState::Throttled,
                            (true, false) => RunState::Running,
                            (false, _) => decode::run_state(&word)?,
                        };
                        Some(LastRun {
                            id: RunId(id),
                            state,
                            requested_at,
                            started_at: row.started_at,
                            ended_at: row.ended_at,
                            throttled_until: row
                                .throttled_until
                                .filter(|_| state == RunState::Throttled),
                            cause: row.cause,
                        })
                    }
                    _ => None,
                };
                Ok(PlanOverview {
                    id: PlanId(row.id),
                    name: decode::text("a plan's name", &row.name)?,
                    organization_name: decode::text(
                        "an organization's name",
                        &row.organization_name,
                    )?,
                    storage_name: decode::text("a storage's name", &row.storage_name)?,
                    selection: decode::json("a selection", row.selection)?,
                    content: decode::json("a plan's content", row.content)?,
                    schedule: row
                        .schedule
                        .map(|schedule| decode::json("a schedule", schedule))
                        .transpose()?,
                    next_due_at: row.next_due_at,
                    paused_at: row.paused_at,
                    last_run,
                    additional_credentials: row.additional_credentials,
                    pool: PoolSize {
                        switched_on: decode::count(row.switched_on),
                        added: decode::count(row.added),
                    },
                })
            })
            .collect()
    }
}
