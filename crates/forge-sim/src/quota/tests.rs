use std::net::Ipv4Addr;

use chrono::TimeDelta;

use super::*;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 500_000_000).unwrap()
}

fn charge(bucket: &Bucket) -> Charge<'_> {
    Charge {
        bucket,
        resource: Resource::Core,
        endpoint: "/user",
        cost: 1,
        points: 1,
    }
}

fn ledger(core: u64) -> Ledger {
    Ledger::new(Limits {
        user: Quota::both(core),
        ..Limits::default()
    })
}

#[test]
fn a_window_begins_with_the_first_request_and_stays() {
    let mut ledger = ledger(10);
    let bucket = Bucket::User(1);
    assert_eq!(ledger.admit(&charge(&bucket), now()), Verdict::Admitted);
    let later = now() + TimeDelta::seconds(1_000);
    assert_eq!(ledger.admit(&charge(&bucket), later), Verdict::Admitted);
    let reading = ledger.reading(&bucket, Resource::Core, later);
    assert_eq!(reading.reset, now().timestamp() + 3_600);
    assert_eq!(reading.used, 2);
}

#[test]
fn refused_requests_push_used_over_the_limit() {
    let mut ledger = ledger(1);
    let bucket = Bucket::User(1);
    assert_eq!(ledger.admit(&charge(&bucket), now()), Verdict::Admitted);
    assert_eq!(ledger.admit(&charge(&bucket), now()), Verdict::Primary);
    let reading = ledger.reading(&bucket, Resource::Core, now());
    assert_eq!((reading.used, reading.remaining()), (2, 0));
}

#[test]
fn after_the_reset_a_new_window_begins() {
    let mut ledger = ledger(1);
    let bucket = Bucket::User(1);
    ledger.admit(&charge(&bucket), now());
    let at_reset = DateTime::from_timestamp(now().timestamp() + 3_600, 0).unwrap();
    assert_eq!(ledger.admit(&charge(&bucket), at_reset), Verdict::Admitted);
    let reading = ledger.reading(&bucket, Resource::Core, at_reset);
    assert_eq!(reading.reset, at_reset.timestamp() + 3_600);
}

#[test]
fn a_refund_gives_the_request_back() {
    let mut ledger = ledger(1);
    let bucket = Bucket::User(1);
    ledger.admit(&charge(&bucket), now());
    ledger.refund(&bucket, Resource::Core, 1);
    assert_eq!(ledger.admit(&charge(&bucket), now()), Verdict::Admitted);
}

#[test]
fn buckets_and_resources_do_not_touch_each_other() {
    let mut ledger = ledger(1);
    let (one, two) = (Bucket::User(1), Bucket::User(2));
    ledger.admit(&charge(&one), now());
    assert_eq!(ledger.admit(&charge(&two), now()), Verdict::Admitted);
    let graphql = Charge {
        resource: Resource::Graphql,
        endpoint: "/graphql",
        ..charge(&one)
    };
    assert_eq!(ledger.admit(&graphql, now()), Verdict::Admitted);
}

#[test]
fn an_address_has_sixty_requests_and_no_graphql() {
    let ledger = ledger(1);
    let bucket = Bucket::Address(Ipv4Addr::LOCALHOST.into());
    assert_eq!(ledger.reading(&bucket, Resource::Core, now()).limit, 60);
    assert_eq!(ledger.reading(&bucket, Resource::Graphql, now()).limit, 0);
}

#[test]
fn a_user_can_have_another_quota_at_once() {
    let mut ledger = ledger(1);
    let bucket = Bucket::User(7);
    ledger.admit(&charge(&bucket), now());
    ledger.set_quota(7, Quota::both(2));
    assert_eq!(ledger.admit(&charge(&bucket), now()), Verdict::Admitted);
}

#[test]
fn the_hundred_and_first_at_the_same_time_is_refused() {
    let mut ledger = ledger(5_000);
    let bucket = Bucket::User(1);
    for _ in 0..100 {
        assert_eq!(ledger.admit(&charge(&bucket), now()), Verdict::Admitted);
    }
    assert_eq!(ledger.admit(&charge(&bucket), now()), Verdict::Concurrency);
    ledger.finish(&bucket);
    assert_eq!(ledger.admit(&charge(&bucket), now()), Verdict::Admitted);
}

#[test]
fn nine_hundred_points_a_minute_on_one_endpoint() {
    let mut ledger = ledger(5_000);
    let bucket = Bucket::User(1);
    for _ in 0..900 {
        assert_eq!(ledger.admit(&charge(&bucket), now()), Verdict::Admitted);
        ledger.finish(&bucket);
    }
    assert_eq!(ledger.admit(&charge(&bucket), now()), Verdict::Points);
    let elsewhere = Charge {
        endpoint: "/meta",
        ..charge(&bucket)
    };
    assert_eq!(ledger.admit(&elsewhere, now()), Verdict::Admitted);
    let minute_later = now() + TimeDelta::seconds(60);
    assert_eq!(
        ledger.admit(&charge(&bucket), minute_later),
        Verdict::Admitted
    );
}
