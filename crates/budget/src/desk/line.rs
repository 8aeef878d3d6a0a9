//! One line: requests of one plan that may use the same buckets for the same kind of request, and those buckets in order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use chrono::{DateTime, TimeDelta, Utc};
use domain::PlanId;

use super::{Ask, BucketId, Demand, Hold, Offer, Options, Rank};

/// A ready bucket's place in the order moves as its window runs out: it is looked at again after this part of the rest.
const LOOK_AGAIN_PART: i32 = 20;
/// And not more often than this.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(1);

/// Where a bucket stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) local: usize,
}

/// What came of weighing a bucket.
#[derive(Debug, Clone)]
pub(super) enum Weighed {
    Ready(Offer),
    Held(Hold),
}

/// What all requests of a line have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind<'a> {
    pub(super) plan: PlanId,
    pub(super) number: usize,
    pub(super) demand: &'a Demand,
}

#[derive(Debug, Clone, Default)]
struct Slot {
    rank: Option<u64>,
    timer: Option<DateTime<Utc>>,
    is_marked: bool,
    /// Kept for others by the plan of the whole: see the planner.
    is_barred: bool,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) plan: PlanId,
    pub(super) options: Options,
    kind: usize,
    pub(super) demand: Demand,
    pub(super) waiting: BTreeMap<Rank, (Ask, Option<BucketId>)>,
    members: Vec<BucketId>,
    locals: BTreeMap<BucketId, usize>,
    slots: Vec<Slot>,
    /// Ready buckets, the best last; of equals the one that comes first in the list.
    ready: BTreeSet<(u64, Reverse<usize>)>,
    timers: BinaryHeap<Reverse<(DateTime<Utc>, usize)>>,
    marked: Vec<usize>,
}

impl Line {
    pub(super) fn new(
        plan: PlanId,
        options: Options,
        kind: usize,
        demand: Demand,
        members: Vec<BucketId>,
    ) -> Self {
        let mut line = Self {
            plan,
            options,
            kind,
            demand,
            waiting: BTreeMap::new(),
            locals: members
                .iter()
                .enumerate()
                .map(|(local, id)| (*id, local))
                .collect(),
            slots: vec![Slot::default(); members.len()],
            members,
            ready: BTreeSet::new(),
            timers: BinaryHeap::new(),
            marked: Vec::new(),
        };
        line.mark_all();
        line
    }

    /// What all its requests have in common.
    pub(super) fn kind(&self) -> Kind<'_> {
        Kind {
            plan: self.plan,
            number: self.kind,
            demand: &self.demand,
        }
    }

    /// A bucket is to be weighed before the next decision.
    pub(super) fn mark(&mut self, local: usize) {
        if let Some(slot) = self.slots.get_mut(local)
            && !slot.is_marked
        {
            slot.is_marked = true;
            self.marked.push(local);
        }
    }

    pub(super) fn mark_all(&mut self) {
        for local in 0..self.slots.len() {
            self.mark(local);
        }
    }

    /// Keeps the line from some of its buckets.
    pub(super) fn bar(&mut self, is_barred: impl Fn(BucketId) -> bool) {
        for (slot, bucket) in self.slots.iter_mut().zip(&self.members) {
            slot.is_barred = is_barred(*bucket);
        }
        self.mark_all();
    }

    /// Weighs what was marked or whose time has come.
    pub(super) fn refresh(
        &mut self,
        now: DateTime<Utc>,
        mut weigh: impl FnMut(BucketId, &Kind<'_>) -> Weighed,
    ) {
        while let Some(Reverse((at, local))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            if let Some(slot) = self.slots.get_mut(local)
                && slot.timer == Some(at)
            {
                slot.timer = None;
                if !slot.is_marked {
                    slot.is_marked = true;
                    self.marked.push(local);
                }
            }
        }
        let kind = Kind {
            plan: self.plan,
            number: self.kind,
            demand: &self.demand,
        };
        while let Some(local) = self.marked.pop() {
            let (Some(slot), Some(bucket)) = (self.slots.get_mut(local), self.members.get(local))
            else {
                continue;
            };
            slot.is_marked = false;
            if let Some(rank) = slot.rank.take() {
                self.ready.remove(&(rank, Reverse(local)));
            }
            if slot.is_barred {
                continue;
            }
            let again = match weigh(*bucket, &kind) {
                Weighed::Ready(offer) => {
                    let rank = offer.rank();
                    slot.rank = Some(rank);
                    self.ready.insert((rank, Reverse(local)));
                    let wait = (offer.expires_in / LOOK_AGAIN_PART).max(LOOK_AGAIN);
                    offer.reset_at.map(|_| now + wait)
                }
                Weighed::Held(hold) => hold.until,
            };
            if let Some(at) = again
                && slot.timer.is_none_or(|timer| at < timer)
            {
                slot.timer = Some(at);
                self.timers.push(Reverse((at, local)));
            }
        }
    }

    /// The first of the ready buckets.
    pub(super) fn top(&self) -> Option<BucketId> {
        let (_, Reverse(local)) = self.ready.last()?;
        self.members.get(*local).copied()
    }

    /// The bucket to go with: the one used last while the difference is small, else the first.
    pub(super) fn best(&self, prefer: Option<BucketId>) -> Option<(usize, BucketId)> {
        let (top, Reverse(first)) = *self.ready.last()?;
        let sticky = prefer.and_then(|bucket| {
            let local = *self.locals.get(&bucket)?;
            let rank = self.slots.get(local)?.rank?;
            (rank >= top - top / 20).then_some((local, bucket))
        });
        sticky.or_else(|| Some((first, *self.members.get(first)?)))
    }

    /// The best of the ready buckets, the first ones first.
    pub(super) fn ranking(&self) -> impl Iterator<Item = BucketId> {
        let locals = self.ready.iter().rev().map(|(_, Reverse(local))| *local);
        locals.filter_map(|local| self.members.get(local).copied())
    }

    pub(super) fn next_timer(&self) -> Option<DateTime<Utc>> {
        self.timers.peek().map(|Reverse((at, _))| *at)
    }
}
