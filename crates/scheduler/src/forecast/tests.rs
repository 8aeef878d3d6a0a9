use domain::{PoolPart, RepositoryId, TenantId, Weight};
use store::RepositoryCost;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn work(done: (u64, u64), open: &[(u64, u64)]) -> OpenWork {
    OpenWork {
        tenant: TenantId::new(),
        tenant_weight: Weight::USUAL,
        run: RunId::new(),
        plan: PlanId::new(),
        plan_weight: Weight::USUAL,
        pool_part: PoolPart::ALL,
        is_urgent: false,
        credentials: Vec::new(),
        done,
        open: (1..)
            .zip(open)
            .map(|(forge_id, (expected, spent))| OpenFetch {
                forge_id,
                expected: *expected,
                spent: *spent,
            })
            .collect(),
        before: None,
    }
}

fn counts(work: &OpenWork) -> Vec<u64> {
    left(work)
        .into_iter()
        .map(|(_, requests)| requests)
        .collect()
}

#[test]
fn what_is_left_is_what_was_expected_less_what_was_spent() {
    assert_eq!(
        counts(&work((0, 0), &[(30, 0), (30, 20), (10, 40)])),
        [30, 10, 1]
    );
}

#[test]
fn a_run_that_takes_twice_as_much_is_going_to_go_on_like_that() {
    let twice = work((980, 1_980), &[(100, 0)]);
    assert_eq!(counts(&twice), [200]);
    let early = work((2, 4), &[(100, 0)]);
    assert!(counts(&early)[0] < 120, "two fetches prove little");
}

#[test]
fn only_the_time_with_quota_says_how_fast_a_run_goes() {
    let mut seen = Seen::new(&work((0, 0), &[(500, 0)]), at(0));
    seen.look(100, false, at(10));
    seen.look(100, true, at(20));
    seen.look(100, true, at(1_000));
    seen.look(200, false, at(1_010));
    assert_eq!(seen.a_minute(None), Some(600), "200 in 10, 5 and 5 seconds");
    let fresh = Seen::new(&work((0, 0), &[]), at(0));
    assert_eq!(fresh.a_minute(None), None);
    assert_eq!(fresh.a_minute(Some((300, 60.0))), Some(300));
}

#[test]
fn a_repository_is_expected_to_take_what_it_took_and_others_what_all_took() {
    let (plan, other, repository) = (PlanId::new(), PlanId::new(), RepositoryId::new());
    let cost = |plan, repository, requests| RepositoryCost {
        plan,
        repository,
        sweep: true,
        pages: 100.0,
        requests,
    };
    let costs = Costs::learn(
        &[
            cost(other, repository, 900.0),
            cost(plan, repository, 150.0),
            cost(plan, RepositoryId::new(), 250.0),
        ],
        plan,
    );
    assert_eq!(costs.expect(repository, true, 200), 300);
    let unknown = costs.expect(RepositoryId::new(), true, 100);
    assert_eq!(unknown, 413, "1,300 and 20 for 300 and 20");
    assert_eq!(
        costs.expect(repository, false, 7),
        7,
        "nobody has read changes yet"
    );
    assert_eq!(Costs::default().expect(repository, true, 12), 12);
}
