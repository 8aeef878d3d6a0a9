//! Who goes next, and with which bucket: requests wait in lines, buckets that may take one stand ready, and each decision
//! takes one of both.
//!
//! The choice is made twice. Among the lines, whoever has had the least for its weight goes first: tenants, then a person's
//! request before a schedule's, then plans, then what is going to take the longest. Among the ready buckets the one goes that
//! would have to be spent the fastest for nothing to expire unused ([`super::Offer::rank`]).
//!
//! Nothing is looked through: a bucket is weighed anew when something happened to it or when its time has come, and kept in
//! order in between. So a decision costs the logarithm of the number of buckets.

mod line;
mod outlook;
mod turns;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::exchange::{Exchange, Grant};
use domain::{BucketKey, PlanId, Resource, TenantId};
use uuid::Uuid;

use super::choice::Offer;
use super::ledger::{BucketId, Ledger, Signal};
use super::outstanding::Ticket;
use super::share::Sharing;
use super::verdict::{Demand, Hold, Settlement, Standing};

use line::{Kind, Line, Place, Weighed};
use turns::Turns;

/// For whom a request asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Whose plan.
    pub tenant: TenantId,
    /// The tenant's weight among tenants.
    pub tenant_weight: u32,
    /// Which plan.
    pub plan: PlanId,
    /// The plan's weight among its tenant's.
    pub weight: u32,
    /// Whether a person waits for it.
    pub is_urgent: bool,
    /// The part of a bucket's window that the plan may take, in percent.
    pub most_percent: u8,
}

/// The weight of whom nobody gave one.
pub const USUAL_WEIGHT: u32 = 100;

impl Claim {
    /// The claim of who works for no plan.
    pub fn of_nobody() -> Self {
        Self::of(TenantId(Uuid::nil()), PlanId(Uuid::nil()))
    }

    /// A claim like everybody's.
    pub fn of(tenant: TenantId, plan: PlanId) -> Self {
        Self {
            tenant,
            tenant_weight: USUAL_WEIGHT,
            plan,
            weight: USUAL_WEIGHT,
            is_urgent: false,
            most_percent: 100,
        }
    }
}

/// The number of a list of buckets that may be chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Options(u32);

/// The number of a waiting request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask(u64);

/// A request that may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Which request.
    pub ask: Ask,
    /// With which bucket.
    pub bucket: BucketId,
    /// Its lease.
    pub ticket: Ticket,
    /// What the bucket had to offer.
    pub offer: Offer,
    line: usize,
}

/// Lists and lines that may lie about.
const LINES_KEPT: usize = 1_024;

/// A waiting request's place in its line: the larger the work that it belongs to, the earlier; then in the order of asking.
type Rank = (std::cmp::Reverse<u32>, u64);

/// The buckets, and who waits for them.
#[derive(Debug)]
pub struct Desk {
    ledger: Ledger,
    options: Vec<Vec<BucketId>>,
    option_ids: BTreeMap<Vec<BucketId>, Options>,
    lines: Vec<Line>,
    line_ids: BTreeMap<(PlanId, Options, Demand), usize>,
    /// By plan: the lines in which somebody waits, what is going to take the longest first.
    busy: BTreeMap<PlanId, Vec<usize>>,
    /// Kinds of requests, by number.
    kinds: Vec<Demand>,
    /// By bucket: how it stood when it was weighed last.
    weighed: Vec<Option<Memo>>,
    /// By bucket: until when, in milliseconds from the last plan, those need it that it is kept for.
    needed: BTreeMap<BucketId, u64>,
    /// The lines in which each bucket stands.
    stands: Vec<Vec<Place>>,
    asks: BTreeMap<Ask, (usize, Rank)>,
    pub(super) turns: Turns,
    next: u64,
}

impl Desk {
    /// A desk without buckets.
    pub fn new(sharing: Sharing) -> Self {
        Self {
            ledger: Ledger::new(sharing),
            options: Vec::new(),
            option_ids: BTreeMap::new(),
            lines: Vec::new(),
            line_ids: BTreeMap::new(),
            busy: BTreeMap::new(),
            kinds: Vec::new(),
            weighed: Vec::new(),
            needed: BTreeMap::new(),
            stands: Vec::new(),
            asks: BTreeMap::new(),
            turns: Turns::default(),
            next: 0,
        }
    }

