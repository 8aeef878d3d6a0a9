//! Why work went on with which credential, as it was written down when it was decided.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{Name, OrganizationId, Resource, RunId, Slot};
use serde_json::Value;
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use crate::credentials::installed_title;
use crate::{Error, Scoped, decode};

/// A choice that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceView {
    /// When.
    pub at: DateTime<Utc>,
    /// For which run.
    pub run: RunId,
    /// What its plan is called.
    pub plan_name: Name,
    /// For which repository; nothing while the organization was listed.
    pub repository: Option<String>,
    /// The credential that was chosen.
    pub credential: String,
    /// The budget that it draws on.
    pub resource: Resource,
    /// What it had left to spend, leases outstanding and the reserve taken off.
    pub remaining: u64,
    /// Of which limit, if that was known.
    pub limit: Option<u64>,
    /// When its window ended, if that was known.
    pub reset_at: Option<DateTime<Utc>>,
    /// Those that were not chosen, the one with the most left first.
    pub runners_up: Vec<RunnerUp>,
    /// A sentence about the choice.
    pub why: String,
}

/// A credential that was not chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerUp {
    /// The credential.
    pub credential: String,
    /// What it had left, if that was known.
    pub remaining: Option<u64>,
    /// Why it was not chosen.
    pub why: String,
}

struct Row {
    run_id: Uuid,
    plan_name: String,
    repository: Option<String>,
    chosen_at: DateTime<Utc>,
    credential_id: Uuid,
    resource: String,
    remaining: i64,
    request_limit: Option<i64>,
    reset_at: Option<DateTime<Utc>>,
    runners_up: Value,
    reason: String,
}

type Runner = (Uuid, Option<u64>, String);

impl Scoped {
    /// The newest choices of a run, the newest first.
    #[instrument(name = "store.choices.of_run", level = "debug", skip_all, fields(run = %run))]
    pub async fn choices_of(&self, run: RunId, limit: u32) -> Result<Vec<ChoiceView>, Error> {
        let mut tx = self.begin().await?;
        let choices = self.choices_in(&mut tx, Some(run), None, limit).await?;
        tx.commit().await?;
        Ok(choices)
    }

    /// The newest choices of a run or of all, within an organization or everywhere.
    pub(super) async fn choices_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        run: Option<RunId>,
        organization: Option<OrganizationId>,
        limit: u32,
    ) -> Result<Vec<ChoiceView>, Error> {
        let rows = sqlx::query_as!(
            Row,
            r#"
            SELECT
                k.run_id,
                p.name AS plan_name,
                o.name AS "repository?",
                k.chosen_at,
                k.credential_id,
                k.resource,
                k.remaining,
                k.request_limit,
                k.reset_at,
                k.runners_up,
                k.reason
            FROM choices k
            JOIN runs r ON r.tenant_id = k.tenant_id AND r.id = k.run_id
            JOIN plans p ON p.tenant_id = r.tenant_id AND p.id = r.plan_id
            LEFT JOIN fetches f ON f.tenant_id = k.tenant_id AND f.id = k.fetch_id
            LEFT JOIN repositories o ON o.tenant_id = f.tenant_id AND o.id = f.repository_id
            WHERE k.tenant_id = $1
                AND ($2::uuid IS NULL OR k.run_id = $2)
                AND ($3::uuid IS NULL OR p.organization_id = $3)
            ORDER BY k.chosen_at DESC, k.id DESC
            LIMIT $4
            "#,
            self.tenant.0,
            run.map(|run| run.0),
            organization.map(|id| id.0),
            i64::from(limit),
        )
        .fetch_all(&mut **tx)
        .await?;
        let rows: Vec<(Row, Vec<Runner>)> = rows
            .into_iter()
            .map(|mut row| {
                let runners = decode::json("the runners-up of a choice", row.runners_up.take())?;
                Ok((row, runners))
            })
            .collect::<Result<_, Error>>()?;
        let ids: BTreeSet<Uuid> = rows
            .iter()
            .flat_map(|(row, runners)| {
                let runners = runners.iter().map(|(id, ..)| *id);
                runners.chain([row.credential_id])
            })
            .collect();
        let titles = self.titles_in(tx, ids.into_iter().collect()).await?;
        let title = |id: &Uuid| {
            let known = titles.get(id).cloned();
            known.unwrap_or_else(|| "a removed credential".to_owned())
        };
        rows.into_iter()
            .map(|(row, mut runners)| {
                runners.sort_by_key(|(_, left, _)| std::cmp::Reverse(*left));
                Ok(ChoiceView {
                    at: row.chosen_at,
                    run: RunId(row.run_id),
                    plan_name: decode::text("a plan's name", &row.plan_name)?,
                    repository: row.repository,
                    credential: title(&row.credential_id),
                    resource: Resource(row.resource),
                    remaining: decode::count(row.remaining),
                    limit: row.request_limit.map(decode::count),
                    reset_at: row.reset_at,
                    runners_up: runners
                        .into_iter()
                        .map(|(id, remaining, why)| RunnerUp {
                            credential: title(&id),
                            remaining,
                            why,
                        })
                        .collect(),
                    why: row.reason,
                })
            })
            .collect()
    }

    /// What people know some credentials by, removed ones too.
    async fn titles_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        ids: Vec<Uuid>,
    ) -> Result<BTreeMap<Uuid, String>, Error> {
        let rows = sqlx::query!(
            r#"
            SELECT
                c.id,
                c.name,
                c.login,
                CASE WHEN c.secret_id IS NULL THEN a.slot END AS slot
            FROM credentials c
            LEFT JOIN applications a ON a.id = c.application_id
            WHERE c.tenant_id = $1 AND c.id = ANY($2)
            "#,
            self.tenant.0,
            &ids,
        )
        .fetch_all(&mut **tx)
        .await?;
        rows.into_iter()
            .map(|row| {
                let title = match row.slot {
                    Some(slot) => {
                        let slot: Slot = decode::text("an application's slot", &slot)?;
                        installed_title(slot, &row.login)
                    }
                    None => row.name,
                };
                Ok((row.id, title))
            })
            .collect()
    }
}
