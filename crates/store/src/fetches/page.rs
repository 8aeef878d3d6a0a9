//! A run's repositories, a page at a time: what asks for attention first.

use domain::run::Tally;
use domain::{FetchId, FetchState, RunId};
use sqlx::{Postgres, QueryBuilder, Transaction};
use tracing::instrument;
use uuid::Uuid;

use super::FetchView;
use crate::{Error, Scoped};

/// Which of a run's fetches are wanted; what is `None` or empty does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchFilter {
    /// In this state.
    pub state: Option<FetchState>,
    /// Of repositories whose full name holds this, whatever its case.
    pub name: String,
}

/// A place among a run's fetches: failed ones first, then running, throttled, with omissions, queued, and the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchPlace {
    /// How much its state asks for attention: 0 the most.
    pub urgency: i16,
    /// The fetch.
    pub fetch: FetchId,
}

/// A page of a run's fetches.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FetchPage {
    /// What asks for attention first.
    pub fetches: Vec<FetchView>,
    /// Where the next page begins, if there is one.
    pub next: Option<FetchPlace>,
}

impl Scoped {
    /// A page of a run's fetches, what asks for attention first.
    #[instrument(name = "store.fetches.page", level = "debug", skip_all, fields(run = %run))]
    pub async fn fetch_page(
        &self,
        run: RunId,
        filter: &FetchFilter,
        after: Option<FetchPlace>,
        limit: u32,
    ) -> Result<FetchPage, Error> {
        let mut tx = self.begin().await?;
        let page = self
            .fetch_page_in(&mut tx, run, filter, after, limit)
            .await?;
        tx.commit().await?;
        Ok(page)
    }

    pub(crate) async fn fetch_page_in(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        run: RunId,
        filter: &FetchFilter,
        after: Option<FetchPlace>,
        limit: u32,
    ) -> Result<FetchPage, Error> {
        let mut query = QueryBuilder::<Postgres>::new(
            "SELECT f.id, f.urgency FROM fetches f WHERE f.tenant_id = ",
        );
        query
            .push_bind(self.tenant.0)
            .push(" AND f.run_id = ")
            .push_bind(run.0);
        if let Some(state) = filter.state {
            // The same as its state, and in the index.
            query.push(" AND f.urgency = ").push_bind(urgency(state));
        }
        if !filter.name.is_empty() {
            query
                .push(
                    " AND EXISTS (SELECT 1 FROM repositories r WHERE r.tenant_id = f.tenant_id \
                     AND r.id = f.repository_id AND strpos(lower(r.name), lower(",
                )
                .push_bind(&filter.name)
                .push(")) > 0)");
        }
        if let Some(place) = after {
            query
                .push(" AND (f.urgency, f.id) > (")
                .push_bind(place.urgency)
                .push(", ")
                .push_bind(place.fetch.0)
                .push(")");
        }
        query
            .push(" ORDER BY f.urgency, f.id LIMIT ")
            .push_bind(i64::from(limit) + 1);
        let mut rows: Vec<(Uuid, i16)> = query.build_query_as().fetch_all(&mut **tx).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let ids: Vec<Uuid> = rows.iter().map(|(id, _)| *id).collect();
        let mut fetches = self.fetches_by_id(tx, &ids).await?;
        fetches.sort_by_key(|fetch| ids.iter().position(|id| *id == fetch.id.0));
        let next = rows
            .last()
            .filter(|_| more)
            .map(|(id, urgency)| FetchPlace {
                urgency: *urgency,
                fetch: FetchId(*id),
            });
        Ok(FetchPage { fetches, next })
    }
}

/// As the column of the same name has it.
fn urgency(state: FetchState) -> i16 {
    match state {
        FetchState::Failed => 0,
        FetchState::Running => 1,
        FetchState::Throttled => 2,
        FetchState::CompleteWithOmissions => 3,
        FetchState::Queued => 4,
        FetchState::Complete => 5,
        FetchState::Cancelled => 6,
        FetchState::Unchanged => 7,
    }
}

/// How many of a run's fetches are in each state, in the order in which pages show them, without those of which there are none.
pub fn by_urgency(tally: &Tally) -> Vec<(FetchState, u64)> {
    [
        (FetchState::Failed, tally.failed),
        (FetchState::Running, tally.running),
        (FetchState::Throttled, tally.throttled),
        (
            FetchState::CompleteWithOmissions,
            tally.complete_with_omissions,
        ),
        (FetchState::Queued, tally.queued),
        (FetchState::Complete, tally.complete),
        (FetchState::Cancelled, tally.cancelled),
        (FetchState::Unchanged, tally.unchanged),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .collect()
}
