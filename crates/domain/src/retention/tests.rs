use proptest::prelude::*;

use super::*;

fn day(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_760_000_000 + n * 86_400, 0).unwrap()
}

fn candidates(days: &[i64], is_whole: impl Fn(usize) -> bool) -> Vec<Candidate<usize>> {
    let numbered = days.iter().enumerate();
    numbered
        .map(|(index, n)| Candidate {
            snapshot: index,
            taken_at: day(*n),
            whole: is_whole(index),
        })
        .collect()
}

fn dropped(rule: &str, days: &[i64]) -> Vec<i64> {
    let snapshots: Vec<_> = days
        .iter()
        .map(|n| Candidate {
            snapshot: *n,
            taken_at: day(*n),
            whole: true,
        })
        .collect();
    Retention::parse(rule)
        .unwrap()
        .dropped(&snapshots, day(100))
}

#[test]
fn each_part_of_a_rule_keeps_its_own() {
    assert_eq!(dropped("last=2", &[1, 2, 3]), [1]);
    assert_eq!(dropped("days=10", &[80, 89, 91, 99]), [89, 80]);
    assert_eq!(dropped("daily=2", &[97, 98, 99]), [97]);
    assert_eq!(dropped("last=1,yearly=1", &[1, 2, 99]), [2, 1]);
    assert_eq!(dropped("forever", &[1, 2, 3]), Vec::<i64>::new());
}

#[test]
fn nonsense_is_refused() {
    for bad in [
        "",
        "last",
        "last=0",
        "hourly=3",
        "last=-1",
        "last=10001",
        "last=99999999999",
        "daily=1;weekly=2",
    ] {
        assert!(Retention::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(
        Retention::parse("last=3,yearly=1").unwrap().to_string(),
        "last=3,yearly=1"
    );
}

#[test]
fn the_last_good_snapshot_outlives_worse_ones() {
    let rule = Retention::parse("last=1").unwrap();
    let snapshots = candidates(&[1, 2, 3, 4], |index| index < 2);
    assert_eq!(rule.dropped(&snapshots, day(5)), [2, 0]);
}

#[test]
fn a_summary_says_what_is_kept() {
    for (rule, summary) in [
        ("forever", "All snapshots, for ever"),
        (
            "last=7,days=30,yearly=2",
            "Keep the last 7, 30 days, 2 yearly",
        ),
    ] {
        assert_eq!(Retention::parse(rule).unwrap().summary(), summary);
    }
}

proptest! {
    #[test]
    fn neither_the_newest_nor_the_last_good_one_is_ever_dropped(
        snapshots in prop::collection::vec((0_i64..2000, any::<bool>()), 1..60),
        last in prop::option::of(1_u32..5),
        days in prop::option::of(1_u32..500),
        weekly in prop::option::of(1_u32..5),
        yearly in prop::option::of(1_u32..3),
    ) {
        let rule = Retention { last, days, weekly, yearly, ..Retention::default() };
        let taken: Vec<i64> = snapshots.iter().map(|(n, _)| *n).collect();
        let gone = rule.dropped(&candidates(&taken, |index| snapshots[index].1), day(3000));
        let kept = |index: &usize| !gone.contains(index);
        let newest = taken.iter().max().unwrap();
        prop_assert!((0..taken.len()).filter(kept).any(|index| taken[index] == *newest));
        let good = snapshots.iter().filter(|(_, whole)| *whole).map(|(n, _)| *n).max();
        if let Some(good) = good {
            prop_assert!((0..taken.len()).filter(kept).any(|index| snapshots[index] == (good, true)));
        }
        if let Some(last) = last {
            prop_assert!(taken.len() - gone.len() >= taken.len().min(last as usize));
        }
    }

    #[test]
    fn a_preview_counts_what_would_be_dropped(
        shelves in prop::collection::vec(prop::collection::vec(0_i64..2000, 1..20), 0..6),
        last in 1_u32..5,
    ) {
        let rule = Retention { last: Some(last), ..Retention::default() };
        let shelves: Vec<_> = shelves.iter().map(|days| candidates(days, |_| true)).collect();
        let counted = preview(&rule, &shelves, day(3000));
        let all: usize = shelves.iter().map(Vec::len).sum();
        let gone: usize = shelves.iter().map(|one| rule.dropped(one, day(3000)).len()).sum();
        prop_assert_eq!((counted.snapshots, counted.dropped), (all as u64, gone as u64));
        prop_assert!(counted.repositories_affected <= counted.repositories);
    }
}
