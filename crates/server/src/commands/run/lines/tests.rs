use chrono::{DateTime, Utc};
use domain::{PlanId, RunId};
use store::{RunView, Trigger};

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn seen(state: RunState, tally: Tally) -> Seen {
    let now = at("2026-01-01T12:00:00Z");
    Seen {
        run: RunView {
            id: RunId::new(),
            plan: PlanId::new(),
            plan_name: "nightly".parse().unwrap(),
            organization_name: "acme".parse().unwrap(),
            trigger: Trigger::Person,
            requested_by: None,
            retry_of: None,
            state,
            cause: None,
            cancelling: false,
            tally,
            requested_at: now,
            started_at: Some(now),
            listed_at: Some(now),
            ended_at: None,
            throttled_until: None,
            throttled_s: 0.0,
            bytes_added: 0,
            credentials: Vec::new(),
            active: Vec::new(),
        },
        quotas: Vec::new(),
        worker_alive: true,
        now,
    }
}

#[test]
fn a_run_that_waits_says_until_when() {
    let tally = Tally {
        complete: 3,
        throttled: 2,
        ..Tally::default()
    };
    let mut seen = seen(RunState::Throttled, tally);
    seen.run.throttled_until = Some(at("2026-01-01T13:30:00Z"));
    assert_eq!(
        line(&seen),
        "throttled until 13:30:00 UTC: 3 of 5, 2 throttled"
    );
}

#[test]
fn what_is_not_whole_is_counted_apart() {
    let tally = Tally {
        complete: 1,
        complete_with_omissions: 1,
        failed: 1,
        ..Tally::default()
    };
    assert_eq!(
        line(&seen(RunState::Failed, tally)),
        "failed: 3 of 3, 1 with omissions, 1 failed"
    );
}

#[test]
fn a_run_that_nobody_works_on_says_so() {
    let mut seen = seen(RunState::Running, Tally::default());
    seen.worker_alive = false;
    assert!(line(&seen).contains("no worker is alive"));
    seen.worker_alive = true;
    seen.run.listed_at = None;
    assert_eq!(line(&seen), "listing repositories");
}
