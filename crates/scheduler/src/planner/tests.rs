use std::collections::BTreeMap;

use domain::{Content, Kind, Part};
use forge::Mark;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn marks(git: &str) -> Marks {
    Marks(BTreeMap::from([(
        Kind::Git,
        Mark {
            fingerprint: git.to_owned(),
            count: None,
        },
    )]))
}

fn listed(git: &str) -> Repository {
    Repository {
        id: 1,
        node_id: "R_1".to_owned(),
        name: "acme/tool".parse().unwrap(),
        default_branch: Some("main".to_owned()),
        private: true,
        archived: false,
        fork: false,
        empty: false,
        disabled: false,
        locked: false,
        has_wiki: true,
        has_issues: true,
        switched_off: BTreeSet::new(),
        topics: Vec::new(),
        disk_kib: 1,
        pushed_at: None,
        marks: marks(git),
    }
}

fn known(git: &str) -> Known {
    Known {
        is_pushed_to: false,
        marks: marks(git),
        swept_at: Some(now() - TimeDelta::days(1)),
        wiki: None,
        is_whole: true,
        kinds: Kind::ALL.into(),
    }
}

/// Decides for a plan that takes everything.
fn decide(listed: &Repository, known: Option<&Known>, now: DateTime<Utc>) -> Decision {
    super::decide(listed, known, &Kind::ALL.into(), now)
}

#[test]
fn what_a_snapshot_lacks_is_asked_for_again() {
    let lacking = Known {
        is_whole: false,
        ..known("a")
    };
    assert_eq!(decide(&listed("a"), Some(&lacking), now()), Decision::Fetch);
}

#[test]
fn a_repository_seen_for_the_first_time_is_read_in_full() {
    assert_eq!(decide(&listed("a"), None, now()), Decision::Sweep);
}

#[test]
fn equal_marks_mean_no_work_and_a_moved_mark_means_a_fetch() {
    assert_eq!(
        decide(&listed("a"), Some(&known("a")), now()),
        Decision::Unchanged
    );
    assert_eq!(
        decide(&listed("b"), Some(&known("a")), now()),
        Decision::Fetch
    );
}

#[test]
fn a_known_wiki_is_asked_because_the_list_does_not_show_it() {
    let known = Known {
        wiki: Some("digest".to_owned()),
        ..known("a")
    };
    assert_eq!(decide(&listed("a"), Some(&known), now()), Decision::AskWiki);
    let without = Repository {
        has_wiki: false,
        ..listed("a")
    };
    assert_eq!(decide(&without, Some(&known), now()), Decision::Fetch);
}

#[test]
fn what_a_plan_takes_from_now_on_is_fetched_though_nothing_has_changed() {
    let narrow = Content::without([Part::Wiki, Part::Issues]).kinds();
    let known = Known {
        kinds: narrow.clone(),
        ..known("a")
    };
    let decide = |kinds| super::decide(&listed("a"), Some(&known), kinds, now());
    assert_eq!(decide(&narrow), Decision::Unchanged);
    assert_eq!(decide(&Kind::ALL.into()), Decision::Fetch);
}

#[test]
fn what_a_plan_does_not_take_any_more_is_not_looked_at() {
    let known = Known {
        wiki: Some("digest".to_owned()),
        ..known("a")
    };
    let code = Content::without(Part::ALL).kinds();
    let decide = |git| super::decide(&listed(git), Some(&known), &code, now());
    assert_eq!(decide("a"), Decision::Unchanged);
    assert_eq!(decide("b"), Decision::Fetch);
}

#[test]
fn a_sweep_falls_due_within_a_week_and_not_for_all_at_once() {
    let swept = |days| Known {
        swept_at: Some(now() - TimeDelta::days(days)),
        ..known("a")
    };
    for id in [0, 1, 86_400, i64::MAX] {
        let listed = Repository { id, ..listed("a") };
        assert_eq!(decide(&listed, Some(&swept(4)), now()), Decision::Unchanged);
        assert_eq!(decide(&listed, Some(&swept(7)), now()), Decision::Sweep);
    }
    let six_days = swept(6);
    let at = |id| {
        let listed = Repository { id, ..listed("a") };
        decide(&listed, Some(&six_days), now())
    };
    assert_eq!(at(0), Decision::Unchanged);
    assert_eq!(at(100_000), Decision::Sweep);
}

#[test]
fn chosen_names_that_are_not_listed_are_named_without_regard_to_case() {
    let listed = BTreeSet::from(["Acme/Tool".parse().unwrap()]);
    let chosen = Selection::Chosen(vec![
        "acme/tool".parse().unwrap(),
        "acme/gone".parse().unwrap(),
    ]);
    assert_eq!(vanished(&chosen, &listed), ["acme/gone".parse().unwrap()]);
    assert!(vanished(&Selection::All, &listed).is_empty());
}
