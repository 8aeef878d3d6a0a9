//! Permission to send one request with one credential.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{BucketKey, CredentialId, Resource, Secret};

use super::choose::{self, Candidate, Position};
use super::session::Choices;
use super::{Pool, Session, State};
use crate::Error;
use budget::{Ask, BucketId, Demand, Outcome, Settlement, Ticket};

/// The clock may be moved by hand or by a machine that slept: waits look at it this often.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// A wait for anything but quota that is borne by everybody.
const MOMENT: TimeDelta = TimeDelta::seconds(5);

/// Permission to send one request, settled once: by [`Lease::settle`], or as lost when dropped.
pub(crate) struct Lease {
    pool: Pool,
    ticket: Option<Ticket>,
    points: u32,
    bucket: BucketKey,
    left_at: DateTime<Utc>,
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
        let heard = settlement
            .reading
            .as_ref()
            .filter(|(resource, _)| *resource == Resource::core())
            .map(|(_, reading)| *reading);
        let mut state = self.pool.state();
        if let Some(reading) = heard {
            state.hear_window(&self.bucket, reading, self.left_at);
        }
        let signals = state.desk.settle(ticket, settlement, now);
        drop(state);
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

/// What came of looking whether a request may leave.
enum Attempt {
    Leased(Lease),
    Wait {
        until: Option<DateTime<Utc>>,
        is_throttle: bool,
        /// When the desk should be asked again, for whoever waits.
        wake_at: Option<DateTime<Utc>>,
    },
    Never(String),
}

/// A request in the desk's line. It leaves the line when it is dropped, with whatever was decided for it meanwhile.
struct Waiting<'a> {
    pool: &'a Pool,
    place: Option<(Ask, Choices)>,
}

