//! A budget whose host limits without telling: no answer names a quota, and the limit shows only in refusals.
//!
//! What was once accepted in a whole window is safe. Beyond that it is felt for with a few requests at a time, so that the first
//! refusal costs no more than those few; and what it taught is kept to from then on.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Reading;

use super::quota::over_at;
use super::terms::Terms;

/// Requests under way together beyond what is known to be safe.
const FEELERS: u32 = 3;
/// A window that was met this soon after its beginning was seen whole.
const SEEN_WHOLE: TimeDelta = TimeDelta::seconds(2);

/// What was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Untold {
    /// Accepted in one window without a refusal.
    safe: u32,
    knowledge: Knowledge,
    /// The running window's end, once something was sent in it.
    ends_at: Option<DateTime<Utc>>,
    /// Sent in the running window.
    sent: u32,
    refused: u32,
    is_whole: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Knowledge {
    /// Never refused.
    Nothing,
    /// Refused in a window whose beginning was not seen: the limit may be greater.
    Something,
    /// Refused in a whole window: `safe` is the limit.
    Limit,
}

/// Whether a request may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Felt {
    /// So many more are known to be safe.
    Safe(u32),
    /// It would be the next to feel for the limit.
    Feeler,
    /// Enough are feeling already.
    Enough,
    /// The window holds no more, as far as is known, until then.
    Full(DateTime<Utc>),
}

impl Untold {
    /// After the first answer that named no quota.
    pub(super) fn begin(points: u32, terms: &Terms, now: DateTime<Utc>) -> Self {
        let mut untold = Self {
            safe: 0,
            knowledge: Knowledge::Nothing,
            ends_at: None,
            sent: 0,
            refused: 0,
            is_whole: false,
        };
        untold.open(terms, now);
        untold.sent = points;
        untold
    }

    /// From what was stored, after an answer that named no quota.
    pub(super) fn recall(stored: Reading, points: u32, terms: &Terms, now: DateTime<Utc>) -> Self {
        let is_running = now < over_at(stored.reset_at);
        let sent = if is_running {
            stored.limit.saturating_sub(stored.remaining)
        } else {
            0
        };
        let mut untold = Self {
            safe: stored.limit,
            knowledge: Knowledge::Limit,
            ends_at: is_running.then_some(stored.reset_at),
            sent: sent.saturating_add(points),
            refused: 0,
            is_whole: true,
        };
        if !is_running {
            untold.open(terms, now);
        }
        untold
    }

    fn open(&mut self, terms: &Terms, now: DateTime<Utc>) {
        let length = terms.window.num_milliseconds().max(1);
        if terms.aligned {
            let into = TimeDelta::milliseconds(now.timestamp_millis().rem_euclid(length));
            self.ends_at = Some(now - into + terms.window);
            self.is_whole =
                self.knowledge != Knowledge::Nothing || self.safe > 0 || into <= SEEN_WHOLE;
        } else {
            self.ends_at = Some(now + terms.window);
            // Somebody may have begun the first one before us.
            self.is_whole = self.knowledge != Knowledge::Nothing || self.safe > 0;
        }
    }

    /// Closes a window that has ended, and keeps what it taught.
    pub(super) fn roll(&mut self, under_way: u32, now: DateTime<Utc>) {
        if self.ends_at.is_none_or(|end| now < over_at(end)) {
            return;
        }
        let accepted = self
            .sent
            .saturating_sub(self.refused)
            .saturating_sub(under_way);
        match (self.refused, self.is_whole) {
            (0, _) => self.safe = self.safe.max(accepted),
            (_, true) => {
                self.safe = accepted;
                self.knowledge = Knowledge::Limit;
            }
            (_, false) => {
                self.safe = self.safe.max(accepted);
                self.knowledge = Knowledge::Something;
            }
        }
        self.ends_at = None;
        self.refused = 0;
        self.sent = under_way;
    }

