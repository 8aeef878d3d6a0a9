//! What a process may spend of a bucket that other processes use too.

use chrono::{DateTime, TimeDelta, Utc};

/// Whether this process is alone in spending its buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// The ledger may spend all that the host says is left.
    Alone,
    /// The ledger spends only what an exchange with the other processes granted.
    Shared,
}

/// A share is drawn in parts of what is left, so that a small budget can feed several processes.
const PARTS: u32 = 8;
/// The largest part: more would only lie about.
const LARGEST_PART: u32 = 200;
/// The others should hear of what was spent within this time.
const REPORT_AFTER: TimeDelta = TimeDelta::seconds(2);
/// After a draw that brought nothing, the next one waits this long.
const DRAW_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(1);
/// A share that lay untouched this long goes back.
const RETURN_AFTER: TimeDelta = TimeDelta::seconds(10);

/// The share of one budget.
#[derive(Debug, Clone, Default)]
pub(super) struct Share {
    balance: u32,
    spent: u32,
    /// Spent by requests of which no reading tells yet.
    untold: u32,
    need: u32,
    is_drawing: bool,
    asked: u32,
    draw_again_at: Option<DateTime<Utc>>,
    unreported_since: Option<DateTime<Utc>>,
    used_at: Option<DateTime<Utc>>,
    gives_back: bool,
    is_cut_off: bool,
}

/// What a request cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bill {
    /// What was leased for it.
    pub(super) leased: u32,
    /// What it cost, as far as is known.
    pub(super) cost: u32,
    /// Whether it was taken out of the share.
    pub(super) is_covered: bool,
    /// Whether its answer told what the host has left.
    pub(super) is_told: bool,
    /// Its number, and the number of the next request to be leased.
    pub(super) number: u64,
    pub(super) next: u64,
}

/// What an exchange carries of a share.
pub(super) struct Portion {
    pub(super) spent: u32,
    pub(super) want: u32,
    pub(super) returned: bool,
}

impl Share {
    /// Grant and neither leased nor spent.
    pub(super) fn balance(&self) -> u32 {
        self.balance
    }

    /// Whether an exchange is under way.
    pub(super) fn is_drawing(&self) -> bool {
        self.is_drawing
    }

    /// Whether the last exchange did not reach the others.
    pub(super) fn is_cut_off(&self) -> bool {
        self.is_cut_off
    }

    /// Notes that a request waits for more; answers when to look again if a draw has just brought nothing.
    pub(super) fn require(&mut self, points: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.need = self.need.max(points);
        self.draw_again_at
            .filter(|again| now < *again && !self.is_drawing)
    }

    /// Takes a lease out of the balance, if it covers it; answers whether it did.
    pub(super) fn lease(&mut self, points: u32, now: DateTime<Utc>) -> bool {
        self.used_at = Some(now);
        let is_covered = self.balance >= points;
        if is_covered {
            self.balance -= points;
        }
        is_covered
    }

    /// Turns a lease into what was really spent.
    ///
    /// Only what was granted is reported as spent: what a lease cost beyond its share shows in the host's readings.
    /// And it is reported only when a reading tells of it: else the others would share it out once more.
    pub(super) fn settle(&mut self, bill: Bill, now: DateTime<Utc>) {
        let Bill {
            leased,
            cost,
            is_covered,
            ..
        } = bill;
        self.used_at = Some(now);
        self.touch(now);
        let extra = cost.saturating_sub(leased).min(self.balance);
        self.balance -= extra;
        let covered = if is_covered { leased } else { 0 };
        let spent = covered.min(cost);
        self.balance = self.balance.saturating_add(covered - spent);
        self.untold = self.untold.saturating_add(spent).saturating_add(extra);
    }

    /// A reading has told of everything spent so far, or its window has ended.
    pub(super) fn told(&mut self) {
        self.spent = self.spent.saturating_add(std::mem::take(&mut self.untold));
    }

