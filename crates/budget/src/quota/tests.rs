use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn reading(remaining: u32, reset: i64) -> Reading {
    Reading {
        limit: 100,
        remaining,
        reset_at: at(reset),
    }
}

/// What is known after readings at certain times.
fn after(readings: &[(i64, u32, i64)]) -> Quota {
    let mut quota = Quota::default();
    for (now, remaining, reset) in readings {
        quota.read(reading(*remaining, *reset), &Terms::GITHUB, at(*now));
    }
    quota
}

#[test]
fn answers_that_overtake_each_other_leave_the_least() {
    let quota = after(&[(0, 90, 600), (0, 88, 601), (0, 89, 599)]);
    assert_eq!(quota.reading(), Some(reading(88, 601)));
}

#[test]
fn the_next_window_replaces_and_a_late_answer_of_the_last_is_ignored() {
    let quota = after(&[(0, 3, 600), (600, 99, 4200), (600, 2, 600)]);
    assert_eq!(quota.reading(), Some(reading(99, 4200)));
}

#[test]
fn of_two_windows_in_turn_the_poorer_counts_until_it_ends() {
    let mut quota = after(&[(0, 71, 1320), (0, 95, 2580), (0, 70, 1320), (0, 94, 2581)]);
    assert_eq!(quota.reading(), Some(reading(70, 1320)));
    quota.roll(at(1321));
    assert_eq!(quota.reading(), Some(reading(94, 2581)));
}

#[test]
fn a_second_window_that_nobody_speaks_of_any_more_has_gone() {
    let mut quota = after(&[(0, 0, 1320), (0, 95, 2580)]);
    assert_eq!(quota.reading(), Some(reading(0, 1320)));
    for _ in 0..3 * FORGOTTEN_AFTER {
        quota.read(reading(0, 1320), &Terms::GITHUB, at(1));
    }
    quota.roll(at(1321));
    assert_eq!(quota.reading(), None);
}

#[test]
fn a_window_is_over_a_second_after_its_end() {
    let mut quota = after(&[(0, 0, 600)]);
    quota.roll(at(600));
    assert!(quota.reading().is_some());
    quota.roll(at(601));
    let ended = State::Unknown {
        last: Some(reading(0, 600)),
    };
    assert_eq!(quota.state, ended);
    quota.read(reading(0, 600), &Terms::GITHUB, at(601));
    assert_eq!(quota.state, ended);
}

#[test]
fn where_ends_wander_a_single_word_is_not_trusted() {
    let mut quota = after(&[(0, 9, 600), (0, 8, 604), (605, 5, 4200)]);
    let window = *quota.window().unwrap();
    assert_eq!(quota.over_at(&window), at(4205), "four seconds and one");
    quota.roll(at(4204));
    assert!(quota.reading().is_some());
}

#[test]
fn stored_knowledge_gives_way_to_what_is_heard() {
    let mut quota = Quota::default();
    quota.recall(reading(50, 600), at(0));
    assert!(!quota.is_proven());
    quota.read(reading(70, 300), &Terms::GITHUB, at(0));
    assert_eq!(quota.reading(), Some(reading(70, 300)));
    quota.recall(reading(1, 600), at(0));
    assert_eq!(quota.reading(), Some(reading(70, 300)));
}

#[test]
fn stored_knowledge_of_an_ended_window_leaves_only_the_limit() {
    let mut quota = Quota::default();
    quota.recall(reading(0, -10), at(0));
    assert_eq!(
        (quota.reading(), quota.heard()),
        (None, Some(reading(0, -10)))
    );
}