    /// The books.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// A bucket's number, which stays the same.
    pub fn id(&mut self, key: &BucketKey) -> BucketId {
        self.ledger.id(key)
    }

    /// Changes something in the books of one bucket.
    pub fn change<T>(&mut self, key: &BucketKey, change: impl FnOnce(&mut Ledger) -> T) -> T {
        let changed = change(&mut self.ledger);
        let id = self.ledger.id(key);
        self.touch(id);
        changed
    }

    /// The number of a list of buckets.
    pub fn options(&mut self, buckets: Vec<BucketId>) -> Options {
        if let Some(known) = self.option_ids.get(&buckets) {
            return *known;
        }
        let id = Options(u32::try_from(self.options.len()).unwrap_or(u32::MAX));
        self.options.push(buckets.clone());
        self.option_ids.insert(buckets, id);
        id
    }

    /// The buckets of a list.
    pub fn buckets_of(&self, options: Options) -> &[BucketId] {
        self.options
            .get(options.0 as usize)
            .map_or(&[], Vec::as_slice)
    }

    /// A request waits: of work of a certain size, at best with the bucket that its work used last.
    pub fn ask(
        &mut self,
        claim: Claim,
        options: Options,
        demand: &Demand,
        size: u32,
        prefer: Option<BucketId>,
    ) -> Ask {
        self.turns.wait(claim);
        let line = self.line(claim.plan, options, demand);
        let ask = Ask(self.next);
        self.next += 1;
        let rank = (std::cmp::Reverse(size), ask.0);
        if let Some(waiting) = self.lines.get_mut(line).map(|line| &mut line.waiting) {
            let is_first = waiting.is_empty();
            waiting.insert(rank, (ask, prefer));
            self.asks.insert(ask, (line, rank));
            if is_first {
                self.line_up(claim.plan, line);
            }
        }
        ask
    }

    /// A waiting request does not wait any more.
    pub fn withdraw(&mut self, ask: Ask) {
        if let Some((line, rank)) = self.asks.remove(&ask) {
            self.leave(line, rank);
        }
    }

    /// Forgets lists and lines, once there are many and nobody waits in one; answers whether it has. Numbers of lists are void then.
    pub fn sweep(&mut self) -> bool {
        if self.lines.len().max(self.options.len()) < LINES_KEPT || !self.asks.is_empty() {
            return false;
        }
        self.options.clear();
        self.option_ids.clear();
        self.lines.clear();
        self.line_ids.clear();
        self.busy.clear();
        self.stands.clear();
        self.turns.forget_outlooks();
        true
    }

    /// Requests that wait.
    pub fn waiting_count(&self) -> usize {
        self.asks.len()
    }

    fn line(&mut self, plan: PlanId, options: Options, demand: &Demand) -> usize {
        let key = (plan, options, demand.clone());
        if let Some(known) = self.line_ids.get(&key) {
            return *known;
        }
        let members = self.buckets_of(options).to_vec();
        let index = self.lines.len();
        for (local, bucket) in members.iter().enumerate() {
            let bucket = bucket.0 as usize;
            if self.stands.len() <= bucket {
                self.stands.resize_with(bucket + 1, Vec::new);
            }
            if let Some(stands) = self.stands.get_mut(bucket) {
                stands.push(Place { line: index, local });
            }
        }
        let kind = self
            .kinds
            .iter()
            .position(|known| known == demand)
            .unwrap_or_else(|| {
                self.kinds.push(demand.clone());
                self.kinds.len() - 1
            });
        let mut line = Line::new(plan, options, kind, demand.clone(), members);
        outlook::bar(&mut line, &self.turns, &self.needed);
        self.lines.push(line);
        self.line_ids.insert(key, index);
        index
    }

