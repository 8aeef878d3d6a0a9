use super::*;

/// So much at once, and as much again every hour, a thousand a minute.
fn hourly(holds: u64) -> Supply {
    Supply {
        from: 0,
        left: holds,
        resets_in: 3_600_000,
        window_holds: holds,
        window: 3_600_000,
        a_minute: 60_000,
    }
}

fn work(requests: u64, may_use: &[usize]) -> Work {
    Work {
        requests,
        may_use: may_use.to_vec(),
    }
}

/// Seconds, to the nearest.
fn seconds(span: Option<u64>) -> Option<u64> {
    span.map(|span| (span + 500) / 1_000)
}

#[test]
fn a_window_holds_what_it_holds_and_is_spent_at_the_pace() {
    let supply = Supply {
        left: 100,
        resets_in: 10_000,
        window_holds: 500,
        window: 20_000,
        a_minute: 600,
        from: 0,
    };
    let taken: Vec<u64> = [0, 5_000, 10_000, 20_000, 30_000, 50_000]
        .map(|span| supply.within(span))
        .to_vec();
    assert_eq!(taken, [0, 50, 100, 200, 300, 500]);
    let late = Supply {
        from: 25_000,
        ..supply
    };
    assert_eq!(late.within(30_000), 50);
    assert_eq!(late.within(50_000), 250);
}

#[test]
fn what_only_one_sees_is_due_last_and_keeps_the_bucket() {
    let supplies = [hourly(1_000), hourly(1_000)];
    let works = [work(3_000, &[0]), work(1_500, &[0, 1])];
    let plan = schedule(&works, &supplies);
    assert_eq!(seconds(plan.work_spans[0]).map(|span| span / 100), Some(72));
    assert_eq!(seconds(plan.work_spans[1]).map(|span| span / 100), Some(36));
    assert!(plan.supply_spans[0] > plan.supply_spans[1]);
}

#[test]
fn whoever_shares_the_load_is_due_together() {
    let supplies = [hourly(1_000), hourly(1_000)];
    let works = [work(500, &[0]), work(3_000, &[0, 1])];
    let plan = schedule(&works, &supplies);
    assert_eq!(plan.work_spans[0], plan.work_spans[1]);
    assert_eq!(plan.supply_spans[0], plan.supply_spans[1]);
}

#[test]
fn flows_give_way_around_corners() {
    // Each of three sees two of three: 900 must go round for all to fit.
    let edges = [vec![0, 1], vec![1, 2], vec![2, 0]];
    assert!(flow::unmet(&[900, 900, 900], &edges, &[900, 900, 900]).is_empty());
    assert!(flow::unmet(&[1_500, 900, 300], &edges, &[900, 900, 900]).is_empty());
    assert_eq!(
        flow::unmet(&[1_900, 300, 300], &edges, &[900, 900, 900]),
        [0]
    );
    assert_eq!(
        flow::unmet(&[100, 950], &[vec![0], vec![1]], &[900, 900]),
        [1]
    );
}

#[test]
fn what_nobody_feeds_is_never_due() {
    let plan = schedule(&[work(10, &[]), work(10, &[0])], &[hourly(100)]);
    assert_eq!(plan.work_spans[0], None);
    assert!(plan.work_spans[1].is_some());
}
