use backup::Error as BackupError;
use chrono::TimeDelta;
use forge::Error as ForgeError;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn judge(error: &Error, stop: Option<Stop>, failures: u32) -> Settlement {
    Attempt {
        error,
        stop,
        repository: "acme/tool",
        storage: "disk",
        failures,
        jitter: 0.0,
    }
    .judge(now())
}

fn forge(error: ForgeError) -> Error {
    Error::Backup(BackupError::Forge(error))
}

fn transient() -> Error {
    forge(ForgeError::Transient {
        detail: "The host answered 502.".to_owned(),
    })
}

#[test]
fn waiting_for_quota_is_parked_however_often_it_happens() {
    let until = now() + TimeDelta::minutes(40);
    let throttled = forge(ForgeError::Throttled { until });
    let Settlement::Throttled { until: at, cause } = judge(&throttled, None, 99) else {
        panic!("not throttled");
    };
    assert_eq!(at, until);
    assert_eq!(
        cause,
        "Throttled until 12:40 UTC on 2026-03-10: every credential of the plan is spent."
    );
}

#[test]
fn a_passing_failure_is_tried_three_times() {
    for attempts in 1..backoff::ATTEMPTS {
        assert!(matches!(
            judge(&transient(), None, attempts),
            Settlement::Retry { at, .. } if at > now()
        ));
    }
    let Settlement::Failed { cause } = judge(&transient(), None, backoff::ATTEMPTS) else {
        panic!("not failed");
    };
    assert!(
        cause.contains("502") && cause.contains("3 attempts"),
        "{cause}"
    );
}

#[test]
fn a_vanished_repository_keeps_its_snapshots_and_says_so() {
    let missing = forge(ForgeError::Missing {
        detail: "The host answered 404.".to_owned(),
    });
    let Settlement::Failed { cause } = judge(&missing, None, 1) else {
        panic!("not failed");
    };
    assert!(
        cause.contains("acme/tool") && cause.contains("snapshots are kept"),
        "{cause}"
    );
}

#[test]
fn a_full_storage_says_what_to_do() {
    let full = Error::from(BackupError::Storage {
        detail: "There is no space left.".to_owned(),
        full: true,
        unreachable: false,
    });
    let Settlement::Failed { cause } = judge(&full, None, 1) else {
        panic!("not failed");
    };
    assert!(
        cause.contains("Make room in the storage \"disk\""),
        "{cause}"
    );
}

#[test]
fn the_reason_of_a_stop_decides() {
    assert_eq!(
        judge(
            &Error::Backup(BackupError::Cancelled),
            Some(Stop::Cancelled),
            1
        ),
        Settlement::Cancelled
    );
    assert_eq!(
        judge(&transient(), Some(Stop::Fenced), 1),
        Settlement::Released
    );
    assert!(matches!(
        judge(
            &Error::Backup(BackupError::Cancelled),
            Some(Stop::Window),
            1
        ),
        Settlement::Parked { .. }
    ));
    assert_eq!(
        judge(&Error::Backup(BackupError::Cancelled), Some(Stop::Drain), 7),
        Settlement::Released
    );
}
