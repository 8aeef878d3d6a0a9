use domain::bucket::Subject;
use domain::{BucketKey, Clock, Health, Reading, Secret, TenantId};

use super::*;
use crate::pool::{Member, Sharing};

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// A pool of credentials, a bucket each, with so much left of 5,000 for another half an hour.
fn pool(left: &[u32]) -> (Pool, Vec<CredentialId>) {
    let pool = Pool::new(Clock::manual(start()), Sharing::Alone);
    let add = |(user, remaining): (i64, &u32)| {
        let bucket = BucketKey {
            host: "git.test".to_owned(),
            subject: Subject::User(user),
        };
        let id = CredentialId::new();
        pool.insert(Member {
            id,
            name: format!("c{user}"),
            bucket: bucket.clone(),
            token: Secret::new("token"),
            reserve_percent: 0,
            health: Health::Healthy,
            renewable: false,
        });
        let reading = Reading {
            limit: 5_000,
            remaining: *remaining,
            reset_at: start() + TimeDelta::minutes(30),
        };
        pool.learn(&bucket, &[(Resource::core(), reading)], false);
        id
    };
    let ids = (1..).zip(left).map(add).collect();
    (pool, ids)
}

fn expect(credentials: &[CredentialId], requests: u64, a_minute: Option<u64>) -> Expectation {
    Expectation {
        claim: Claim::of(TenantId::new(), PlanId::new()),
        credentials: credentials.to_vec(),
        requests: vec![(7, requests)],
        a_minute,
    }
}

fn minutes(outlook: &Outlook) -> i64 {
    (outlook.ends_at.unwrap() - start()).num_minutes()
}

#[test]
fn an_end_waits_for_the_window_when_quota_runs_out() {
    let (pool, ids) = pool(&[1_000]);
    let outlooks = pool.expect(&[expect(&ids, 500, Some(100))]);
    assert_eq!(minutes(&outlooks[0]), 5);
    let outlooks = pool.expect(&[expect(&ids, 1_500, Some(100))]);
    assert_eq!(minutes(&outlooks[0]), 35);
    assert!(!outlooks[0].is_starved);
}

#[test]
fn a_plan_beside_another_ends_later() {
    let (pool, ids) = pool(&[4_000]);
    let alone = pool.expect(&[expect(&ids, 3_000, None)]);
    let both = pool.expect(&[expect(&ids, 3_000, None), expect(&ids, 3_000, None)]);
    assert!(minutes(&alone[0]) < 5);
    assert!(minutes(&both[0]) >= 30, "{both:?}");
    assert_eq!(both[0], both[1]);
}

#[test]
fn whoever_has_only_spent_buckets_is_starved() {
    let (pool, ids) = pool(&[0, 100]);
    let outlooks = pool.expect(&[expect(&ids[..1], 10, None), expect(&ids, 10, None)]);
    assert!(outlooks[0].is_starved && !outlooks[1].is_starved);
    pool.learn_access(ids[1], 7, false);
    let outlooks = pool.expect(&[expect(&ids, 10, None)]);
    assert!(outlooks[0].is_starved, "the other one does not see it");
    let outlooks = pool.expect(&[expect(&[], 10, None)]);
    assert_eq!(outlooks[0].ends_at, None);
}
