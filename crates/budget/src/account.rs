//! One budget of one bucket: what is known, what is leased, what is ours.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Reading;

use super::bucket::millis;
use super::choice::{Offer, USUAL_LIMIT};
use super::others::Others;
use super::planner::Supply;
use super::quota::{Quota, State, over_at};
use super::share::{Bill, Share, Sharing};
use super::terms::Terms;
use super::untold::{Felt, Untold};
use super::verdict::{Hold, Why};

/// A refusal without a word on when the window ends is looked at again after this time.
const REFUSED_FOR: TimeDelta = TimeDelta::seconds(60);
/// The part of a window that is left to newcomers by those who outlast the window anyway.
const NEWCOMERS_PART: u32 = 10;
/// Shorter windows leave nothing: whoever comes waits a moment only.
const WORTH_LEAVING: TimeDelta = TimeDelta::minutes(10);

/// The books of one budget.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    pub(super) quota: Quota,
    pub(super) share: Share,
    pub(super) others: Others,
    /// A refusal stands, whatever readings of other windows say.
    empty_until: Option<DateTime<Utc>>,
    outstanding: u32,
    in_flight: u32,
    lost: Lost,
    announced: Option<DateTime<Utc>>,
}

/// Requests without a reading: the host may have counted them, and answers that were under way with them do not tell.
#[derive(Debug, Clone, Copy, Default)]
struct Lost {
    points: u32,
    /// Readings of requests with this number or a greater one tell.
    told_from: u64,
}

/// What a budget's bucket says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) terms: &'a Terms,
    pub(super) reserve_percent: u8,
    pub(super) sharing: Sharing,
    /// Processes that use the bucket.
    pub(super) sharers: u32,
}

impl Account {
    /// What may still be leased of what the host says is left, before shares; nothing if the host does not count or tell.
    fn spendable(&self, reserve_percent: u8) -> Option<u32> {
        let (limit, remaining, others) = match self.quota.state {
            State::Known { .. } => {
                let reading = self.quota.reading()?;
                (
                    reading.limit,
                    reading.remaining,
                    self.others.until(reading.reset_at),
                )
            }
            State::Unknown { last } => {
                let limit = last.map_or(USUAL_LIMIT, |last| last.limit);
                (limit, limit, 0)
            }
            State::Untold(_) | State::Unlimited => return None,
        };
        Some(
            remaining
                .saturating_sub(self.outstanding)
                .saturating_sub(self.lost.points)
                .saturating_sub(reserve(limit, reserve_percent))
                .saturating_sub(others),
        )
    }

    /// Whether a request of this cost may leave as far as this budget is concerned. Where the plan that it belongs to is going to
    /// end after the window anyway, a part is left to newcomers, as long as there is time to spend that part too.
    pub(super) fn consider(
        &mut self,
        points: u32,
        ends_at: Option<DateTime<Utc>>,
        rules: Rules<'_>,
        now: DateTime<Utc>,
    ) -> Result<Offer, Hold> {
        self.roll(now);
        if let Some(until) = self.empty_until.filter(|until| now < *until) {
            return Err(hold(Why::Empty, Some(until), Some(0)));
        }
        if let State::Untold(untold) = &self.quota.state {
            return feel(untold, points, self.in_flight, rules, now);
        }
        let Some(spendable) = self.spendable(rules.reserve_percent) else {
            return Ok(Offer::unlimited(rules.terms.window));
        };
        let window = self.quota.window();
        let known = window.map(|_| spendable);
        if let Some(window) = window {
            if spendable < points {
                if self.may_look(window.reading, points, rules, now) {
                    return Ok(offer(points, Some(window.reading), rules.terms, now));
                }
                // What is outstanding may turn out to cost less, and others may leave some of what is kept for them; else the
                // window's end is the only relief.
                let until = (self.in_flight == 0).then(|| {
                    let over = self.quota.over_at(window);
                    let look = self.others.look_at(rules.terms.window);
                    look.map_or(over, |look| {
                        if now < look {
                            look
                        } else {
                            now + rules.terms.window / 60
                        }
                        .min(over)
                    })
                });
                return Err(hold(Why::Empty, until, known));
            }
            let kept = kept_until(window.reading, rules.terms);
            let outlasts = ends_at.is_some_and(|end| window.reading.reset_at < end);
            if outlasts
                && now < kept
                && spendable < points.saturating_add(newcomers(window.reading.limit))
            {
                return Err(hold(Why::Kept, Some(kept), known));
            }
        }
        if !self.quota.is_proven() && self.in_flight > 0 {
            return Err(hold(Why::Unproven, None, known));
        }
        if rules.sharing == Sharing::Shared && self.needs_share() && self.share.balance() < points {
            let again = self.share.require(points, now);
            let (why, until) = match again {
                None => (Why::Drawing, None),
                Some(_) if self.share.is_cut_off() => (Why::CutOff, None),
                Some(again) => (Why::NoShare, Some(again)),
            };
            return Err(hold(why, until, known));
        }
        Ok(offer(
            spendable,
            window.map(|window| window.reading),
            rules.terms,
            now,
        ))
    }

