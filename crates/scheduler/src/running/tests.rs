use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn the_gravest_reason_counts() {
    let running = Running::default();
    let held = running.begin(Work::Listing(RunId::new()), None);
    running.stop_all(Stop::Fenced);
    running.stop_all(Stop::Drain);
    assert_eq!(held.stop(), Some(Stop::Fenced));
    assert!(held.token().is_cancelled());
}

#[test]
fn work_is_parked_when_its_window_ends_and_forgotten_when_it_is_done() {
    let running = Running::default();
    let ends_at = at("2026-01-02T03:00:00Z");
    let scheduled = running.begin(Work::Fetch(FetchId::new(), 1), Some(ends_at));
    let by_hand = running.begin(Work::Fetch(FetchId::new(), 1), None);
    running.close_windows(at("2026-01-02T02:59:59Z"));
    assert_eq!(scheduled.stop(), None);
    running.close_windows(ends_at);
    assert_eq!(scheduled.stop(), Some(Stop::Window));
    assert_eq!(by_hand.stop(), None);
    drop((scheduled, by_hand));
    assert!(running.fetches().is_empty());
}

#[test]
fn what_the_store_does_not_know_as_held_is_stopped_unless_it_is_newer_than_the_question() {
    let running = Running::default();
    let [kept, lost, cancelled, newer] = std::array::from_fn(|_| FetchId::new());
    let begin = |fetch| running.begin(Work::Fetch(fetch, 7), None);
    let works = [begin(kept), begin(lost), begin(cancelled)];
    let asked = running.fetches();
    let begun_since = begin(newer);
    let held = |fetch, fence, cancelling| HeldFetch {
        fetch,
        fence,
        cancelling,
    };
    running.reconcile(
        &asked,
        &[
            held(kept, 7, false),
            held(lost, 8, false),
            held(cancelled, 7, true),
        ],
    );
    assert_eq!(
        works.each_ref().map(Held::stop),
        [None, Some(Stop::Fenced), Some(Stop::Cancelled)]
    );
    assert_eq!(begun_since.stop(), None);
}
