//! Permission to send one request with one credential.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{CredentialId, Secret};

use super::choose::{self, Candidate, Position};
use super::{Pool, Session};
use crate::Error;
use crate::budget::{Demand, Hold, Outcome, Settlement, Ticket};

/// The clock may be moved by hand or by a machine that slept: waits look at it this often.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Permission to send one request, settled once: by [`Lease::settle`], or as lost when dropped.
pub(crate) struct Lease {
    pool: Pool,
    ticket: Option<Ticket>,
    points: u32,
    pub(crate) credential: CredentialId,
    pub(crate) token: Secret,
}

impl Lease {
    /// Tells the ledger what came of the request; answers the points that were booked.
    pub(crate) fn settle(mut self, settlement: Settlement) -> u32 {
        let points = settlement.cost.unwrap_or(self.points);
        self.close(settlement);
        points
    }

    fn close(&mut self, settlement: Settlement) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let now = self.pool.inner.clock.now();
        let signals = self.pool.state().ledger.settle(ticket, settlement, now);
        self.pool.tell_signals(signals.unwrap_or_default());
        self.pool.ring();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.close(Settlement {
            cost: None,
            reading: None,
            outcome: Outcome::Lost,
        });
    }
}

enum Attempt {
    Leased(Lease),
    Wait {
        until: Option<DateTime<Utc>>,
        is_throttle: bool,
    },
    Never(String),
}

impl Pool {
    /// Leases one request for a session, waiting as long as its patience allows.
    pub(crate) async fn lease(
        &self,
        session: &Session,
        demand: &Demand,
        tried: &BTreeSet<CredentialId>,
    ) -> Result<Lease, Error> {
        let clock = &self.inner.clock;
        let patience = TimeDelta::from_std(session.scope.patience).unwrap_or(TimeDelta::MAX);
        let deadline = clock
            .now()
            .checked_add_signed(patience)
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        let mut throttled_from = None;
        loop {
            let changed = self.inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();

            let now = clock.now();
            let (until, is_throttle) = match self.try_lease(session, demand, tried, now) {
                Attempt::Wait { until, is_throttle } => (until, is_throttle),
                Attempt::Leased(lease) => {
                    stood_still(session, throttled_from, now);
                    return Ok(lease);
                }
                Attempt::Never(detail) => {
                    stood_still(session, throttled_from, now);
                    return Err(Error::NoCredential { detail });
                }
            };
            if let Some(until) = until.filter(|until| *until > deadline) {
                stood_still(session, throttled_from, now);
                return Err(Error::Throttled { until });
            }
            if is_throttle {
                throttled_from.get_or_insert(now);
            } else {
                stood_still(session, throttled_from.take(), now);
            }
            let wait = until.map_or(LOOK_AGAIN, |until| {
                (until - now).to_std().unwrap_or_default()
            });
            // Both a change and the time itself are looked at anew.
            drop(tokio::time::timeout(wait.min(LOOK_AGAIN), changed).await);
        }
    }

    fn try_lease(
        &self,
        session: &Session,
        demand: &Demand,
        tried: &BTreeSet<CredentialId>,
        now: DateTime<Utc>,
    ) -> Attempt {
        let mut state = self.state();
        let candidates = state.candidates(session, demand, tried, now);
        let current = demand
            .resource
            .as_ref()
            .and_then(|resource| session.current(resource));
        let Some(chosen) = choose::best(&candidates, current, !tried.is_empty()) else {
            drop(state);
            let attempt = waiting(&candidates);
            self.inner.wake_courier(&attempt);
            return attempt;
        };
        let Some(Candidate {
            id,
            bucket: Some(key),
            ..
        }) = candidates.get(chosen)
        else {
            return waiting(&candidates);
        };
        let Some(token) = state.members.get(id).map(|member| member.token.clone()) else {
            return waiting(&candidates);
        };
        let ticket = match state.ledger.lease(key, demand, now) {
            Ok(ticket) => ticket,
            Err(hold) => return wait_for(std::iter::once(&hold)),
        };
        drop(state);
        if let Some(resource) = &demand.resource
            && current != Some(*id)
            && let Some(choice) = choose::record(&candidates, chosen, current, resource, now)
        {
            tracing::debug!(credential = %choice.credential, %resource, why = choice.why, "credential chosen");
            session.switch(choice);
        }
        Attempt::Leased(Lease {
            pool: self.clone(),
            ticket: Some(ticket),
            points: demand.points,
            credential: *id,
            token,
        })
    }
}

impl super::Inner {
    /// A request that waits for a share has just said so to the ledger: the courier should look.
    fn wake_courier(&self, attempt: &Attempt) {
        if matches!(attempt, Attempt::Wait { .. }) {
            self.courier.notify_one();
        }
    }
}

fn stood_still(session: &Session, from: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    if let Some(from) = from {
        session.stood_still(from, now);
    }
}

/// Nobody can go now: until when, or never.
fn waiting(candidates: &[Candidate]) -> Attempt {
    let mut holds = candidates
        .iter()
        .filter_map(|candidate| match &candidate.position {
            Position::Held(hold) => Some(hold),
            Position::Ready(_) | Position::Out(_) => None,
        })
        .peekable();
    if holds.peek().is_some() {
        return wait_for(holds);
    }
    Attempt::Never(nobody(candidates))
}

/// Whoever may be free without the clock's help comes first; else the earliest instant.
fn wait_for<'a>(holds: impl Iterator<Item = &'a Hold>) -> Attempt {
    let mut until = None;
    let mut is_first = true;
    let mut is_throttle = true;
    for hold in holds {
        until = match (until, hold.until) {
            _ if is_first => hold.until,
            (Some(one), Some(other)) => Some(other.min(one)),
            (None, _) | (_, None) => None,
        };
        is_first = false;
        is_throttle &= hold.why.is_throttle();
    }
    Attempt::Wait { until, is_throttle }
}

fn nobody(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return "There is no credential to use: none was given.".to_owned();
    }
    let each = candidates
        .iter()
        .map(|candidate| match &candidate.position {
            Position::Out(why) => format!("{}: {why}", candidate.name),
            Position::Held(_) | Position::Ready(_) => candidate.name.clone(),
        });
    format!(
        "No credential can be used ({}).",
        each.collect::<Vec<_>>().join("; ")
    )
}
