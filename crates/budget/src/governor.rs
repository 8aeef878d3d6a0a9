//! One host, seen from all of our buckets together: it knows the address that they share.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use domain::BucketKey;

use super::backoff::Backoff;
use super::flight::Flight;
use super::verdict::{Hold, Why};

/// Several buckets that are asked to slow down within this time mean that the address is meant (hub4j/github-api#1728).
const TOGETHER: TimeDelta = TimeDelta::seconds(60);
const MINUTE: TimeDelta = TimeDelta::seconds(60);

/// Concurrency and manners towards one host.
#[derive(Debug, Clone, Default)]
pub(super) struct Governor {
    pub(super) flight: Flight,
    backoff: Backoff,
    last: Option<(BucketKey, DateTime<Utc>)>,
    /// When the answers of the last minute came; noted where the address is limited.
    answered: VecDeque<DateTime<Utc>>,
}

/// How many requests a host may have from one address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Under way together.
    pub(super) together: u32,
    /// Within a minute; nothing where that is not limited.
    pub(super) a_minute: Option<u32>,
}

impl Governor {
    /// Whether the host may take one more request from anybody.
    pub(super) fn consider(&self, room: Room, now: DateTime<Utc>) -> Result<(), Hold> {
        let hold = |why, until| Hold {
            why,
            until,
            remaining: None,
        };
        if let Some((until, reason)) = self.backoff.current(now) {
            return Err(hold(Why::HostBackingOff(reason.to_owned()), Some(until)));
        }
        if self.flight.count() >= room.together {
            return Err(hold(Why::HostBusy, None));
        }
        if let Some(most) = room.a_minute {
            // Whatever is under way may reach the host at any moment until its answer.
            let over = self.answered.partition_point(|at| *at + MINUTE <= now);
            let counted = self.answered.len() - over + self.flight.count() as usize;
            if counted >= most as usize {
                let until = self.answered.get(over).map(|at| *at + MINUTE);
                return Err(hold(Why::AddressPace, until));
            }
        }
        Ok(())
    }

    /// A request is back, or lost.
    pub(super) fn arrive(&mut self, is_paced: bool, now: DateTime<Utc>) {
        self.flight.end();
        while self.answered.front().is_some_and(|at| *at + MINUTE <= now) {
            self.answered.pop_front();
        }
        if is_paced {
            self.answered.push_back(now);
        }
    }

    /// The host shuts our address out.
    pub(super) fn shut_out(&mut self, until: DateTime<Utc>, reason: &str) {
        self.backoff.extend(until, reason);
    }

    /// A bucket was asked to slow down until an instant.
    pub(super) fn strike(
        &mut self,
        key: &BucketKey,
        until: DateTime<Utc>,
        reason: &str,
        now: DateTime<Utc>,
    ) {
        let is_another = self
            .last
            .as_ref()
            .is_some_and(|(last, at)| last != key && now - *at <= TOGETHER);
        if is_another {
            self.backoff.extend(until, reason);
        }
        self.last = Some((key.clone(), now));
    }
}

#[cfg(test)]
mod tests {
    use domain::{Host, Subject};

    use crate::{Demand, Hold, Ledger, Outcome, Settlement, Sharing, Standing, Terms};

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    /// Two users of a gitlab.com that takes three requests a minute from one address.
    fn two_users() -> (Ledger, [BucketKey; 2]) {
        let host = Host::parse(domain::ForgeKind::GitLab, "gitlab.com", &[]).unwrap();
        let keys = [1, 2].map(|user| BucketKey {
            host: host.authority(),
            subject: Subject::User(user),
        });
        let mut ledger = Ledger::new(Sharing::Alone);
        for key in &keys {
            let terms = Terms {
                address_a_minute: Some(3),
                ..Terms::of(&host)
            };
            ledger.agree(key, terms);
        }
        (ledger, keys)
    }

    fn hold(
        ledger: &mut Ledger,
        key: &BucketKey,
        endpoint: &'static str,
        now: i64,
    ) -> Option<Hold> {
        let id = ledger.id(key);
        match ledger.consider(id, &Demand::rest(endpoint), at(now)) {
            Standing::Ready(_) => None,
            Standing::Held(hold) => Some(hold),
        }
    }

    /// Leases, and settles a second later.
    fn send(ledger: &mut Ledger, key: &BucketKey, outcome: Outcome, now: i64) {
        let id = ledger.id(key);
        let ticket = ledger.lease(id, &Demand::rest("labels"), at(now)).unwrap();
        let settlement = Settlement {
            cost: None,
            reading: None,
            outcome,
        };
        ledger.settle(ticket, settlement, at(now + 1)).unwrap();
    }

    #[test]
    fn an_address_has_its_minute_whoever_asks_and_no_other_credential_helps() {
        let (mut ledger, [one, other]) = two_users();
        for (second, key) in [(0, &one), (2, &other), (4, &one)] {
            send(&mut ledger, key, Outcome::Uncounted, second);
        }
        for key in [&one, &other] {
            let hold = hold(&mut ledger, key, "labels", 6).unwrap();
            assert_eq!((hold.why, hold.until), (Why::AddressPace, Some(at(61))));
        }
        assert_eq!(hold(&mut ledger, &other, "labels", 61), None);
    }

    #[test]
    fn a_full_endpoint_stops_itself_for_one_user() {
        let (mut ledger, [one, other]) = two_users();
        send(&mut ledger, &one, Outcome::Crowded { until: at(60) }, 0);
        let held = hold(&mut ledger, &one, "labels", 2).unwrap();
        assert_eq!((held.why, held.until), (Why::Pace, Some(at(60))));
        assert_eq!(hold(&mut ledger, &one, "issues", 2), None);
        assert_eq!(hold(&mut ledger, &other, "labels", 2), None);
    }

    #[test]
    fn who_is_shut_out_stops_with_every_credential() {
        let (mut ledger, [one, other]) = two_users();
        let reason = "a bare 403".to_owned();
        let until = at(900);
        send(&mut ledger, &one, Outcome::ShutOut { until, reason }, 0);
        assert!(hold(&mut ledger, &one, "issues", 2).is_some_and(|hold| hold.until == Some(until)));
        let held = hold(&mut ledger, &other, "issues", 2).unwrap();
        assert_eq!(held.why, Why::HostBackingOff("a bare 403".to_owned()));
        assert_eq!(held.until, Some(until));
        let stored: Vec<_> = ledger
            .known(at(2))
            .filter_map(|known| known.backoff)
            .collect();
        assert_eq!(stored, [(until, "a bare 403")]);
    }
}
