//! Standing still because a host asked for it.

use chrono::{DateTime, TimeDelta, Utc};

/// GitHub docs, rate limits for the REST API: without a word on how long, wait at least one minute, then exponentially longer.
const FIRST: TimeDelta = TimeDelta::seconds(60);
/// Longer than this helps nobody: a person should look.
const LONGEST: TimeDelta = TimeDelta::minutes(16);

/// When to speak again, and how often it came to that in a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Backoff {
    until: Option<DateTime<Utc>>,
    reason: String,
    strikes: u32,
}

impl Backoff {
    /// Takes in a request to slow down; answers whether it is news.
    ///
    /// Requests that were under way together are refused together: that is one strike.
    pub(super) fn strike(
        &mut self,
        retry_after: Option<TimeDelta>,
        reason: &str,
        leased_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> bool {
        let is_same_burst = self.until.is_some_and(|until| leased_at < until);
        if !is_same_burst {
            self.strikes = self.strikes.saturating_add(1);
        }
        let doublings = self.strikes.saturating_sub(1).min(4);
        let wait = retry_after.unwrap_or((FIRST * (1 << doublings)).min(LONGEST));
        self.extend(now + wait, reason)
    }

    /// Takes in a back-off that somebody else met with; answers whether it is news.
    pub(super) fn extend(&mut self, until: DateTime<Utc>, reason: &str) -> bool {
        let is_later = self.until.is_none_or(|known| known < until);
        if is_later {
            self.until = Some(until);
            reason.clone_into(&mut self.reason);
        }
        is_later
    }

    /// A request that left after the back-off was served: the host is content again.
    pub(super) fn relax(&mut self, leased_at: DateTime<Utc>) {
        if self.until.is_none_or(|until| until <= leased_at) {
            self.until = None;
            self.strikes = 0;
        }
    }

    /// Until when to stand still, and why, if that is still ahead.
    pub(super) fn current(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, &str)> {
        self.until
            .filter(|until| now < *until)
            .map(|until| (until, self.reason.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn until(backoff: &Backoff, now: i64) -> Option<i64> {
        backoff
            .current(at(now))
            .map(|(until, _)| (until - at(0)).num_seconds())
    }

    #[test]
    fn the_host_is_taken_at_its_word() {
        let mut backoff = Backoff::default();
        assert!(backoff.strike(Some(TimeDelta::seconds(7)), "slow", at(0), at(1)));
        assert_eq!(until(&backoff, 1), Some(8));
        assert_eq!(until(&backoff, 8), None);
    }

    #[test]
    fn without_a_word_the_wait_doubles_and_a_burst_is_one_strike() {
        let mut backoff = Backoff::default();
        backoff.strike(None, "slow", at(0), at(0));
        assert!(!backoff.strike(None, "slow", at(-1), at(0)));
        assert_eq!(until(&backoff, 0), Some(60));
        backoff.strike(None, "slow", at(60), at(60));
        assert_eq!(until(&backoff, 60), Some(180));
        backoff.relax(at(100));
        assert_eq!(
            until(&backoff, 100),
            Some(180),
            "served, but it had left before the end"
        );
        backoff.relax(at(180));
        backoff.strike(None, "slow", at(200), at(200));
        assert_eq!(until(&backoff, 200), Some(260));
    }
}