    /// Somebody waits in a line.
    fn line_up(&mut self, plan: PlanId, line: usize) {
        let order = |index: usize| {
            let options = self.lines.get(index).map(|line| line.options);
            options.map(|options| (self.turns.order(plan, options), index))
        };
        let busy = self.busy.entry(plan).or_default();
        let at = busy.partition_point(|other| order(*other) < order(line));
        busy.insert(at, line);
    }

    fn leave(&mut self, line: usize, rank: Rank) {
        let Some(entry) = self.lines.get_mut(line) else {
            return;
        };
        if entry.waiting.remove(&rank).is_some() {
            self.turns.leave(entry.plan);
        }
        if entry.waiting.is_empty()
            && let Some(busy) = self.busy.get_mut(&entry.plan)
        {
            busy.retain(|busy| *busy != line);
            if busy.is_empty() {
                self.busy.remove(&entry.plan);
            }
        }
    }

    /// Something happened to a bucket: it is weighed anew wherever it stands.
    fn touch(&mut self, bucket: BucketId) {
        if let Some(memo) = self.weighed.get_mut(bucket.0 as usize) {
            *memo = None;
        }
        for place in self.stands.get(bucket.0 as usize).into_iter().flatten() {
            if let Some(line) = self.lines.get_mut(place.line) {
                line.mark(place.local);
            }
        }
    }

    /// Lets the next request leave, if one may.
    pub fn decide(&mut self, now: DateTime<Utc>) -> Option<Decision> {
        if self.ledger.take_surprise() {
            self.plan(&Resource::core(), now);
        }
        loop {
            let line = self.next_line(now)?;
            let entry = self.lines.get_mut(line)?;
            let (rank, (ask, prefer)) = entry
                .waiting
                .first_key_value()
                .map(|(rank, who)| (*rank, *who))?;
            let (local, bucket) = entry.best(prefer)?;
            // What stood ready was weighed before; time alone may have changed it.
            let (ledger, memos) = (&mut self.ledger, &mut self.weighed);
            let Weighed::Ready(offer) =
                remember(memos, ledger, &self.turns, bucket, &entry.kind(), now)
            else {
                entry.mark(local);
                continue;
            };
            let Some(ticket) = self.ledger.begin(bucket, &entry.demand, now) else {
                entry.mark(local);
                continue;
            };
            let (plan, points) = (entry.plan, entry.demand.points);
            self.turns.serve(plan, bucket, points, offer.reset_at);
            self.asks.remove(&ask);
            self.leave(line, rank);
            self.touch(bucket);
            return Some(Decision {
                ask,
                bucket,
                ticket,
                offer,
                line,
            });
        }
    }

    /// The line whose turn it is among those with a bucket ready.
    fn next_line(&mut self, now: DateTime<Utc>) -> Option<usize> {
        let mut plans: Vec<_> = self
            .busy
            .keys()
            .map(|plan| (self.turns.key(*plan), *plan))
            .collect();
        plans.sort_unstable();
        for (_, plan) in plans {
            for index in self.busy.get(&plan).into_iter().flatten() {
                let Some(line) = self.lines.get_mut(*index) else {
                    continue;
                };
                let (ledger, turns, memos) = (&mut self.ledger, &self.turns, &mut self.weighed);
                line.refresh(now, |bucket, line| {
                    remember(memos, ledger, turns, bucket, line, now)
                });
                let is_ready = line
                    .top()
                    .is_some_and(|bucket| self.ledger.host_hold(bucket, now).is_none());
                if is_ready {
                    return Some(*index);
                }
            }
        }
        None
    }

