use super::*;

/// In hundredths of a second.
fn bound(buckets: &str, credentials: &str, rest: &str) -> u64 {
    let text = format!(
        r#"{{"name": "bound", "latency_s": {{"median": 0.1, "p95": 0.1}}, "buckets": [{buckets}], "credentials": [{credentials}], {rest}}}"#
    );
    let scenario = Scenario::read(&text).unwrap();
    let counted = vec![true; scenario.count() * scenario.plans.len()];
    (lower_bound(&scenario, &counted) * 100.0).round() as u64
}

const ONE: &str = r#"{"id": "c", "bucket": "a"}"#;

#[test]
fn quota_is_there_window_by_window_and_is_sent_at_the_pace() {
    let bucket = r#"{"id": "a", "limit": 100}"#;
    assert_eq!(
        bound(bucket, ONE, r#""repositories": {"requests": [90]}"#),
        600
    );
    assert_eq!(
        bound(bucket, ONE, r#""repositories": {"requests": [250]}"#),
        720_333
    );
    let running = r#"{"id": "a", "limit": 100, "used": 60, "resets_in_s": 300, "reserve": 0.1}"#;
    assert_eq!(
        bound(running, ONE, r#""repositories": {"requests": [60]}"#),
        30200
    );
    let shared = r#"{"id": "a", "limit": 100, "others_per_hour": 40}"#;
    assert_eq!(
        bound(shared, ONE, r#""repositories": {"requests": [75]}"#),
        360_100
    );
    let aligned = r#"{"id": "a", "limit": 100, "window_s": 60, "aligned": true}"#;
    assert_eq!(
        bound(aligned, ONE, r#""repositories": {"requests": [150]}"#),
        6333
    );
}

#[test]
fn concurrency_is_a_pace_too() {
    let bucket = r#"{"id": "a", "limit": 1000, "secondary": {"concurrency": 1}}"#;
    assert_eq!(
        bound(bucket, ONE, r#""repositories": {"requests": [100]}"#),
        1000
    );
}

#[test]
fn the_largest_repository_takes_its_rounds() {
    let bucket = r#"{"id": "a", "limit": 1000, "secondary": {"points_per_minute": 60000}}"#;
    assert_eq!(
        bound(
            bucket,
            ONE,
            r#""repositories": {"requests": [80], "parallel": 2}"#
        ),
        400
    );
}

#[test]
fn what_one_sees_alone_weighs_on_it() {
    let buckets = r#"{"id": "a", "limit": 100}, {"id": "b", "limit": 100}"#;
    let credentials = r#"{"id": "c", "bucket": "a"}, {"id": "d", "bucket": "b", "sees": [1]}"#;
    // 90 of the second repository leave by d; the 10 others and the first one are c's.
    let rest = r#""repositories": {"requests": [90, 110]}"#;
    assert_eq!(bound(buckets, credentials, rest), 667);
    let rest = r#""repositories": {"requests": [105, 10]}"#;
    assert_eq!(bound(buckets, credentials, rest), 360_033);
}

#[test]
fn a_supply_counts_while_its_credential_lives() {
    let buckets = r#"{"id": "a", "limit": 100}, {"id": "b", "limit": 100}"#;
    let credentials = r#"{"id": "c", "bucket": "a"}, {"id": "d", "bucket": "b"}"#;
    let rest =
        |events: &str| format!(r#""events": [{events}], "repositories": {{"requests": [150]}}"#);
    assert_eq!(bound(buckets, credentials, &rest("")), 500);
    assert_eq!(
        bound(buckets, credentials, &rest(r#"{"at_s": 30, "add": "d"}"#)),
        3333
    );
    assert_eq!(
        bound(buckets, credentials, &rest(r#"{"at_s": 2, "revoke": "d"}"#)),
        360_133
    );
}

#[test]
fn a_plan_that_starts_late_is_done_late() {
    let rest = r#""plans": [{"id": "p", "starts_at_s": 100}], "repositories": {"requests": [30]}"#;
    assert_eq!(bound(r#"{"id": "a", "limit": 100}"#, ONE, rest), 10200);
}
