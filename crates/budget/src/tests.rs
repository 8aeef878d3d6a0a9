mod model;
mod sharing;

use chrono::{DateTime, TimeDelta, Utc};
use domain::bucket::Subject;
use domain::exchange::{Exchange, Grant};
use domain::{BucketKey, Reading, Resource};

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn key(user: i64) -> BucketKey {
    BucketKey {
        host: "git.test".to_owned(),
        subject: Subject::User(user),
    }
}

fn reading(remaining: u32, reset: i64) -> Reading {
    Reading {
        limit: 100,
        remaining,
        reset_at: at(reset),
    }
}

fn core(reading: Reading) -> Settlement {
    Settlement {
        cost: None,
        reading: Some((Resource::core(), reading)),
        outcome: Outcome::Served,
    }
}

/// A ledger that has heard of one bucket.
fn ledger(remaining: u32, reserve_percent: u8) -> Ledger {
    let mut ledger = Ledger::new(Sharing::Alone);
    ledger.open(&key(1), reserve_percent);
    ledger.learn(&key(1), &Resource::core(), reading(remaining, 3600), at(0));
    ledger
}

fn lease(
    ledger: &mut Ledger,
    user: i64,
    demand: &Demand,
    now: DateTime<Utc>,
) -> Result<Ticket, Hold> {
    let id = ledger.id(&key(user));
    ledger.lease(id, demand, now)
}

fn why(result: Result<Ticket, Hold>) -> Why {
    result.unwrap_err().why
}

#[test]
fn an_unheard_bucket_lets_out_one_request_until_its_host_has_spoken() {
    let mut ledger = Ledger::new(Sharing::Alone);
    let demand = Demand::rest("issues");
    let first = lease(&mut ledger, 1, &demand, at(0)).unwrap();
    assert_eq!(why(lease(&mut ledger, 1, &demand, at(0))), Why::Unproven);
    ledger.settle(first, core(reading(50, 3600)), at(1));
    assert!(lease(&mut ledger, 1, &demand, at(1)).is_ok());
    assert!(lease(&mut ledger, 1, &demand, at(1)).is_ok());
}

#[test]
fn a_host_that_names_no_quota_is_felt_for_by_few() {
    let mut ledger = Ledger::new(Sharing::Alone);
    let demand = Demand::rest("issues");
    let first = lease(&mut ledger, 1, &demand, at(0)).unwrap();
    let uncounted = Settlement {
        cost: None,
        reading: None,
        outcome: Outcome::Uncounted,
    };
    ledger.settle(first, uncounted, at(1));
    for _ in 0..3 {
        assert!(lease(&mut ledger, 1, &demand, at(1)).is_ok());
    }
    assert_eq!(why(lease(&mut ledger, 1, &demand, at(1))), Why::Unproven);
}

#[test]
fn a_host_that_says_that_it_does_not_count_is_not_counted() {
    let mut ledger = Ledger::new(Sharing::Alone);
    let demand = Demand::rest("issues");
    ledger.learn_unlimited(&key(1), &Resource::core());
    for _ in 0..10 {
        assert!(lease(&mut ledger, 1, &demand, at(1)).is_ok());
    }
    assert_eq!(why(lease(&mut ledger, 1, &demand, at(1))), Why::Busy);
}

#[test]
fn a_host_that_does_not_count_is_asked_no_more_in_a_minute_than_any_other() {
    let mut ledger = Ledger::new(Sharing::Alone);
    let demand = Demand::rest("issues");
    ledger.learn_unlimited(&key(1), &Resource::core());
    let most = usize::try_from(Terms::GITHUB.points_a_minute).unwrap();
    let mut sent = 0;
    // Each is answered in the second in which it left, for a minute that is looked at second by second.
    for second in 1..60 {
        loop {
            match lease(&mut ledger, 1, &demand, at(second)) {
                Ok(ticket) => {
                    sent += 1;
                    let answered = Settlement {
                        cost: None,
                        reading: None,
                        outcome: Outcome::Uncounted,
                    };
                    ledger.settle(ticket, answered, at(second));
                }
                Err(held) => {
                    assert_eq!(held.why, Why::Pace);
                    break;
                }
            }
            assert!(sent <= most, "nothing holds them back");
        }
    }
    assert!(sent > most / 2, "{sent} of {most}");
}

#[test]
fn what_is_leased_counts_as_spent_and_the_reserve_is_never_touched() {
    let mut ledger = ledger(13, 10);
    let demand = Demand::rest("issues");
    let tickets: Vec<_> = (0..3)
        .map(|_| lease(&mut ledger, 1, &demand, at(0)).unwrap())
        .collect();
    let held = lease(&mut ledger, 1, &demand, at(0)).unwrap_err();
    assert_eq!((held.why, held.until), (Why::Empty, None));
    for (ticket, remaining) in tickets.into_iter().zip([12, 11, 10]) {
        ledger.settle(ticket, core(reading(remaining, 3600)), at(1));
    }
    let held = lease(&mut ledger, 1, &demand, at(1)).unwrap_err();
    assert_eq!((held.why, held.until), (Why::Empty, Some(at(3601))));
    assert!(lease(&mut ledger, 1, &demand, at(3601)).is_ok());
    assert_eq!(why(lease(&mut ledger, 1, &demand, at(3601))), Why::Unproven);
}

#[test]
fn a_lease_is_settled_once() {
    let mut ledger = ledger(100, 0);
    let ticket = lease(&mut ledger, 1, &Demand::rest("issues"), at(0)).unwrap();
    assert!(ledger.settle(ticket, Settlement::lost(), at(1)).is_some());
    assert!(ledger.settle(ticket, Settlement::lost(), at(1)).is_none());
    let id = ledger.id(&key(1));
    let Standing::Ready(offer) = ledger.consider(id, &Demand::rest("issues"), at(1)) else {
        panic!("it may go");
    };
    assert_eq!(
        offer.remaining, 99,
        "the host may have counted the lost one"
    );
}