    /// Something has changed that the others should hear of soon.
    pub(super) fn touch(&mut self, now: DateTime<Utc>) {
        self.unreported_since.get_or_insert(now);
    }

    /// When the next exchange is due, given what is left for all processes and whether leases are outstanding.
    pub(super) fn due_at(
        &self,
        spendable: Option<u32>,
        is_busy: bool,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if self.is_drawing {
            return None;
        }
        let draw =
            (self.want(spendable, now) > 0).then(|| self.draw_again_at.unwrap_or(now).max(now));
        let report = self.unreported_since.map(|since| since + REPORT_AFTER);
        let give_back = self.return_at(is_busy);
        [draw, report, give_back].into_iter().flatten().min()
    }

    /// Fills in this share's part of an exchange; nothing if there is nothing to say.
    pub(super) fn take(
        &mut self,
        spendable: Option<u32>,
        is_busy: bool,
        must: bool,
        now: DateTime<Utc>,
    ) -> Option<Portion> {
        if self.is_drawing {
            return None;
        }
        let returned = self.return_at(is_busy).is_some_and(|at| at <= now);
        let may_draw = !returned && self.draw_again_at.is_none_or(|again| again <= now);
        let want = if may_draw {
            self.want(spendable, now)
        } else {
            0
        };
        if !must && !returned && want == 0 && self.unreported_since.is_none() {
            return None;
        }
        Some(self.part(want, returned))
    }

    /// Gives everything back; nothing if there is nothing to give or to say.
    pub(super) fn give_back(&mut self) -> Option<Portion> {
        (self.used_at.is_some() || self.gives_back).then(|| self.part(0, true))
    }

    fn part(&mut self, want: u32, returned: bool) -> Portion {
        self.is_drawing = true;
        self.asked = want;
        self.unreported_since = None;
        self.gives_back = false;
        if returned {
            self.balance = 0;
        }
        Portion {
            spent: std::mem::take(&mut self.spent),
            want,
            returned,
        }
    }

    /// Takes the answer to an exchange.
    pub(super) fn grant(&mut self, granted: u32, now: DateTime<Utc>) {
        self.is_drawing = false;
        self.is_cut_off = false;
        self.balance = self.balance.saturating_add(granted);
        if granted > 0 {
            self.used_at = Some(now);
        }
        let was_in_vain = self.asked > 0 && granted == 0;
        self.draw_again_at = (was_in_vain || self.gives_back).then(|| now + DRAW_AGAIN_AFTER);
        self.need = 0;
    }

    /// An exchange failed, and nobody knows whether the others took it in.
    ///
    /// Reporting the same spending twice would make them think that we hold less than we do; so they keep thinking that
    /// we hold more, until everything can be given back.
    pub(super) fn fail(&mut self, now: DateTime<Utc>) {
        self.is_drawing = false;
        self.is_cut_off = true;
        self.gives_back = true;
        self.draw_again_at = Some(now + DRAW_AGAIN_AFTER);
        self.unreported_since = Some(now);
    }

    /// How much to ask for: drawn ahead of the need while the share is in use, in parts of what is left.
    fn want(&self, spendable: Option<u32>, now: DateTime<Utc>) -> u32 {
        let Some(spendable) = spendable else {
            return 0;
        };
        let is_used = self.used_at.is_some_and(|used| now < used + RETURN_AFTER);
        if spendable <= self.balance || (self.need == 0 && !is_used) {
            return 0;
        }
        let part = (spendable / PARTS).clamp(1, LARGEST_PART);
        if self.balance >= self.need.max(part.div_ceil(2)) {
            return 0;
        }
        part.max(self.need).saturating_sub(self.balance)
    }

    fn return_at(&self, is_busy: bool) -> Option<DateTime<Utc>> {
        if is_busy || self.untold > 0 {
            return None;
        }
        if self.gives_back {
            return self.draw_again_at;
        }
        let is_idle = self.balance > 0 && self.need == 0;
        self.used_at
            .filter(|_| is_idle)
            .map(|used| used + RETURN_AFTER)
    }
}
