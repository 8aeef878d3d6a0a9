use super::*;
use crate::scenario::Scenario;
use Answer::{Primary, Served};

const SECOND: Micros = 1_000_000;

fn host(bucket: &str) -> HostBucket {
    let text = format!(
        r#"{{"name": "one", "buckets": [{bucket}], "credentials": [], "repositories": {{"requests": []}}}}"#
    );
    HostBucket::new(&Scenario::read(&text).unwrap().buckets[0])
}

fn serve(host: &mut HostBucket, now: Micros) -> Answer {
    let answer = host.arrive(now, now);
    if answer == Served {
        host.leave();
    }
    answer
}

#[test]
fn a_window_begins_with_its_first_request_and_holds_what_it_holds() {
    let mut host = host(r#"{"id": "a", "limit": 2, "window_s": 10}"#);
    let answers: Vec<Answer> = [5, 6, 7, 15, 16, 17]
        .map(|at| serve(&mut host, at * SECOND))
        .to_vec();
    assert_eq!(answers, [Served, Served, Primary, Served, Served, Primary]);
    assert_eq!(host.tell(18 * SECOND).unwrap().reset, 25 * SECOND);
}

#[test]
fn aligned_windows_end_at_multiples() {
    let mut host = host(r#"{"id": "a", "limit": 9, "window_s": 10, "aligned": true}"#);
    serve(&mut host, 27 * SECOND);
    assert_eq!(host.tell(27 * SECOND).unwrap().reset, 30 * SECOND);
}

#[test]
fn others_spend_evenly_and_begin_windows_too() {
    let mut host = host(r#"{"id": "a", "limit": 100, "window_s": 60, "others_per_hour": 3600}"#);
    assert_eq!(serve(&mut host, 10 * SECOND), Served);
    let told = host.tell(10 * SECOND).unwrap();
    assert_eq!((told.remaining, told.reset), (89, 61 * SECOND));
}

#[test]
fn too_many_at_once_and_too_many_a_minute_are_refused() {
    let mut host = host(
        r#"{"id": "a", "limit": 99, "secondary": {"concurrency": 1, "points_per_minute": 2}}"#,
    );
    assert_eq!(host.arrive(0, 0), Served);
    assert_eq!(host.arrive(1, 1), Answer::Secondary);
    host.leave();
    assert_eq!(serve(&mut host, 2), Served);
    assert_eq!(serve(&mut host, 3), Answer::Secondary);
    assert_eq!(serve(&mut host, MINUTE), Served);
}

#[test]
fn whoever_knows_better_and_comes_too_early_is_refused() {
    let mut host = host(r#"{"id": "a", "limit": 99}"#);
    host.slow_next(Some(30 * SECOND));
    assert_eq!(host.arrive(0, 0), Answer::SlowDown(Some(30 * SECOND)));
    host.has_told_to_slow(Some(30 * SECOND), SECOND);
    assert_eq!(
        host.arrive(SECOND / 2, 2 * SECOND),
        Served,
        "it left before the answer was there"
    );
    assert_eq!(serve(&mut host, 30 * SECOND), Answer::Impatient);
    assert_eq!(serve(&mut host, 31 * SECOND), Served);
}

#[test]
fn without_headers_nothing_is_told() {
    let mut host = host(r#"{"id": "a", "limit": 99, "headers": false}"#);
    serve(&mut host, 0);
    assert_eq!(host.tell(0), None);
}
