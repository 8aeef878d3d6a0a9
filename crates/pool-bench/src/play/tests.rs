//! Small situations through the real core: whatever happens, as good as the best possible, and nothing refused that could be known.

use std::path::Path;

use crate::report::Report;
use crate::scenario::Scenario;

fn report(text: &str) -> Report {
    let scenario = Scenario::read(text).unwrap();
    let report = Report::of(&scenario).unwrap();
    let complaints = report.complaints(&scenario);
    assert!(complaints.is_empty(), "{}: {complaints:?}", report.name());
    report
}

/// Those of the project's own scenarios that are soon played.
#[test]
fn the_projects_small_scenarios_meet_the_bars() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let scenario = Scenario::read(&text).unwrap();
        if crate::draw::sizes(&scenario)
            .iter()
            .map(|size| u64::from(*size))
            .sum::<u64>()
            < 20_000
        {
            report(&text);
            played += 1;
        }
    }
    assert!(played >= 8, "{played} were played");
}

#[test]
fn a_newcomer_is_done_within_twice_the_time_that_it_needs_alone() {
    let text = |giant: &str, starts: u32| {
        format!(
            r#"{{"name": "newcomer", "seed": 3, "buckets": [{{"id": "a", "limit": 2000}}, {{"id": "b", "limit": 2000}}],
            "credentials": [{{"id": "x", "bucket": "a"}}, {{"id": "y", "bucket": "b"}}],
            "repositories": {{"count": 310, "requests": {{"pareto": {{"alpha": 1.2, "min": 8, "max": 300}}}}}},
            "plans": [{giant} {{"id": "newcomer", "tenant": "b", "repositories": [300, 310], "starts_at_s": {starts}}}]}}"#
        )
    };
    let giant = r#"{"id": "giant", "tenant": "a", "repositories": [0, 300]},"#;
    // Early, with quota for all, and late, when the giant has spent what it may of the window.
    for starts in [20, 1_500] {
        let took = |giant: &str| {
            let report = report(&text(giant, starts));
            report.plans["newcomer"].done_s.unwrap() - f64::from(starts)
        };
        let (beside, alone) = (took(giant), took(""));
        assert!(
            beside <= 2.0 * alone,
            "{beside} s beside the giant, {alone} s alone"
        );
    }
}

#[test]
fn a_repository_that_nobody_sees_is_not_work() {
    let report = report(
        r#"{"name": "unseen", "buckets": [{"id": "a", "limit": 100}], "credentials": [{"id": "x", "bucket": "a", "sees": [0]}],
        "repositories": {"requests": [20, 30]}}"#,
    );
    assert_eq!(report.unreachable, 1);
}

#[test]
fn quota_that_would_expire_unused_goes_first() {
    let report = report(
        r#"{"name": "expiring", "seed": 2, "buckets": [{"id": "soon", "limit": 600, "resets_in_s": 60}, {"id": "late", "limit": 600, "resets_in_s": 3000}],
        "credentials": [{"id": "x", "bucket": "soon"}, {"id": "y", "bucket": "late"}], "repositories": {"requests": [300, 300, 400, 400, 350]}}"#,
    );
    assert!(report.lower_bound_s < 120.0, "{}", report.lower_bound_s);
}

#[test]
fn the_same_seed_is_the_same_play() {
    let text = r#"{"name": "same", "seed": 9, "buckets": [{"id": "a", "limit": 300, "window_s": 60}], "credentials": [{"id": "x", "bucket": "a"}],
        "repositories": {"count": 20, "requests": {"pareto": {"alpha": 1.2, "min": 8, "max": 100}}}, "events": [{"at_s": 9, "restart": true}]}"#;
    let (one, other) = (report(text), report(text));
    assert_eq!(
        (
            one.lower_bound_s.to_bits(),
            one.ratio.to_bits(),
            one.refused
        ),
        (
            other.lower_bound_s.to_bits(),
            other.ratio.to_bits(),
            other.refused
        )
    );
}