    /// When to decide again although nothing happened; nothing if only an answer or a grant can help.
    pub fn wake_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let lines = self
            .busy
            .values()
            .flatten()
            .filter_map(|index| self.lines.get(*index));
        lines
            .filter_map(|line| {
                let host = line
                    .top()
                    .and_then(|bucket| self.ledger.host_hold(bucket, now)?.until);
                [host, line.next_timer()].into_iter().flatten().min()
            })
            .min()
    }

    /// The buckets that were the next best at a decision, the best first.
    pub fn rivals(&self, decision: &Decision) -> impl Iterator<Item = BucketId> {
        let line = self.lines.get(decision.line);
        let ranking = line.into_iter().flat_map(Line::ranking);
        ranking.filter(|bucket| *bucket != decision.bucket)
    }

    /// Settles a lease; nothing if it was settled before.
    pub fn settle(
        &mut self,
        ticket: Ticket,
        settlement: Settlement,
        now: DateTime<Utc>,
    ) -> Option<Vec<Signal>> {
        let bucket = self.ledger.bucket_of_lease(ticket)?;
        let signals = self.ledger.settle(ticket, settlement, now);
        self.touch(bucket);
        signals
    }

    /// How a bucket stands for a plan's request.
    pub fn consider(
        &mut self,
        claim: &Claim,
        bucket: BucketId,
        demand: &Demand,
        now: DateTime<Utc>,
    ) -> Standing {
        match weigh(
            &mut self.ledger,
            &self.turns,
            claim.plan,
            bucket,
            demand,
            now,
        ) {
            Weighed::Ready(offer) => match self.ledger.host_hold(bucket, now) {
                Some(hold) => Standing::Held(hold),
                None => Standing::Ready(offer),
            },
            Weighed::Held(hold) => Standing::Held(hold),
        }
    }

    /// When the next exchange with the other processes is due, if one is.
    pub fn exchange_due_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.ledger.exchange_due_at(now)
    }

    /// What to tell the other processes and to ask of them.
    pub fn draw(&mut self, now: DateTime<Utc>) -> Vec<Exchange> {
        self.ledger.draw(now)
    }

    /// Gives back every share.
    pub fn give_back(&mut self, now: DateTime<Utc>) -> Vec<Exchange> {
        let exchanges = self.ledger.give_back(now);
        for exchange in &exchanges {
            let id = self.ledger.id(&exchange.key);
            self.touch(id);
        }
        exchanges
    }

    /// Takes the other processes' answer.
    pub fn grant(&mut self, grant: &Grant, now: DateTime<Utc>) {
        self.change(&grant.key, |ledger| ledger.grant(grant, now));
    }

    /// Takes back what may not have reached the other processes.
    pub fn undo(&mut self, exchange: &Exchange, now: DateTime<Utc>) {
        self.change(&exchange.key, |ledger| ledger.undo(exchange, now));
    }
}

/// Whether a bucket may take a request of a plan.
fn weigh(
    ledger: &mut Ledger,
    turns: &Turns,
    plan: PlanId,
    bucket: BucketId,
    demand: &Demand,
    now: DateTime<Utc>,
) -> Weighed {
    match ledger.weigh_bucket(bucket, demand, turns.ends_at(plan), now) {
        Ok(offer) => match turns.limit(plan, bucket, demand.points, &offer, ledger.sharers(bucket))
        {
            Some(hold) => Weighed::Held(hold),
            None => Weighed::Ready(offer),
        },
        Err(hold) => Weighed::Held(hold),
    }
}

/// As [`weigh`]: many lines ask the same of one bucket at the same moment.
fn remember(
    memos: &mut Vec<Option<Memo>>,
    ledger: &mut Ledger,
    turns: &Turns,
    bucket: BucketId,
    line: &Kind<'_>,
    now: DateTime<Utc>,
) -> Weighed {
    let question = (
        line.number,
        turns.ends_at(line.plan),
        turns.is_limited(line.plan).then_some(line.plan),
        now,
    );
    let place = bucket.0 as usize;
    if let Some(Some(memo)) = memos.get(place)
        && memo.question == question
    {
        return memo.answer.clone();
    }
    let answer = weigh(ledger, turns, line.plan, bucket, line.demand, now);
    if memos.len() <= place {
        memos.resize_with(place + 1, || None);
    }
    if let Some(memo) = memos.get_mut(place) {
        *memo = Some(Memo {
            question,
            answer: answer.clone(),
        });
    }
    answer
}

/// What was asked of a bucket, and the answer.
#[derive(Debug)]
struct Memo {
    question: (usize, Option<DateTime<Utc>>, Option<PlanId>, DateTime<Utc>),
    answer: Weighed,
}

#[cfg(test)]
mod tests;