#[test]
fn points_are_leased_as_estimated_and_booked_as_charged() {
    let mut ledger = Ledger::new(Sharing::Alone);
    ledger.learn(&key(1), &Resource::graphql(), reading(10, 3600), at(0));
    let demand = Demand::graphql(8);
    let ticket = lease(&mut ledger, 1, &demand, at(0)).unwrap();
    assert_eq!(why(lease(&mut ledger, 1, &demand, at(0))), Why::Empty);
    let settlement = Settlement {
        cost: Some(1),
        reading: Some((Resource::graphql(), reading(9, 3600))),
        outcome: Outcome::Served,
    };
    ledger.settle(ticket, settlement, at(1));
    assert!(lease(&mut ledger, 1, &demand, at(1)).is_ok());
}

#[test]
fn a_primary_refusal_stands_until_the_window_ends() {
    let mut ledger = ledger(50, 0);
    let demand = Demand::rest("issues");
    let ticket = lease(&mut ledger, 1, &demand, at(0)).unwrap();
    let spent = Settlement {
        cost: Some(0),
        reading: None,
        outcome: Outcome::Spent {
            until: Some(at(900)),
        },
    };
    ledger.settle(ticket, spent, at(1));
    let held = lease(&mut ledger, 1, &demand, at(2)).unwrap_err();
    assert_eq!((held.why, held.until), (Why::Empty, Some(at(901))));
    assert!(lease(&mut ledger, 1, &demand, at(901)).is_ok());
}

#[test]
fn a_secondary_refusal_stills_the_whole_bucket_but_no_other() {
    let mut ledger = ledger(50, 0);
    ledger.learn(&key(2), &Resource::core(), reading(50, 3600), at(0));
    let ticket = lease(&mut ledger, 1, &Demand::rest("issues"), at(0)).unwrap();
    let signals = ledger.settle(ticket, slow(30), at(1)).unwrap();
    assert!(matches!(&signals[..], [Signal::BackedOff { until, .. }] if *until == at(31)));
    for demand in [
        Demand::rest("labels"),
        Demand::graphql(1),
        Demand::free("lfs"),
    ] {
        assert_eq!(
            why(lease(&mut ledger, 1, &demand, at(30))),
            Why::BackingOff("slow".to_owned())
        );
    }
    assert!(lease(&mut ledger, 2, &Demand::rest("issues"), at(2)).is_ok());
    assert!(lease(&mut ledger, 1, &Demand::rest("issues"), at(31)).is_ok());
}

#[test]
fn two_buckets_asked_to_slow_down_together_mean_the_address() {
    let mut ledger = ledger(50, 0);
    for user in [2, 3] {
        ledger.learn(&key(user), &Resource::core(), reading(50, 3600), at(0));
    }
    let demand = Demand::rest("issues");
    for (user, second) in [(1, 0), (2, 30)] {
        let ticket = lease(&mut ledger, user, &demand, at(second)).unwrap();
        ledger.settle(ticket, slow(60), at(second));
    }
    assert!(matches!(
        why(lease(&mut ledger, 3, &demand, at(31))),
        Why::HostBackingOff(_)
    ));
    assert!(lease(&mut ledger, 3, &demand, at(90)).is_ok());
}

#[test]
fn stored_knowledge_holds_back_what_it_must_and_no_more() {
    let mut ledger = Ledger::new(Sharing::Alone);
    let demand = Demand::rest("issues");
    ledger.restore(
        &key(1),
        &Resource::core(),
        Some(reading(0, 600)),
        None,
        at(0),
    );
    ledger.restore(
        &key(2),
        &Resource::core(),
        Some(reading(0, -600)),
        None,
        at(0),
    );
    ledger.restore(
        &key(3),
        &Resource::core(),
        None,
        Some((at(60), "slow")),
        at(0),
    );
    ledger.restore(
        &key(4),
        &Resource::core(),
        Some(reading(9, 600)),
        None,
        at(0),
    );
    assert_eq!(
        lease(&mut ledger, 1, &demand, at(0)).unwrap_err().until,
        Some(at(601))
    );
    assert!(lease(&mut ledger, 2, &demand, at(0)).is_ok());
    assert_eq!(
        lease(&mut ledger, 3, &demand, at(0)).unwrap_err().until,
        Some(at(60))
    );
    assert!(lease(&mut ledger, 4, &demand, at(0)).is_ok());
    assert_eq!(why(lease(&mut ledger, 4, &demand, at(0))), Why::Unproven);
}

#[test]
fn the_end_of_a_budget_is_told_once_a_window() {
    let mut ledger = ledger(2, 0);
    let demand = Demand::rest("issues");
    let mut told = 0;
    for remaining in [1, 0] {
        let ticket = lease(&mut ledger, 1, &demand, at(0)).unwrap();
        let signals = ledger
            .settle(ticket, core(reading(remaining, 3600)), at(1))
            .unwrap();
        told += signals.len();
    }
    let ticket = lease(&mut ledger, 1, &Demand::free("lfs"), at(1)).unwrap();
    told += ledger
        .settle(ticket, core(reading(0, 3601)), at(1))
        .unwrap()
        .len();
    assert_eq!(told, 1);
}

fn slow(seconds: i64) -> Settlement {
    Settlement {
        cost: None,
        reading: None,
        outcome: Outcome::SlowDown {
            retry_after: Some(TimeDelta::seconds(seconds)),
            reason: "slow".to_owned(),
        },
    }
}
