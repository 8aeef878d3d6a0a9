use domain::{FetchId, Subject};
use forge::Spent;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_040 + seconds, 0).unwrap()
}

fn work() -> Work {
    Work {
        tenant: TenantId::new(),
        run: RunId::new(),
        fetch: Some(FetchId::new()),
    }
}

fn usage(credential: CredentialId, requests: u64, waits: u64) -> Usage {
    let spent = Spent {
        requests,
        ..Spent::default()
    };
    Usage {
        budgets: [((credential, Resource::core()), spent)].into(),
        waits,
        ..Usage::default()
    }
}

#[test]
fn the_spending_of_a_minute_is_one_row_however_often_it_is_reported() {
    let (history, work, alice) = (History::default(), work(), CredentialId::new());
    for seconds in [0, 1, 2, 59, 60] {
        history.note(&work, &usage(alice, 3, 0), &[alice], at(seconds));
    }
    let counts: Vec<u64> = history
        .take()
        .spent
        .values()
        .map(|sum| sum.requests)
        .collect();
    assert_eq!(counts, [12, 3]);
    assert!(history.take().spent.is_empty(), "it is taken once");
}

#[test]
fn a_wait_counts_for_every_credential_that_could_have_ended_it() {
    let (history, work) = (History::default(), work());
    let (alice, bob) = (CredentialId::new(), CredentialId::new());
    history.note(&work, &usage(alice, 0, 2), &[alice, bob], at(0));
    let waits: Vec<u64> = history.take().spent.values().map(|sum| sum.waits).collect();
    assert_eq!(waits, [2, 2]);
}

#[test]
fn what_could_not_be_written_is_added_to_what_came_since() {
    let (history, work, alice) = (History::default(), work(), CredentialId::new());
    history.note(&work, &usage(alice, 5, 0), &[alice], at(0));
    let spent = Event::Spent {
        bucket: domain::BucketKey {
            host: "git.test".to_owned(),
            subject: Subject::User(1),
        },
        resource: Resource::core(),
        reset_at: at(600),
    };
    history.befell(&spent, at(1));
    let failed = history.take();
    history.note(&work, &usage(alice, 2, 0), &[alice], at(3));
    history.put_back(failed);
    let now = history.take();
    assert_eq!(now.spent.values().map(|sum| sum.requests).sum::<u64>(), 7);
    assert_eq!(now.events.len(), 1);
}
