//! Which member goes: who may at all, who of them has the most to lose, and a record of both.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{BucketKey, CredentialId, Health, Resource};

use super::{Session, State};
use crate::budget::{Demand, Hold, Offer, Standing, Why};
use crate::usage::Choice;

/// How one member of a session's scope stands.
pub(super) struct Candidate {
    pub(super) id: CredentialId,
    pub(super) name: String,
    pub(super) bucket: Option<BucketKey>,
    pub(super) position: Position,
    sees: bool,
}

pub(super) enum Position {
    /// It may go.
    Ready(Offer),
    /// Its bucket may not, for now.
    Held(Hold),
    /// It is no use here.
    Out(String),
}

impl State {
    /// How every member of the scope stands, for a request that some have already failed at.
    pub(super) fn candidates(
        &mut self,
        session: &Session,
        demand: &Demand,
        tried: &BTreeSet<CredentialId>,
        now: DateTime<Utc>,
    ) -> Vec<Candidate> {
        let credentials = &session.scope.credentials;
        credentials
            .iter()
            .map(|id| {
                let (position, bucket) = match self.fitness(*id, session) {
                    Err(why) => (Position::Out(why), None),
                    Ok(_) if tried.contains(id) => {
                        (Position::Out("already tried".to_owned()), None)
                    }
                    Ok(key) if self.renewing.contains(id) => {
                        let hold = Hold {
                            why: Why::Renewing,
                            until: None,
                            remaining: None,
                        };
                        (Position::Held(hold), Some(key))
                    }
                    Ok(key) => match self.ledger.consider(&key, demand, now) {
                        Standing::Ready(offer) => (Position::Ready(offer), Some(key)),
                        Standing::Held(hold) => (Position::Held(hold), Some(key)),
                    },
                };
                Candidate {
                    id: *id,
                    name: self.name_of(*id),
                    bucket,
                    position,
                    sees: self.sees(*id, session) == Some(true),
                }
            })
            .collect()
    }

    /// The bucket of a member that may be used in this session, or why it may not.
    pub(super) fn fitness(&self, id: CredentialId, session: &Session) -> Result<BucketKey, String> {
        let member = self.members.get(&id).ok_or("not in the pool")?;
        match &member.health {
            Health::Healthy => {}
            Health::Paused => return Err("paused".to_owned()),
            Health::Dead { reason } => return Err(format!("refused by its host: {reason}")),
        }
        if member.bucket.host != session.host {
            return Err(format!("belongs to {}", member.bucket.host));
        }
        if self.sees(id, session) == Some(false) {
            return Err("does not see the repository".to_owned());
        }
        Ok(member.bucket.clone())
    }

    pub(super) fn name_of(&self, id: CredentialId) -> String {
        self.members
            .get(&id)
            .map_or_else(|| id.to_string(), |member| member.name.clone())
    }

    fn sees(&self, id: CredentialId, session: &Session) -> Option<bool> {
        let repository = session.scope.repository?;
        self.access.get(&(id, repository)).copied()
    }
}

/// The index of the candidate that goes, if one may.
///
/// After a failure those known to see the repository go first; then the greatest pace needed; then the session's
/// credential of the moment, if the difference is small; then the order of the scope.
pub(super) fn best(
    candidates: &[Candidate],
    current: Option<CredentialId>,
    is_again: bool,
) -> Option<usize> {
    let ready = || {
        let offers = candidates.iter().enumerate();
        offers.filter_map(|(index, candidate)| match &candidate.position {
            Position::Ready(offer) => Some((index, candidate, offer)),
            Position::Held(_) | Position::Out(_) => None,
        })
    };
    let (index, first, offer) = ready().reduce(|best, next| {
        let by_access = if is_again {
            next.1.sees.cmp(&best.1.sees)
        } else {
            std::cmp::Ordering::Equal
        };
        if by_access.then_with(|| next.2.compare(best.2)).is_gt() {
            next
        } else {
            best
        }
    })?;
    let sticky = ready().find(|(_, candidate, theirs)| {
        Some(candidate.id) == current
            && offer.is_tie(theirs)
            && (!is_again || candidate.sees == first.sees)
    });
    Some(sticky.map_or(index, |(index, _, _)| index))
}

/// The record of a choice.
pub(super) fn record(
    candidates: &[Candidate],
    chosen: usize,
    current: Option<CredentialId>,
    resource: &Resource,
    now: DateTime<Utc>,
) -> Option<Choice> {
    let winner = candidates.get(chosen)?;
    let Position::Ready(offer) = &winner.position else {
        return None;
    };
    let others = || {
        candidates
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != chosen)
            .map(|(_, other)| other)
    };
    Some(Choice {
        at: now,
        credential: winner.id,
        resource: resource.clone(),
        remaining: offer.remaining,
        reset_at: offer.reset_at,
        runners_up: others().map(|other| runner_up(other, offer)).collect(),
        why: reason(winner, offer, others()),
        left: others()
            .find(|other| Some(other.id) == current)
            .and_then(|other| Some((other.id, hindrance(other)?))),
    })
}

/// Why a candidate could not go on, other than for the traffic of the moment.
fn hindrance(candidate: &Candidate) -> Option<String> {
    match &candidate.position {
        Position::Ready(_) => None,
        Position::Held(hold) => hold.why.is_throttle().then(|| held(hold)),
        Position::Out(why) => Some(why.clone()),
    }
}

fn held(hold: &Hold) -> String {
    match hold.until {
        Some(until) => format!("{} until {}", hold.why, until.format("%H:%M:%S UTC")),
        None => hold.why.to_string(),
    }
}

fn runner_up(other: &Candidate, winner: &Offer) -> (CredentialId, Option<u32>, String) {
    match &other.position {
        Position::Ready(offer) => {
            let remaining = offer.is_known.then_some(offer.remaining);
            (other.id, remaining, lost_to(offer, winner).to_owned())
        }
        Position::Held(hold) => (other.id, hold.remaining, held(hold)),
        Position::Out(why) => (other.id, None, why.clone()),
    }
}

fn lost_to(offer: &Offer, winner: &Offer) -> &'static str {
    if offer.is_tie(winner) {
        "has as much left"
    } else if offer.remaining <= winner.remaining {
        "has less left"
    } else {
        "its window ends later, so that less of it would expire unused"
    }
}

fn reason<'a>(
    winner: &Candidate,
    offer: &Offer,
    others: impl Iterator<Item = &'a Candidate>,
) -> String {
    let mut ready = others.filter_map(|other| match &other.position {
        Position::Ready(offer) => Some(offer),
        Position::Held(_) | Position::Out(_) => None,
    });
    let name = &winner.name;
    let Some(next) = ready.by_ref().reduce(|best, next| {
        if next.compare(best).is_gt() {
            next
        } else {
            best
        }
    }) else {
        return format!("{name} is the only one that can go now.");
    };
    if offer.unlimited {
        format!("The host does not count the requests of {name}.")
    } else if offer.remaining >= next.remaining {
        format!("{name} has the most left: {}.", offer.remaining)
    } else {
        format!(
            "{name} has {} left that would expire unused before the others' windows end.",
            offer.remaining
        )
    }
}