    /// Whether one request may find out if others have left some of what is kept for them.
    fn may_look(
        &self,
        reading: Reading,
        points: u32,
        rules: Rules<'_>,
        now: DateTime<Utc>,
    ) -> bool {
        let left = reading
            .remaining
            .saturating_sub(self.others.since(now))
            .saturating_sub(self.lost.points)
            .saturating_sub(reserve(reading.limit, rules.reserve_percent));
        let is_due = self
            .others
            .look_at(rules.terms.window)
            .is_some_and(|look| look <= now);
        is_due
            && self.in_flight == 0
            && left > points.saturating_add(rules.terms.points_a_minute / 60)
    }

    /// What it can take from now on.
    pub(super) fn supply(
        &self,
        supply: Supply,
        terms: &Terms,
        reserve_percent: u8,
        now: DateTime<Utc>,
    ) -> Supply {
        let whole = |limit: u32| {
            let others = self.others.during(terms.window);
            u64::from(
                limit
                    .saturating_sub(reserve(limit, reserve_percent))
                    .saturating_sub(others),
            )
        };
        let fresh = |limit: u32| Supply {
            left: whole(limit),
            resets_in: supply.window,
            window_holds: whole(limit),
            ..supply
        };
        match self.quota.state {
            State::Known { .. } => {
                let Some(window) = self.quota.window() else {
                    return supply;
                };
                let left = self.spendable(reserve_percent).unwrap_or_default();
                let is_refused = self.empty_until.is_some_and(|until| now < until);
                Supply {
                    left: if is_refused { 0 } else { u64::from(left) },
                    resets_in: millis(self.quota.over_at(window) - now),
                    window_holds: whole(window.reading.limit),
                    ..supply
                }
            }
            State::Unknown { last } => fresh(last.map_or(USUAL_LIMIT, |last| last.limit)),
            State::Untold(untold) => match untold.learnt() {
                Some(learnt) => Supply {
                    left: u64::from(learnt.remaining),
                    resets_in: untold
                        .ends_at()
                        .map_or(supply.window, |end| millis(end - now)),
                    window_holds: u64::from(learnt.limit),
                    ..supply
                },
                None => fresh(USUAL_LIMIT),
            },
            State::Unlimited => fresh(u32::MAX),
        }
    }

    /// A budget that was never heard of has nothing to divide: its first request goes without a share.
    fn needs_share(&self) -> bool {
        self.quota.state != State::Unknown { last: None }
    }

    /// What all processes together may still draw; nothing where shares make no sense.
    pub(super) fn drawable(&self, reserve_percent: u8, now: DateTime<Utc>) -> Option<u32> {
        let is_refused = self.empty_until.is_some_and(|until| now < until);
        match self.quota.state {
            State::Unknown { last: None } | State::Unlimited | State::Untold(_) => None,
            // One request finds out what the new window holds.
            State::Unknown { last: Some(_) } => Some(1),
            State::Known { .. } if is_refused => Some(0),
            State::Known { .. } => self.spendable(reserve_percent),
        }
    }

    /// A lease leaves; answers whether a share covers it.
    pub(super) fn begin(&mut self, points: u32, terms: &Terms, now: DateTime<Utc>) -> bool {
        self.outstanding = self.outstanding.saturating_add(points);
        self.in_flight = self.in_flight.saturating_add(1);
        if let State::Untold(untold) = &mut self.quota.state {
            untold.send(points, terms, now);
        }
        self.share.lease(points, now)
    }

    /// A lease is back, having cost this much.
    pub(super) fn end(&mut self, bill: Bill, now: DateTime<Utc>) {
        self.outstanding = self.outstanding.saturating_sub(bill.leased);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.share.settle(bill, now);
        self.others.answer(bill.cost);
        if !bill.is_told {
            self.lost.points = self.lost.points.saturating_add(bill.cost);
            self.lost.told_from = bill.next;
        } else if bill.number >= self.lost.told_from {
            self.forget_lost();
        }
    }

    fn forget_lost(&mut self) {
        self.lost = Lost::default();
        self.share.told();
    }

    /// The host told what is left.
    pub(super) fn read(
        &mut self,
        heard: Reading,
        terms: &Terms,
        sharing: Sharing,
        now: DateTime<Utc>,
    ) {
        self.quota.read(heard, terms, now);
        if sharing == Sharing::Alone
            && let Some(reading) = self.quota.reading()
        {
            self.others
                .read(reading, self.outstanding, now, terms.same_window());
        }
        self.share.touch(now);
    }

    /// The host answered well and named no quota.
    pub(super) fn untold(&mut self, cost: u32, terms: &Terms, now: DateTime<Utc>) {
        match self.quota.state {
            State::Unknown { last: None } => {
                self.quota.state = State::Untold(Untold::begin(cost, terms, now));
            }
            State::Known {
                window,
                confirmed: false,
                ..
            } => {
                self.quota.state = State::Untold(Untold::recall(window.reading, cost, terms, now));
            }
            State::Unknown { last: Some(last) } => {
                self.quota.state = State::Untold(Untold::recall(last, cost, terms, now));
            }
            State::Known {
                confirmed: true, ..
            }
            | State::Untold(_)
            | State::Unlimited => {}
        }
        if let State::Untold(_) = self.quota.state {
            self.lost = Lost::default();
        }
    }

