mod world;

use domain::bucket::Subject;
use domain::{Reading, Resource};
use uuid::Uuid;

use super::*;
use crate::verdict::Outcome;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn key(user: i64) -> BucketKey {
    BucketKey {
        host: "git.test".to_owned(),
        subject: Subject::User(user),
    }
}

fn claim(tenant: u128, plan: u128) -> Claim {
    Claim::of(
        TenantId(Uuid::from_u128(tenant)),
        PlanId(Uuid::from_u128(plan)),
    )
}

/// A desk that has heard what its buckets have left of a limit, and the list of all of them.
fn desk(limit: u32, buckets: &[(u32, i64)]) -> (Desk, Options) {
    let mut desk = Desk::new(Sharing::Alone);
    let mut ids = Vec::new();
    for (user, (remaining, reset)) in buckets.iter().enumerate() {
        let key = key(i64::try_from(user).unwrap());
        let reading = Reading {
            limit,
            remaining: *remaining,
            reset_at: at(*reset),
        };
        ids.push(desk.change(&key, |ledger| {
            ledger.learn(&key, &Resource::core(), reading, at(0));
            ledger.id(&key)
        }));
    }
    let options = desk.options(ids);
    (desk, options)
}

/// Decisions until none is left, each settled at once: whose asks went, in order.
fn serve(
    desk: &mut Desk,
    names: &BTreeMap<Ask, &'static str>,
    now: DateTime<Utc>,
    most: usize,
) -> Vec<&'static str> {
    let mut order = Vec::new();
    while order.len() < most
        && let Some(decision) = desk.decide(now)
    {
        order.push(names[&decision.ask]);
        let served = Settlement {
            cost: None,
            reading: None,
            outcome: Outcome::Served,
        };
        assert!(desk.settle(decision.ticket, served.clone(), now).is_some());
        assert!(
            desk.settle(decision.ticket, served, now).is_none(),
            "a lease is settled once"
        );
    }
    order
}

fn count(order: &[&str], name: &str) -> usize {
    order.iter().filter(|one| **one == name).count()
}

