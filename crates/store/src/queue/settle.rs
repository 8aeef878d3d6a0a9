//! Ending the claim on a fetch: its result, the plan's new state and perhaps the run's end, in one transaction.

use chrono::{DateTime, Utc};
use domain::{FetchState, Omission, RunState};
use sqlx::{Postgres, Transaction};
use tracing::instrument;
use uuid::Uuid;

use super::ClaimedFetch;
use super::stored::{Stored, newest, put};
use crate::bell::announce;
use crate::error::meant;
use crate::runs::end;
use crate::runs::log::{self, Happening};
use crate::usages::add_throttle_in;
use crate::{Error, Fleet, Work, decode, forecasts};

/// How a claim on a fetch ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// A snapshot holds the repository's state.
    Stored(Box<Stored>),
    /// The plan's newest snapshot still is the repository's state.
    Unchanged,
    /// No snapshot was made, and trying again will not help.
    Failed {
        /// A sentence for a person.
        cause: String,
    },
    /// No snapshot was made for a passing reason: try again.
    Retry {
        /// When.
        at: DateTime<Utc>,
        /// A sentence for a person.
        cause: String,
    },
    /// Every credential of the pool is spent.
    Throttled {
        /// When one of them has quota again.
        until: DateTime<Utc>,
        /// A sentence for a person.
        cause: String,
    },
    /// The run's window has ended: it goes on with the plan's next firing, or when a person asks. If the window was
    /// opened again in the meantime, it goes on at once.
    Parked {
        /// A sentence for a person.
        cause: String,
    },
    /// The worker stops for reasons of its own: somebody else may go on at once.
    Released,
    /// Somebody asked for the run's end.
    Cancelled,
}

/// What becomes of the row.
struct Change {
    state: FetchState,
    cause: Option<String>,
    not_before: Option<DateTime<Utc>>,
    snapshot: Option<Uuid>,
    bytes_added: u64,
    omissions: Vec<Omission>,
    failed: bool,
}

impl Change {
    fn to(state: FetchState) -> Self {
        Self {
            state,
            cause: None,
            not_before: None,
            snapshot: None,
            bytes_added: 0,
            omissions: Vec::new(),
            failed: false,
        }
    }

    fn with_omissions(omissions: Vec<Omission>) -> Self {
        let state = if omissions.is_empty() {
            FetchState::Complete
        } else {
            FetchState::CompleteWithOmissions
        };
        Self {
            omissions,
            ..Self::to(state)
        }
    }
}