    /// Forgets a window that has ended.
    pub(super) fn roll(&mut self, now: DateTime<Utc>) {
        if let State::Untold(untold) = &mut self.quota.state {
            untold.roll(self.outstanding, now);
        } else if self.quota.roll(now) {
            self.forget_lost();
        }
    }

    /// What a window is taken to hold.
    pub(super) fn supposed_limit(&self) -> u32 {
        self.quota.heard().map_or(USUAL_LIMIT, |heard| heard.limit)
    }

    /// What was leased and no answer has told of: it may have been spent.
    pub(super) fn outstanding(&self) -> u32 {
        self.outstanding.saturating_add(self.lost.points)
    }

    /// Whether leases are outstanding.
    pub(super) fn is_busy(&self) -> bool {
        self.in_flight > 0
    }

    /// The host refused for want of quota.
    pub(super) fn exhaust(
        &mut self,
        points: u32,
        until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        if let State::Untold(untold) = &mut self.quota.state {
            untold.refuse(points, until);
        } else {
            let until = until.map_or(now + REFUSED_FOR, over_at);
            self.empty_until = self.empty_until.max(Some(until));
        }
        self.share.touch(now);
    }

    /// What was heard last, counting a standing refusal as nothing left.
    pub(super) fn heard(&self, now: DateTime<Utc>) -> Option<Reading> {
        let is_refused = self.empty_until.is_some_and(|until| now < until);
        self.quota.heard().map(|reading| Reading {
            remaining: if is_refused { 0 } else { reading.remaining },
            ..reading
        })
    }

    /// The end of the running window, the first time that nothing is left in it.
    pub(super) fn announce_spent(&mut self, reserve_percent: u8) -> Option<DateTime<Utc>> {
        if self.outstanding > 0 {
            return None;
        }
        let reading = self.quota.reading()?;
        let is_spent = self.spendable(reserve_percent) == Some(0);
        let is_news = self
            .announced
            .is_none_or(|told| told < reading.reset_at - TimeDelta::seconds(5));
        if is_spent && is_news {
            self.announced = Some(reading.reset_at);
            return Some(reading.reset_at);
        }
        None
    }
}

/// What a budget has to offer.
fn offer(remaining: u32, reading: Option<Reading>, terms: &Terms, now: DateTime<Utc>) -> Offer {
    Offer {
        remaining,
        limit: reading.map_or(u32::MAX, |reading| reading.limit),
        is_known: reading.is_some(),
        reset_at: reading.map(|reading| reading.reset_at),
        expires_in: reading.map_or(terms.window, |reading| reading.reset_at - now),
        unlimited: false,
    }
}

/// What may leave where the host does not tell.
fn feel(
    untold: &Untold,
    points: u32,
    in_flight: u32,
    rules: Rules<'_>,
    now: DateTime<Utc>,
) -> Result<Offer, Hold> {
    let end = untold.ends_at().unwrap_or(now + rules.terms.window);
    let safe = |remaining| Offer {
        remaining,
        limit: untold.learnt().map_or(u32::MAX, |learnt| learnt.limit),
        is_known: true,
        reset_at: untold.ends_at(),
        expires_in: end - now,
        unlimited: false,
    };
    match untold.feel(points, in_flight, now) {
        Felt::Safe(left) => Ok(safe(left / rules.sharers.max(1))),
        Felt::Feeler => Ok(safe(points)),
        Felt::Enough => Err(hold(Why::Unproven, None, None)),
        Felt::Full(until) => Err(hold(Why::Empty, Some(until), Some(0))),
    }
}

/// The part of a limit that is left to the person behind the credential.
pub(super) fn reserve(limit: u32, percent: u8) -> u32 {
    let part = (u64::from(limit) * u64::from(percent.min(100))).div_ceil(100);
    u32::try_from(part).unwrap_or(u32::MAX)
}

/// The part of a limit that newcomers find.
fn newcomers(limit: u32) -> u32 {
    limit / NEWCOMERS_PART
}

/// Until when newcomers' part is kept: early enough to spend it three times over at the pace that the host allows.
fn kept_until(reading: Reading, terms: &Terms) -> DateTime<Utc> {
    if terms.window < WORTH_LEAVING {
        return DateTime::<Utc>::MIN_UTC;
    }
    let seconds =
        u64::from(newcomers(reading.limit)) * 180 / u64::from(terms.points_a_minute.max(1));
    let spending = TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000_000));
    reading.reset_at - spending.max(terms.window / 20)
}

fn hold(why: Why, until: Option<DateTime<Utc>>, remaining: Option<u32>) -> Hold {
    Hold {
        why,
        until,
        remaining,
    }
}