/// Asks of several claims, a hundred each.
fn queue(
    desk: &mut Desk,
    options: Options,
    claims: &[(&'static str, Claim)],
) -> BTreeMap<Ask, &'static str> {
    let mut names = BTreeMap::new();
    for (name, claim) in claims {
        for _ in 0..100 {
            names.insert(
                desk.ask(*claim, options, &Demand::rest("issues"), 1, None),
                *name,
            );
        }
    }
    names
}

#[test]
fn tenants_are_served_by_weight() {
    let (mut desk, options) = desk(1_000, &[(500, 600), (500, 600), (500, 600)]);
    let heavy = Claim {
        tenant_weight: 3 * USUAL_WEIGHT,
        ..claim(2, 2)
    };
    let names = queue(
        &mut desk,
        options,
        &[("light", claim(1, 1)), ("heavy", heavy)],
    );
    let order = serve(&mut desk, &names, at(0), 40);
    assert_eq!((count(&order, "light"), count(&order, "heavy")), (10, 30));
}

#[test]
fn a_person_goes_before_the_schedule_of_the_same_tenant_but_of_no_other() {
    let (mut desk, options) = desk(1_000, &[(500, 600), (500, 600), (500, 600)]);
    let urgent = Claim {
        is_urgent: true,
        ..claim(1, 2)
    };
    let claims = [
        ("schedule", claim(1, 1)),
        ("person", urgent),
        ("other", claim(2, 3)),
    ];
    let names = queue(&mut desk, options, &claims);
    let order = serve(&mut desk, &names, at(0), 40);
    assert_eq!(
        (
            count(&order, "schedule"),
            count(&order, "person"),
            count(&order, "other")
        ),
        (0, 20, 20)
    );
}

#[test]
fn whoever_comes_late_catches_up_and_then_takes_turns() {
    let (mut desk, options) = desk(1_000, &[(500, 600); 8]);
    let mut names = queue(&mut desk, options, &[("early", claim(1, 1))]);
    serve(&mut desk, &names, at(0), 40);
    names.extend(queue(&mut desk, options, &[("late", claim(2, 2))]));
    let order = serve(&mut desk, &names, at(0), 60);
    assert_eq!(count(&order[..39], "early"), 0);
    let late = count(&order, "late");
    assert!((49..=51).contains(&late), "{late} of 60");
}

#[test]
fn a_giants_past_is_no_claim_of_the_newcomers() {
    let (mut desk, options) = desk(1_000, &[(900, 600); 60]);
    let mut names = BTreeMap::new();
    for _ in 0..4 {
        names.extend(queue(&mut desk, options, &[("early", claim(1, 1))]));
    }
    serve(&mut desk, &names, at(0), 390);
    for _ in 0..4 {
        names.extend(queue(&mut desk, options, &[("late", claim(2, 2))]));
        names.extend(queue(&mut desk, options, &[("early", claim(1, 1))]));
    }
    let order = serve(&mut desk, &names, at(0), 300);
    let late = count(&order, "late");
    assert!(
        (249..=251).contains(&late),
        "two hundred ahead, then every other: {late} of 300"
    );
}

#[test]
fn a_plan_takes_no_more_than_its_part_of_a_bucket() {
    let (mut desk, options) = desk(10, &[(10, 600)]);
    let part = Claim {
        most_percent: 40,
        ..claim(1, 1)
    };
    let names = queue(&mut desk, options, &[("part", part), ("all", claim(1, 2))]);
    let order = serve(&mut desk, &names, at(0), 100);
    assert_eq!((count(&order, "part"), count(&order, "all")), (4, 6));
    let bucket = desk.buckets_of(options)[0];
    let Standing::Held(hold) = desk.consider(&part, bucket, &Demand::rest("issues"), at(0)) else {
        panic!("it has had its part");
    };
    assert_eq!(hold.until, Some(at(601)));
}

#[test]
fn larger_work_goes_first_and_what_was_used_last_is_used_again() {
    let (mut desk, options) = desk(1_000, &[(500, 600), (499, 600)]);
    let buckets = desk.buckets_of(options).to_vec();
    let demand = Demand::rest("issues");
    let small = desk.ask(claim(1, 1), options, &demand, 5, None);
    let large = desk.ask(claim(1, 1), options, &demand, 50, Some(buckets[1]));
    let first = desk.decide(at(0)).unwrap();
    assert_eq!((first.ask, first.bucket), (large, buckets[1]));
    let second = desk.decide(at(0)).unwrap();
    assert_eq!((second.ask, second.bucket), (small, buckets[0]));
}

#[test]
fn a_bucket_that_others_need_is_left_to_them() {
    let (mut desk, both) = desk(100, &[(100, 3_600), (100, 3_600)]);
    let scarce = desk.buckets_of(both)[0];
    let only = desk.options(vec![scarce]);
    desk.expect(claim(1, 1), only, 250);
    desk.expect(claim(1, 1), both, 90);
    desk.plan(&Resource::core(), at(0));
    let demand = Demand::rest("issues");
    for _ in 0..10 {
        desk.ask(claim(1, 1), both, &demand, 1, None);
    }
    while let Some(decision) = desk.decide(at(0)) {
        assert_ne!(decision.bucket, scarce);
    }
}

#[test]
fn who_outlasts_the_window_leaves_a_part_to_newcomers_until_its_end() {
    let (mut desk, options) = desk(100, &[(11, 3_600)]);
    let (giant, newcomer) = (claim(1, 1), claim(2, 2));
    desk.expect(giant, options, 1_000);
    desk.expect(newcomer, options, 5);
    desk.plan(&Resource::core(), at(0));
    let names = queue(&mut desk, options, &[("giant", giant)]);
    assert_eq!(serve(&mut desk, &names, at(0), 100).len(), 1);
    let demand = Demand::rest("issues");
    let asked = desk.ask(newcomer, options, &demand, 1, None);
    assert_eq!(desk.decide(at(1)).map(|decision| decision.ask), Some(asked));
    let mut now = at(2);
    while desk.decide(now).is_none() {
        now = desk.wake_at(now).unwrap().max(now);
        assert!(now < at(3_600), "it is let go before the end");
    }
    assert_eq!(now, at(3_420), "a twentieth of the window before its end");
}

#[test]
fn a_withdrawn_request_is_not_decided() {
    let (mut desk, options) = desk(100, &[(11, 3_600)]);
    let ask = desk.ask(claim(1, 1), options, &Demand::rest("issues"), 1, None);
    desk.withdraw(ask);
    assert_eq!(desk.decide(at(0)), None);
    assert_eq!(desk.waiting_count(), 0);
}

#[test]
fn the_desk_says_when_to_ask_again() {
    let (mut desk, options) = desk(100, &[(0, 600), (0, 300)]);
    desk.ask(claim(1, 1), options, &Demand::rest("issues"), 1, None);
    assert_eq!(desk.decide(at(0)), None);
    assert_eq!(desk.wake_at(at(0)), Some(at(301)));
    assert!(desk.decide(at(301)).is_some());
    assert_eq!(desk.wake_at(at(301)), None, "nobody waits");
}
