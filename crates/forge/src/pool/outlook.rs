//! What is still to be asked for, told to the desk, and when it is going to be done.

use std::collections::BTreeMap;

use budget::planner::{self, Supply, Work};
use budget::{BucketId, Claim};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{CredentialId, PlanId, Resource};

use super::{Pool, State};

/// What a plan is still going to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// On whose behalf.
    pub claim: Claim,
    /// The credentials that it may use.
    pub credentials: Vec<CredentialId>,
    /// Requests by the host's number of the repository that they are about.
    pub requests: Vec<(i64, u64)>,
    /// Requests a minute at which it has gone so far, where it was not for want of quota; nothing before that is known.
    pub a_minute: Option<u64>,
}

impl Expectation {
    /// All requests together.
    pub fn total(&self) -> u64 {
        self.requests.iter().map(|(_, requests)| requests).sum()
    }
}

/// What is to come of an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// When all of it is going to be done; nothing if that cannot be told.
    pub ends_at: Option<DateTime<Utc>>,
    /// Whether it stands still, because every bucket that it may use is spent or backing off.
    pub is_starved: bool,
}

/// Requests by the buckets that they may use.
type Shares = BTreeMap<Vec<BucketId>, u64>;

impl Pool {
    /// Takes in everything that is expected, in place of what was said before; answers what is to come of each.
    pub fn expect(&self, all: &[Expectation]) -> Vec<Outlook> {
        let now = self.inner.clock.now();
        let core = Resource::core();
        let mut state = self.state();
        let shares: Vec<Shares> = all.iter().map(|one| state.shares(one)).collect();
        state.desk.expect_nothing();
        for (one, shares) in all.iter().zip(&shares) {
            for (buckets, requests) in shares {
                let options = state.desk.options(buckets.clone());
                state.desk.expect(one.claim, options, *requests);
            }
        }
        state.desk.plan(&core, now);
        let buckets: Vec<BucketId> = shares
            .iter()
            .flat_map(Shares::keys)
            .flatten()
            .copied()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        let supplies: Vec<Supply> = buckets
            .iter()
            .map(|bucket| state.desk.ledger().supply(*bucket, &core, now))
            .collect();
        drop(state);
        self.ring();
        let place = |bucket: &BucketId| buckets.binary_search(bucket).ok();
        let is_spent = |bucket: &BucketId| {
            let supply = place(bucket).and_then(|index| supplies.get(index));
            supply.is_none_or(|supply| supply.left == 0 || supply.from > 0)
        };
        let outlook = |(index, shares_of): (usize, &Shares)| Outlook {
            ends_at: ends_at(all, &shares, index, &supplies, place, now),
            is_starved: !shares_of.is_empty() && shares_of.keys().flatten().all(is_spent),
        };
        shares.iter().enumerate().map(outlook).collect()
    }

    /// Forgets what was expected of a plan whose run has ended.
    pub fn conclude(&self, plan: PlanId) {
        self.state().desk.conclude(plan);
        self.ring();
    }
}

impl State {
    /// By the buckets that may serve them: of a repository, those whose credentials are not known not to see it.
    fn shares(&mut self, one: &Expectation) -> Shares {
        let members: Vec<(CredentialId, BucketId)> = one
            .credentials
            .iter()
            .filter_map(|id| {
                let member = self.members.get(id)?;
                let is_healthy = member.health == domain::Health::Healthy;
                is_healthy.then(|| (*id, member.bucket.clone()))
            })
            .map(|(id, key)| (id, self.desk.id(&key)))
            .collect();
        let mut shares = Shares::new();
        for (repository, requests) in &one.requests {
            let mut buckets: Vec<BucketId> = Vec::new();
            for (id, bucket) in &members {
                let sees = self.access.get(&(*id, *repository)) != Some(&false);
                if sees && !buckets.contains(bucket) {
                    buckets.push(*bucket);
                }
            }
            *shares.entry(buckets).or_default() += requests;
        }
        shares
    }
}

/// When one of them is done: while it goes on, nobody gets more than it does for its weight, so the others count with no more than
/// that. Nobody goes faster than he went so far.
fn ends_at(
    all: &[Expectation],
    shares: &[Shares],
    index: usize,
    supplies: &[Supply],
    place: impl Fn(&BucketId) -> Option<usize>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let (one, own) = (all.get(index)?, shares.get(index)?);
    let total = one.total();
    let weight = u64::from(one.claim.weight.max(1));
    let pace = one.a_minute.unwrap_or(u64::MAX);
    let supplies: Vec<Supply> = supplies
        .iter()
        .map(|supply| Supply {
            a_minute: supply.a_minute.min(pace).max(1),
            ..*supply
        })
        .collect();
    let mut works: Vec<Work> = Vec::new();
    let mut push = |buckets: &[BucketId], requests: u64| {
        works.push(Work {
            requests,
            may_use: buckets.iter().filter_map(&place).collect(),
        });
    };
    for (buckets, requests) in own {
        push(buckets, *requests);
    }
    for (number, (other, theirs)) in all.iter().zip(shares).enumerate() {
        let fair = total.saturating_mul(u64::from(other.claim.weight)) / weight;
        let sum = other.total();
        for (buckets, requests) in theirs.iter().filter(|_| number != index) {
            push(buckets, requests.saturating_mul(fair.min(sum)) / sum.max(1));
        }
    }
    let schedule = planner::schedule(&works, &supplies);
    let spans = schedule.work_spans.iter().take(own.len());
    let span = spans
        .copied()
        .try_fold(0, |most, span| Some(span?.max(most)))?;
    let by_pace = match one.a_minute {
        Some(a_minute) => total.saturating_mul(60_000) / a_minute.max(1),
        None => 0,
    };
    let millis = i64::try_from(span.max(by_pace)).ok()?;
    now.checked_add_signed(TimeDelta::milliseconds(millis))
}

#[cfg(test)]
mod tests;
