//! Keeps what was spent and what befell buckets until it is written down, every two seconds for all work of this process together:
//! no request waits for it, and a kill loses the last two seconds of a plot.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Timelike, Utc};
use domain::{CredentialId, Resource, RunId, TenantId};
use forge::{Event, Usage};
use store::{BucketEvent, BucketEventKind, SpendingRow, Work};

use crate::Error;
use crate::engine::Engine;

/// Time between two batches.
pub(crate) const WRITE_EVERY: Duration = Duration::from_secs(2);

/// Time between two looks at what is left.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Minutes are summed up and old rows thrown away this often.
pub(crate) const TEND_EVERY: Duration = Duration::from_mins(1);

/// Rows that are kept for a database that is away; then the past has a gap.
const MOST: usize = 20_000;

/// What is not written down yet.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Unwritten>);

#[derive(Debug, Default)]
struct Unwritten {
    spent: BTreeMap<Place, Sum>,
    events: Vec<BucketEvent>,
}

type Place = (TenantId, RunId, CredentialId, Resource, DateTime<Utc>);

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    requests: u64,
    refused: u64,
    waits: u64,
}

impl History {
    fn lock(&self) -> MutexGuard<'_, Unwritten> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what work has spent since the last time; whatever it waited for, it waited for all of these credentials.
    pub(crate) fn note(
        &self,
        work: &Work,
        usage: &Usage,
        credentials: &[CredentialId],
        now: DateTime<Utc>,
    ) {
        let minute = now
            .with_second(0)
            .and_then(|at| at.with_nanosecond(0))
            .unwrap_or(now);
        let mut unwritten = self.lock();
        if unwritten.spent.len() > MOST {
            unwritten.spent.clear();
        }
        let place = |credential, resource| (work.tenant, work.run, credential, resource, minute);
        for ((credential, resource), spent) in &usage.budgets {
            let place = place(*credential, resource.clone());
            let sum = unwritten.spent.entry(place).or_default();
            sum.requests += spent.requests;
            sum.refused += spent.refused;
        }
        if usage.waits > 0 {
            for credential in credentials {
                let place = place(*credential, Resource::core());
                unwritten.spent.entry(place).or_default().waits += usage.waits;
            }
        }
    }

    /// Takes in what befell a bucket.
    pub(crate) fn befell(&self, event: &Event, now: DateTime<Utc>) {
        let befallen = match event {
            Event::BackedOff {
                bucket,
                until,
                reason,
            } => BucketEvent {
                key: bucket.clone(),
                resource: None,
                at: now,
                kind: BucketEventKind::BackedOff {
                    until: *until,
                    reason: reason.clone(),
                },
            },
            Event::Spent {
                bucket,
                resource,
                reset_at,
            } => BucketEvent {
                key: bucket.clone(),
                resource: Some(resource.clone()),
                at: now,
                kind: BucketEventKind::Spent { until: *reset_at },
            },
            Event::Died { .. } | Event::Refused { .. } | Event::Access { .. } => return,
        };
        let mut unwritten = self.lock();
        if unwritten.events.len() < MOST {
            unwritten.events.push(befallen);
        }
    }

    fn take(&self) -> Unwritten {
        std::mem::take(&mut *self.lock())
    }

    fn put_back(&self, unwritten: Unwritten) {
        let mut newer = self.lock();
        for (place, sum) in unwritten.spent {
            let slot = newer.spent.entry(place).or_default();
            slot.requests += sum.requests;
            slot.refused += sum.refused;
            slot.waits += sum.waits;
        }
        newer.events.splice(0..0, unwritten.events);
    }
}

/// Writes down what has come together.
pub(crate) async fn write(engine: &Engine) -> Result<(), Error> {
    let unwritten = engine.history.take();
    if unwritten.spent.is_empty() && unwritten.events.is_empty() {
        return Ok(());
    }
    let mut events = unwritten.events.clone();
    let mut rows = Vec::with_capacity(unwritten.spent.len());
    for ((tenant, run, credential, resource, at), sum) in &unwritten.spent {
        // Of a credential that has left the pool meanwhile nobody knows the bucket any more.
        let Some((key, name)) = engine.members.bucket_of(*credential) else {
            continue;
        };
        if sum.refused > 0 {
            let requests = if sum.refused == 1 {
                "a request".to_owned()
            } else {
                format!("{} requests", sum.refused)
            };
            events.push(BucketEvent {
                key: key.clone(),
                resource: Some(resource.clone()),
                at: engine.clock.now(),
                kind: BucketEventKind::Refused {
                    reason: format!("The host refused {requests} of {name}."),
                },
            });
        }
        rows.push(SpendingRow {
            tenant: *tenant,
            run: *run,
            credential: *credential,
            key,
            resource: resource.clone(),
            at: *at,
            requests: sum.requests,
            refused: sum.refused,
            waits: sum.waits,
        });
    }
    let written = engine.fleet.add_history(&rows, &events).await;
    if let Err(error) = &written
        && error.is_transient()
    {
        engine.history.put_back(unwritten);
    }
    Ok(written?)
}

/// Writes down what every budget has left.
pub(crate) async fn look(engine: &Engine) -> Result<(), Error> {
    Ok(engine.fleet.note_standings().await?)
}

/// Sums up and throws away.
pub(crate) async fn tend(engine: &Engine) -> Result<(), Error> {
    Ok(engine.fleet.tend_history().await?)
}

#[cfg(test)]
mod tests;
