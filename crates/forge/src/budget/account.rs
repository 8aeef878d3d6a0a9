//! One budget of one bucket: what is known, what is leased, what is ours.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Reading;

use super::choice::{Offer, USUAL_LIMIT, WHOLE_WINDOW};
use super::quota::{Quota, over_at};
use super::share::{Bill, Share, Sharing};
use super::verdict::{Hold, Why};

/// A refusal without a word on when the window ends is looked at again after this time.
const REFUSED_FOR: TimeDelta = TimeDelta::seconds(60);

/// The books of one budget.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) quota: Quota,
    pub(super) share: Share,
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

impl Default for Account {
    fn default() -> Self {
        Self {
            quota: Quota::Unknown { last: None },
            share: Share::default(),
            empty_until: None,
            outstanding: 0,
            in_flight: 0,
            lost: Lost::default(),
            announced: None,
        }
    }
}

impl Account {
    /// What may still be leased of what the host says is left, before shares; nothing if the host does not count.
    fn above_reserve(&self, reserve_percent: u8) -> Option<u32> {
        let (limit, remaining) = match self.quota {
            Quota::Known { reading, .. } => (reading.limit, reading.remaining),
            Quota::Unknown { last } => {
                let limit = last.map_or(USUAL_LIMIT, |last| last.limit);
                (limit, limit)
            }
            Quota::Unlimited => return None,
        };
        Some(
            remaining
                .saturating_sub(self.outstanding)
                .saturating_sub(self.lost.points)
                .saturating_sub(reserve(limit, reserve_percent)),
        )
    }

    /// Whether a request of this cost may leave as far as this budget is concerned.
    pub(super) fn consider(
        &mut self,
        points: u32,
        reserve_percent: u8,
        sharing: Sharing,
        now: DateTime<Utc>,
    ) -> Result<Offer, Hold> {
        self.roll(now);
        if let Some(until) = self.empty_until.filter(|until| now < *until) {
            return Err(hold(Why::Empty, Some(until), Some(0)));
        }
        let Some(spendable) = self.above_reserve(reserve_percent) else {
            return Ok(Offer {
                remaining: u32::MAX,
                is_known: false,
                reset_at: None,
                expires_in: WHOLE_WINDOW,
                unlimited: true,
            });
        };
        let reading = self.quota.reading();
        let known = reading.map(|_| spendable);
        if let Some(reading) = reading
            && spendable < points
        {
            // What is outstanding may turn out to cost less; only when nothing is, the window's end is the only relief.
            let until = (self.in_flight == 0).then(|| over_at(reading.reset_at));
            return Err(hold(Why::Empty, until, known));
        }
        if !self.quota.is_proven() && self.in_flight > 0 {
            return Err(hold(Why::Unproven, None, known));
        }
        if sharing == Sharing::Shared && self.needs_share() && self.share.balance() < points {
            let again = self.share.require(points, now);
            let (why, until) = match again {
                None => (Why::Drawing, None),
                Some(_) if self.share.is_cut_off() => (Why::CutOff, None),
                Some(again) => (Why::NoShare, Some(again)),
            };
            return Err(hold(why, until, known));
        }
        Ok(Offer {
            remaining: spendable,
            is_known: reading.is_some(),
            reset_at: reading.map(|reading| reading.reset_at),
            expires_in: reading.map_or(WHOLE_WINDOW, |reading| reading.reset_at - now),
            unlimited: false,
        })
    }

    /// A budget that was never heard of has nothing to divide: its first request goes without a share.
    fn needs_share(&self) -> bool {
        self.quota != Quota::Unknown { last: None }
    }

    /// What all processes together may still draw; nothing where shares make no sense.
    pub(super) fn drawable(&self, reserve_percent: u8, now: DateTime<Utc>) -> Option<u32> {
        let is_refused = self.empty_until.is_some_and(|until| now < until);
        match self.quota {
            Quota::Unknown { last: None } | Quota::Unlimited => None,
            // One request finds out what the new window holds.
            Quota::Unknown { last: Some(_) } => Some(1),
            Quota::Known { .. } if is_refused => Some(0),
            Quota::Known { .. } => self.above_reserve(reserve_percent),
        }
    }

    /// A lease leaves; answers whether a share covers it.
    pub(super) fn begin(&mut self, points: u32, now: DateTime<Utc>) -> bool {
        self.outstanding = self.outstanding.saturating_add(points);
        self.in_flight = self.in_flight.saturating_add(1);
        self.share.lease(points, now)
    }

    /// A lease is back, having cost this much.
    pub(super) fn end(&mut self, bill: Bill, now: DateTime<Utc>) {
        self.outstanding = self.outstanding.saturating_sub(bill.leased);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.share.settle(bill, now);
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

    /// Forgets a window that has ended.
    pub(super) fn roll(&mut self, now: DateTime<Utc>) {
        if self.quota.roll(now) {
            self.forget_lost();
        }
    }

    /// Whether leases are outstanding.
    pub(super) fn is_busy(&self) -> bool {
        self.in_flight > 0
    }

    /// The host refused for want of quota.
    pub(super) fn exhaust(&mut self, until: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        let until = until.map_or(now + REFUSED_FOR, over_at);
        self.empty_until = self.empty_until.max(Some(until));
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
        let reading = self.quota.reading()?;
        let is_spent = self.above_reserve(reserve_percent) == Some(0) && self.outstanding == 0;
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

/// The part of a limit that is left to the person behind the credential.
fn reserve(limit: u32, percent: u8) -> u32 {
    let part = (u64::from(limit) * u64::from(percent.min(100))).div_ceil(100);
    u32::try_from(part).unwrap_or(u32::MAX)
}

fn hold(why: Why, until: Option<DateTime<Utc>>, remaining: Option<u32>) -> Hold {
    Hold {
        why,
        until,
        remaining,
    }
}