impl Waiting<'_> {
    fn leave(&mut self, state: &mut State, now: DateTime<Utc>) {
        let Some((ask, _)) = self.place.take() else {
            return;
        };
        state.desk.withdraw(ask);
        if let Some(decision) = state.decided.remove(&ask) {
            let unsent = Settlement {
                cost: Some(0),
                reading: None,
                outcome: Outcome::Lost,
            };
            state.desk.settle(decision.ticket, unsent, now);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.place.is_some() {
            let now = self.pool.inner.clock.now();
            let mut state = self.pool.state();
            self.leave(&mut state, now);
            drop(state);
            self.pool.ring();
        }
    }
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
        let mut has_waited = false;
        let mut waiting = Waiting {
            pool: self,
            place: None,
        };
        loop {
            let changed = self.inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();

            let now = clock.now();
            let (until, is_throttle, wake_at) =
                match self.try_lease(session, demand, tried, &mut waiting, now) {
                    Attempt::Wait {
                        until,
                        is_throttle,
                        wake_at,
                    } => (until, is_throttle, wake_at),
                    Attempt::Leased(lease) => {
                        stood_still(session, throttled_from, now);
                        return Ok(lease);
                    }
                    Attempt::Never(detail) => {
                        stood_still(session, throttled_from, now);
                        return Err(Error::NoCredential { detail });
                    }
                };
            if is_throttle && !has_waited {
                session.begin_wait();
                has_waited = true;
            }
            // The traffic of a moment is no reason to give up, however little patience there is.
            let borne_until = if is_throttle {
                deadline
            } else {
                deadline.max(now + MOMENT)
            };
            if let Some(until) = until.filter(|until| *until > borne_until) {
                stood_still(session, throttled_from, now);
                return Err(Error::Throttled { until });
            }
            if is_throttle {
                throttled_from.get_or_insert(now);
            } else {
                stood_still(session, throttled_from.take(), now);
            }
            let wake = [until, wake_at].into_iter().flatten().min();
            let wait = wake.map_or(LOOK_AGAIN, |wake| (wake - now).to_std().unwrap_or_default());
            // Both a change and the time itself are looked at anew.
            drop(tokio::time::timeout(wait.min(LOOK_AGAIN), changed).await);
        }
    }

    /// Puts the request into its line if it is in none, lets go whoever may, and looks whether that was this one.
    fn try_lease(
        &self,
        session: &Session,
        demand: &Demand,
        tried: &BTreeSet<CredentialId>,
        waiting: &mut Waiting<'_>,
        now: DateTime<Utc>,
    ) -> Attempt {
        let mut state = self.state();
        if state.decided.is_empty() && state.desk.sweep() {
            state.generation += 1;
        }
        let is_stale = |place: &(Ask, Choices)| place.1.generation != state.generation;
        if waiting.place.as_ref().is_some_and(is_stale) {
            waiting.leave(&mut state, now);
        }
        if waiting.place.is_none() {
            let Some(choices) = state.choices(session, demand, tried, now) else {
                let candidates = state.candidates(session, demand, tried, now);
                let is_hope = |one: &Candidate| matches!(one.position, Position::Held(_));
                return if candidates.iter().any(is_hope) {
                    waiting_for(&candidates, None)
                } else {
                    Attempt::Never(choose::nobody(&candidates))
                };
            };
            let prefer = state.prefer(session, demand);
            let ask = state
                .desk
                .ask(session.claim, choices.options, demand, session.size, prefer);
            waiting.place = Some((ask, choices));
        }
        let is_others = state.let_go(now);
        let leased = waiting
            .place
            .take_if(|(ask, _)| state.decided.contains_key(ask));
        let attempt = match leased {
            Some((ask, choices)) => {
                self.take(&mut state, session, demand, tried, (ask, &choices), now)
            }
            None => None,
        };
        let attempt = attempt.unwrap_or_else(|| {
            let wake_at = state.desk.wake_at(now);
            let holds = state.candidates(session, demand, tried, now);
            waiting_for(&holds, wake_at)
        });
        drop(state);
        if is_others {
            self.inner.changed.notify_waiters();
        }
        if matches!(attempt, Attempt::Wait { .. }) {
            // A request that waits for a share has just said so to the ledger: the courier should look.
            self.inner.courier.notify_one();
        }
        attempt
    }

    /// Takes what was decided for a request.
    fn take(
        &self,
        state: &mut State,
        session: &Session,
        demand: &Demand,
        tried: &BTreeSet<CredentialId>,
        (ask, choices): (Ask, &Choices),
        now: DateTime<Utc>,
    ) -> Option<Attempt> {
        let decision = state.decided.remove(&ask)?;
        let credential = choices.credentials.get(&decision.bucket).copied()?;
        let (token, bucket) = state
            .members
            .get(&credential)
            .map(|member| (member.token.clone(), member.bucket.clone()))?;
        let current = demand
            .resource
            .as_ref()
            .and_then(|resource| session.current(resource));
        if let Some(resource) = &demand.resource
            && current != Some(credential)
        {
            let candidates = state.standings(
                session,
                demand,
                tried,
                (&decision, credential, current),
                now,
            );
            if let Some(choice) = choose::record(&candidates, credential, current, resource, now) {
                tracing::debug!(credential = %choice.credential, %resource, why = choice.why, "credential chosen");
                session.switch(choice);
            }
        }
        Some(Attempt::Leased(Lease {
            pool: self.clone(),
            ticket: Some(decision.ticket),
            points: demand.points,
            bucket,
            left_at: now,
            credential,
            token,
        }))
    }
}

impl State {
    /// Lets everybody go who may; answers whether somebody did.
    fn let_go(&mut self, now: DateTime<Utc>) -> bool {
        let mut is_any = false;
        while let Some(decision) = self.desk.decide(now) {
            self.decided.insert(decision.ask, decision);
            is_any = true;
        }
        is_any
    }

    /// The bucket that a session used last.
    fn prefer(&mut self, session: &Session, demand: &Demand) -> Option<BucketId> {
        let current = session.current(demand.resource.as_ref()?)?;
        let key = self.members.get(&current)?.bucket.clone();
        Some(self.desk.id(&key))
    }
}

fn stood_still(session: &Session, from: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    if let Some(from) = from {
        session.stood_still(from, now);
    }
}

/// Until when nobody of these can go. Whoever may be free without the clock's help comes first; else the earliest instant.
fn waiting_for(candidates: &[Candidate], wake_at: Option<DateTime<Utc>>) -> Attempt {
    let mut until = None;
    let mut is_first = true;
    let mut is_throttle = true;
    for candidate in candidates {
        let (at, throttles) = match &candidate.position {
            // It may go; another one is before this request.
            Position::Ready(_) => (None, false),
            Position::Held(hold) => (hold.until, hold.why.is_throttle()),
            Position::Out(_) => continue,
        };
        until = match (until, at) {
            _ if is_first => at,
            (Some(one), Some(other)) => Some(other.min(one)),
            (None, _) | (_, None) => None,
        };
        is_first = false;
        is_throttle &= throttles;
    }
    Attempt::Wait {
        until,
        is_throttle,
        wake_at,
    }
}