    pub(super) fn feel(&self, points: u32, in_flight: u32, now: DateTime<Utc>) -> Felt {
        let end = self.ends_at.unwrap_or(now);
        if self.refused > 0 {
            return Felt::Full(over_at(end));
        }
        if self.sent.saturating_add(points) <= self.safe {
            return Felt::Safe(self.safe - self.sent);
        }
        let feelers = match self.knowledge {
            Knowledge::Nothing => FEELERS,
            Knowledge::Something => 1,
            Knowledge::Limit => return Felt::Full(over_at(end)),
        };
        if in_flight < feelers {
            Felt::Feeler
        } else {
            Felt::Enough
        }
    }

    /// A request leaves.
    pub(super) fn send(&mut self, points: u32, terms: &Terms, now: DateTime<Utc>) {
        if self.ends_at.is_none() {
            let carried = self.sent;
            self.open(terms, now);
            self.sent = carried;
        }
        self.sent = self.sent.saturating_add(points);
    }

    /// The host refused one for want of quota; it may have said until when.
    pub(super) fn refuse(&mut self, points: u32, until: Option<DateTime<Utc>>) {
        self.refused = self.refused.saturating_add(points);
        self.ends_at = until.or(self.ends_at);
    }

    /// The running window's end.
    pub(super) fn ends_at(&self) -> Option<DateTime<Utc>> {
        self.ends_at
    }

    /// What was learnt, in the form of a reading; nothing while the limit is unknown.
    pub(super) fn learnt(&self) -> Option<Reading> {
        (self.knowledge == Knowledge::Limit).then(|| Reading {
            limit: self.safe,
            remaining: if self.refused > 0 {
                0
            } else {
                self.safe.saturating_sub(self.sent)
            },
            reset_at: self.ends_at.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms {
        window: TimeDelta::seconds(60),
        aligned: true,
        ..Terms::GITHUB
    };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(60_000 + seconds, 0).unwrap()
    }

    /// Sends what it may within one window of a host that accepts so many; answers accepted and refused.
    fn window(untold: &mut Untold, limit: u32, begin: i64, most: u32) -> (u32, u32) {
        untold.roll(0, at(begin + 1));
        let (mut accepted, mut refused) = (0, 0);
        while accepted < most
            && matches!(
                untold.feel(1, 0, at(begin + 1)),
                Felt::Safe(_) | Felt::Feeler
            )
        {
            untold.send(1, &TERMS, at(begin + 1));
            if accepted < limit {
                accepted += 1;
            } else {
                refused += 1;
                untold.refuse(1, None);
            }
        }
        (accepted, refused)
    }

    #[test]
    fn the_limit_is_found_by_one_refusal_and_kept() {
        let mut untold = Untold::begin(0, &TERMS, at(0));
        assert_eq!(window(&mut untold, 500, 0, 300), (300, 0));
        assert_eq!(untold.learnt(), None);
        assert_eq!(window(&mut untold, 500, 60, 900), (500, 1));
        for minute in 2..9 {
            assert_eq!(window(&mut untold, 500, 60 * minute, 900), (500, 0));
        }
        assert_eq!(untold.learnt().unwrap().limit, 500);
    }

    #[test]
    fn a_window_whose_beginning_was_not_seen_does_not_teach_the_limit() {
        let mut untold = Untold::begin(0, &TERMS, at(30));
        assert_eq!(window(&mut untold, 200, 0, 900), (200, 1));
        assert_eq!(window(&mut untold, 500, 60, 900), (500, 1));
        assert_eq!(window(&mut untold, 500, 120, 900), (500, 0));
    }

    #[test]
    fn few_feel_for_the_limit_at_once() {
        let untold = Untold::begin(1, &TERMS, at(0));
        assert_eq!(untold.feel(1, FEELERS - 1, at(0)), Felt::Feeler);
        assert_eq!(untold.feel(1, FEELERS, at(0)), Felt::Enough);
    }

    #[test]
    fn what_was_stored_is_kept_to() {
        let stored = Reading {
            limit: 10,
            remaining: 2,
            reset_at: at(60),
        };
        let untold = Untold::recall(stored, 1, &TERMS, at(10));
        assert_eq!(untold.feel(1, 0, at(10)), Felt::Safe(1));
        assert_eq!(untold.feel(2, 0, at(10)), Felt::Full(at(61)));
    }
}
