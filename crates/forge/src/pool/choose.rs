//! Which member goes: who may at all, who of them has the most to lose, and a record of both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use budget::{BucketId, Decision, Demand, Hold, Offer, Standing, Why};
use chrono::{DateTime, Utc};
use domain::{BucketKey, CredentialId, Health, Resource};

use super::session::Choices;
use super::{Session, State};
use crate::usage::Choice;

/// Of a greater scope only the best are shown beside the one chosen.
const SHOWN: usize = 16;

/// How one member of a session's scope stands.
pub(super) struct Candidate {
    pub(super) id: CredentialId,
    pub(super) name: String,
    pub(super) position: Position,
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
        let credentials = session.scope.credentials.clone();
        self.weigh(&credentials, session, demand, tried, now)
    }

    fn weigh(
        &mut self,
        credentials: &[CredentialId],
        session: &Session,
        demand: &Demand,
        tried: &BTreeSet<CredentialId>,
        now: DateTime<Utc>,
    ) -> Vec<Candidate> {
        credentials
            .iter()
            .map(|id| {
                let position = match self.fitness(*id, session) {
                    Err(why) => Position::Out(why),
                    Ok(_) if tried.contains(id) => Position::Out("already tried".to_owned()),
                    Ok(_) if self.renewing.contains(id) => Position::Held(Hold {
                        why: Why::Renewing,
                        until: None,
                        remaining: None,
                    }),
                    Ok(key) => {
                        let bucket = self.desk.id(&key);
                        match self.desk.consider(&session.claim, bucket, demand, now) {
                            Standing::Ready(offer) => Position::Ready(offer),
                            Standing::Held(hold) => Position::Held(hold),
                        }
                    }
                };
                Candidate {
                    id: *id,
                    name: self.name_of(*id),
                    position,
                }
            })
            .collect()
    }

    /// What a session may choose from; nothing if no credential is fit. After a failure, those known to see the repository go first.
    pub(super) fn choices(
        &mut self,
        session: &Session,
        demand: &Demand,
        tried: &BTreeSet<CredentialId>,
        now: DateTime<Utc>,
    ) -> Option<Choices> {
        if tried.is_empty()
            && let Some(known) = session.choices(self.generation)
        {
            return Some(known);
        }
        let mut fit: Vec<(CredentialId, BucketId)> = Vec::new();
        let usable = |id: &&CredentialId| !tried.contains(id) && !self.renewing.contains(id);
        let usable: Vec<CredentialId> = session
            .scope
            .credentials
            .iter()
            .filter(usable)
            .copied()
            .collect();
        for id in &usable {
            if let Ok(key) = self.fitness(*id, session) {
                fit.push((*id, self.desk.id(&key)));
            }
        }
        let seeing: Vec<_> = fit
            .iter()
            .filter(|(id, _)| self.sees(*id, session) == Some(true))
            .copied()
            .collect();
        let mut can_go = |(_, bucket): &(CredentialId, BucketId)| {
            matches!(
                self.desk.consider(&session.claim, *bucket, demand, now),
                Standing::Ready(_)
            )
        };
        let is_narrow = !tried.is_empty() && seeing.iter().any(&mut can_go);
        let mut buckets = Vec::new();
        let mut credentials = BTreeMap::new();
        for (id, bucket) in if is_narrow { seeing } else { fit } {
            credentials.entry(bucket).or_insert_with(|| {
                buckets.push(bucket);
                id
            });
        }
        if buckets.is_empty() {
            return None;
        }
        let choices = Choices {
            generation: self.generation,
            options: self.desk.options(buckets),
            credentials: Arc::new(credentials),
        };
        if tried.is_empty() {
            session.remember_choices(choices.clone());
        }
        Some(choices)
    }

    /// How those stood whom a choice was between: the one chosen, the one used so far, and the best of the others.
    pub(super) fn standings(
        &mut self,
        session: &Session,
        demand: &Demand,
        tried: &BTreeSet<CredentialId>,
        (decision, chosen, current): (&Decision, CredentialId, Option<CredentialId>),
        now: DateTime<Utc>,
    ) -> Vec<Candidate> {
        let all = &session.scope.credentials;
        let shown: Vec<CredentialId> = if all.len() <= SHOWN {
            all.clone()
        } else {
            let rivals: Vec<BucketKey> = self
                .desk
                .rivals(decision)
                .take(SHOWN)
                .filter_map(|bucket| self.desk.ledger().key(bucket).cloned())
                .collect();
            let is_rival = |id: &CredentialId| {
                let member = self.members.get(id);
                member.is_some_and(|member| rivals.contains(&member.bucket))
            };
            let is_shown =
                |id: &&CredentialId| **id == chosen || Some(**id) == current || is_rival(id);
            all.iter().filter(is_shown).copied().collect()
        };
        let mut candidates = self.weigh(&shown, session, demand, tried, now);
        for candidate in &mut candidates {
            if candidate.id == chosen {
                candidate.position = Position::Ready(decision.offer);
            }
        }
        candidates
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

/// The record of a choice.
pub(super) fn record(
    candidates: &[Candidate],
    chosen: CredentialId,
    current: Option<CredentialId>,
    resource: &Resource,
    now: DateTime<Utc>,
) -> Option<Choice> {
    let winner = candidates.iter().find(|candidate| candidate.id == chosen)?;
    let Position::Ready(offer) = &winner.position else {
        return None;
    };
    let others = || candidates.iter().filter(|other| other.id != chosen);
    Some(Choice {
        at: now,
        credential: winner.id,
        resource: resource.clone(),
        remaining: offer.remaining,
        limit: (offer.is_known && !offer.unlimited).then_some(offer.limit),
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

/// Why there is nobody to go.
pub(super) fn nobody(candidates: &[Candidate]) -> String {
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
