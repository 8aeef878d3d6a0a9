use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_760_000_000 + seconds, 0).unwrap()
}

fn reading(remaining: u32, reset: i64) -> Reading {
    Reading {
        limit: 100,
        remaining,
        reset_at: at(reset),
    }
}

fn known(remaining: u32, reset: Option<i64>) -> Known {
    Known {
        left: Some(Left {
            limit: 100,
            remaining,
        }),
        reset_at: reset.map(at),
    }
}

const UNREAD: Known = Known {
    left: None,
    reset_at: None,
};

fn want(want: u32, outstanding: u64) -> Demand {
    Demand {
        want,
        reserve_percent: 10,
        outstanding,
    }
}

#[test]
fn the_least_that_was_read_in_a_window_counts() {
    let now = at(0);
    assert_eq!(
        UNREAD.learn(Some(reading(80, 60)), 20, now),
        known(80, Some(60))
    );
    assert_eq!(
        known(80, Some(60)).learn(Some(reading(85, 62)), 9, now),
        known(80, Some(60))
    );
    assert_eq!(
        known(80, Some(60)).learn(Some(reading(70, 58)), 9, now),
        known(70, Some(60))
    );
    assert_eq!(
        known(80, Some(60)).learn(Some(reading(99, 3660)), 9, now),
        known(99, Some(3660))
    );
    assert_eq!(
        known(80, Some(60)).learn(Some(reading(3, 20)), 9, now),
        known(80, Some(60))
    );
}

#[test]
fn a_window_that_ended_is_full_again_and_nobody_knows_how_long() {
    assert_eq!(known(3, Some(60)).roll(at(61)), known(3, Some(60)));
    assert_eq!(known(3, Some(60)).roll(at(62)), known(100, None));
    assert_eq!(known(100, None).reading(), None);
    assert_eq!(
        UNREAD.learn(Some(reading(50, -9)), 0, at(0)),
        known(100, None)
    );
}

#[test]
fn what_was_spent_in_a_window_that_nobody_has_told_of_is_taken_off_until_somebody_does() {
    let now = at(70);
    let full = known(3, Some(60)).roll(now);
    let less = full.learn(Some(reading(3, 60)), 9, now);
    assert_eq!(less, known(91, None));
    assert_eq!(less.learn(None, 1, now), known(90, None));
    assert_eq!(
        less.learn(Some(reading(97, 3660)), 2, now),
        known(97, Some(3660))
    );
    assert_eq!(
        known(80, Some(90)).learn(Some(reading(3, 60)), 9, now),
        known(80, Some(90))
    );
}

#[test]
fn a_bucket_that_nobody_has_read_has_nothing_to_divide() {
    assert_eq!(UNREAD.learn(None, 9, at(0)), UNREAD);
    assert_eq!(UNREAD.grant(&want(50, 0)), 0);
}

#[test]
fn nobody_touches_the_reserve() {
    assert_eq!(known(80, Some(60)).grant(&want(500, 0)), 70);
    assert_eq!(known(80, Some(60)).grant(&want(500, 65)), 5);
    assert_eq!(known(10, Some(60)).grant(&want(500, 0)), 0);
}

proptest! {
    #[test]
    fn what_is_granted_is_left_after_reserve_and_shares(
        remaining in 0_u32..200, limit in 0_u32..200, asked in 0_u32..300, reserve_percent in 0_u8..=100, outstanding in 0_u64..300,
    ) {
        let known = Known { left: Some(Left { limit, remaining }), reset_at: None };
        let granted = known.grant(&Demand { want: asked, reserve_percent, outstanding });
        prop_assert!(granted <= asked);
        if granted > 0 {
            let kept = u64::from(remaining) - u64::from(granted) - outstanding;
            prop_assert!(kept * 100 >= u64::from(limit) * u64::from(reserve_percent));
        }
    }
}