impl Fleet {
    /// Ends the claim on a fetch, and answers how its run ended if this was the last one.
    ///
    /// [`Error::LostFence`] when the claim has passed to somebody else: nothing is stored then. Settling again what this
    /// very claim has settled is no error, so that a caller who lost the answer may ask again.
    #[instrument(name = "store.fetches.settle", skip_all, fields(fetch = %claim.fetch))]
    pub async fn settle_fetch(
        &self,
        claim: &ClaimedFetch,
        settlement: Settlement,
    ) -> Result<Option<RunState>, Error> {
        let now = self.db.clock.now();
        let mut tx = self.db.tenant(claim.tenant).begin().await?;
        let run = end::lock(&mut tx, claim.tenant, claim.run).await?;
        if !is_held(&mut tx, claim).await? {
            return Ok(None);
        }
        let settlement = if run.cancelling {
            ending(settlement)
        } else {
            settlement
        };
        tell(&mut tx, claim, &settlement, run.window_ends_at, now).await?;
        let window_ended = run.window_ends_at.is_some_and(|end| end <= now);
        let change = match settlement {
            Settlement::Stored(stored) => {
                forecasts::learn(&mut tx, claim.tenant, claim.fetch.0, stored.swept, now).await?;
                Change {
                    snapshot: Some(put(&mut tx, claim, &stored, now).await?),
                    bytes_added: stored.bytes_added,
                    ..Change::with_omissions(stored.omissions)
                }
            }
            Settlement::Unchanged => Change {
                snapshot: newest(&mut tx, claim).await?,
                ..Change::to(FetchState::Unchanged)
            },
            Settlement::Failed { cause } => Change {
                cause: Some(cause),
                ..Change::to(FetchState::Failed)
            },
            Settlement::Retry { at, cause } => Change {
                cause: Some(cause),
                not_before: Some(at),
                failed: true,
                ..Change::to(FetchState::Queued)
            },
            Settlement::Throttled { until, cause } => {
                add_throttle_in(&mut tx, Work::from(claim), now, until).await?;
                Change {
                    cause: Some(cause),
                    not_before: Some(until),
                    ..Change::to(FetchState::Throttled)
                }
            }
            Settlement::Parked { cause } if window_ended => Change {
                cause: Some(cause),
                ..Change::to(FetchState::Throttled)
            },
            Settlement::Parked { .. } | Settlement::Released => Change::to(FetchState::Queued),
            Settlement::Cancelled => Change::to(FetchState::Cancelled),
        };
        let reopened = change.state == FetchState::Queued;
        apply(&mut tx, claim, change, now).await?;
        let ended = end::end_if_settled(&mut tx, claim.tenant, claim.run, now).await?;
        if reopened || ended.is_some() {
            announce(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }
}

/// Tells in the run's log how a claim ended.
async fn tell(
    tx: &mut Transaction<'static, Postgres>,
    claim: &ClaimedFetch,
    settlement: &Settlement,
    window_ends_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let repository = claim.repository_name.to_string();
    let repository = repository.as_str();
    let happening = match settlement {
        Settlement::Stored(stored) => Happening::Stored {
            repository,
            bytes_added: stored.bytes_added,
            omissions: &stored.omissions,
        },
        Settlement::Unchanged => Happening::Unchanged { repository },
        Settlement::Failed { cause } => Happening::Failed { repository, cause },
        Settlement::Retry { at, cause } => Happening::Again {
            what: repository,
            at: *at,
            cause,
        },
        Settlement::Throttled { until, cause } => Happening::Throttled {
            until: *until,
            cause,
        },
        Settlement::Parked { .. } => match window_ends_at.filter(|end| *end <= now) {
            Some(window_ended_at) => Happening::Parked { window_ended_at },
            None => return Ok(()),
        },
        Settlement::Released | Settlement::Cancelled => return Ok(()),
    };
    log::add(tx, claim.tenant, claim.run, now, happening).await
}

/// A run that is being cancelled starts nothing again.
fn ending(settlement: Settlement) -> Settlement {
    match settlement {
        Settlement::Retry { .. }
        | Settlement::Throttled { .. }
        | Settlement::Parked { .. }
        | Settlement::Released => Settlement::Cancelled,
        Settlement::Stored(_)
        | Settlement::Unchanged
        | Settlement::Failed { .. }
        | Settlement::Cancelled => settlement,
    }
}

/// Whether the claim stands; false if this very claim has ended already.
async fn is_held(
    tx: &mut Transaction<'static, Postgres>,
    claim: &ClaimedFetch,
) -> Result<bool, Error> {
    let state = sqlx::query_scalar!(
        r#"
        SELECT state
        FROM fetches
        WHERE tenant_id = $1 AND id = $2 AND fence = $3
        FOR NO KEY UPDATE
        "#,
        claim.tenant.0,
        claim.fetch.0,
        claim.fence,
    )
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(Error::LostFence { what: "the fetch" })?;
    Ok(decode::fetch_state(&state)? == FetchState::Running)
}

async fn apply(
    tx: &mut Transaction<'static, Postgres>,
    claim: &ClaimedFetch,
    change: Change,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let result = sqlx::query!(
        r#"
        UPDATE fetches
        SET
            state = $4,
            cause = $5,
            not_before = $6,
            snapshot_id = $7,
            bytes_added = bytes_added + $8,
            omissions = $9,
            failed_count = failed_count + $10,
            ended_at = $11,
            worker_id = NULL
        WHERE tenant_id = $1 AND id = $2 AND fence = $3
        "#,
        claim.tenant.0,
        claim.fetch.0,
        claim.fence,
        change.state.as_str(),
        change.cause,
        change.not_before,
        change.snapshot,
        decode::to_count(change.bytes_added),
        decode::to_json("a list of omissions", &change.omissions)?,
        i32::from(change.failed),
        change.state.is_final().then_some(now),
    )
    .execute(&mut **tx)
    .await?;
    meant("store.fetches.settle", 1, &result)
}
