use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::bucket::Subject;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{Error, Scope};
use budget::{Demand, Outcome, Settlement};

const REPOSITORY: i64 = 7;

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

struct Setting {
    clock: Clock,
    pool: Pool,
    ids: Vec<CredentialId>,
}

/// A pool of credentials, one bucket each, that have so much left of a hundred until so many seconds from now.
fn setting(buckets: &[(u32, i64)]) -> Setting {
    let clock = Clock::manual(start());
    let pool = Pool::new(clock.clone(), Sharing::Alone);
    let add = |(index, (remaining, seconds)): (usize, &(u32, i64))| {
        let id = CredentialId::new();
        let bucket = BucketKey {
            host: "git.test".to_owned(),
            subject: Subject::User(i64::try_from(index).unwrap()),
        };
        let reading = Reading {
            limit: 100,
            remaining: *remaining,
            reset_at: start() + TimeDelta::seconds(*seconds),
        };
        pool.insert(Member {
            id,
            name: format!("c{index}"),
            bucket: bucket.clone(),
            token: Secret::new(format!("token-{index}")),
            reserve_percent: 0,
            health: Health::Healthy,
            renewable: false,
        });
        pool.learn(&bucket, &[(Resource::core(), reading)], false);
        id
    };
    let ids = buckets.iter().enumerate().map(add).collect();
    Setting { clock, pool, ids }
}

impl Setting {
    fn kill(&self, index: usize, token: &str) {
        let token = Secret::new(token);
        self.pool.kill(self.ids[index], &token, "Bad credentials");
    }

    fn session(&self, patience: Duration) -> Session {
        let scope = Scope {
            credentials: self.ids.clone(),
            repository: Some(REPOSITORY),
            patience,
            cancel: CancellationToken::new(),
        };
        Session::new("git.test".to_owned(), scope)
    }

    async fn lease(&self, session: &Session) -> Result<Lease, Error> {
        self.pool
            .lease(session, &Demand::rest("issues"), &BTreeSet::new())
            .await
    }

    /// The index of the credential that is leased, settled at once.
    async fn spend(&self, session: &Session) -> Result<usize, Error> {
        let lease = self.lease(session).await?;
        let index = self
            .ids
            .iter()
            .position(|id| *id == lease.credential)
            .unwrap();
        lease.settle(served());
        Ok(index)
    }
}

fn served() -> Settlement {
    Settlement {
        cost: None,
        reading: None,
        outcome: Outcome::Served,
    }
}

#[tokio::test]
async fn the_most_remaining_goes_first_and_the_choice_says_why() {
    let setting = setting(&[(10, 600), (60, 600), (40, 600)]);
    let session = setting.session(Duration::ZERO);
    assert_eq!(setting.spend(&session).await, Ok(1));
    let choices = session.take_usage().choices;
    assert_eq!(choices.len(), 1);
    assert_eq!(choices[0].credential, setting.ids[1]);
    assert_eq!(choices[0].remaining, 60);
    assert_eq!(choices[0].why, "c1 has the most left: 60.");
    let losers: Vec<_> = choices[0]
        .runners_up
        .iter()
        .map(|(_, left, why)| (*left, why.as_str()))
        .collect();
    assert_eq!(
        losers,
        [(Some(10), "has less left"), (Some(40), "has less left")]
    );
}

#[tokio::test]
async fn quota_about_to_expire_goes_first_and_the_choice_says_so() {
    let setting = setting(&[(90, 3_600), (50, 60)]);
    let session = setting.session(Duration::ZERO);
    assert_eq!(setting.spend(&session).await, Ok(1));
    let choices = session.take_usage().choices;
    assert_eq!(
        choices[0].why,
        "c1 has 50 left that would expire unused before the others' windows end."
    );
    assert_eq!(
        choices[0].runners_up[0].2,
        "its window ends later, so that less of it would expire unused"
    );
}

#[tokio::test]
async fn a_session_stays_where_it_is_while_the_difference_is_small() {
    let setting = setting(&[(100, 600), (100, 600)]);
    let session = setting.session(Duration::ZERO);
    let mut order = Vec::new();
    for _ in 0..100 {
        order.push(setting.spend(&session).await.unwrap());
        setting.clock.advance(TimeDelta::milliseconds(70));
    }
    let switches = order.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(
        (4..40).contains(&switches),
        "{switches} switches in {order:?}"
    );
    assert_eq!(session.take_usage().choices.len(), switches + 1);
}

#[tokio::test]
async fn every_point_of_every_bucket_is_spent_and_none_twice() {
    let setting = setting(&[(30, 600), (7, 900), (12, 60)]);
    let session = setting.session(Duration::ZERO);
    let mut spent = [0; 3];
    loop {
        match setting.spend(&session).await {
            Ok(index) => {
                spent[index] += 1;
                setting.clock.advance(TimeDelta::milliseconds(70));
            }
            Err(error) => {
                assert_eq!(
                    error,
                    Error::Throttled {
                        until: start() + TimeDelta::seconds(61)
                    }
                );
                break;
            }
        }
    }
    assert_eq!(spent, [30, 7, 12]);
}

#[tokio::test]
async fn a_patient_request_waits_for_the_window_and_says_so() {
    let setting = setting(&[(0, 60)]);
    let session = setting.session(Duration::from_mins(2));
    let clock = setting.clock.clone();
    let waiting = setting.spend(&session);
    let later = async {
        tokio::task::yield_now().await;
        clock.advance(TimeDelta::seconds(61));
    };
    let (index, ()) = tokio::join!(waiting, later);
    assert_eq!(index, Ok(0));
    let usage = session.take_usage();
    assert_eq!(
        usage.throttled,
        [(start(), start() + TimeDelta::seconds(61))]
    );
    assert_eq!(usage.waits, 1, "however often it looked");
}

#[tokio::test]
async fn only_fit_credentials_that_see_the_repository_go() {
    let setting = setting(&[(90, 600), (80, 600), (70, 600), (60, 600)]);
    let session = setting.session(Duration::ZERO);
    setting.pool.learn_access(setting.ids[0], REPOSITORY, false);
    setting.pool.set_health(setting.ids[1], Health::Paused);
    setting.kill(2, "token-2");
    assert_eq!(setting.spend(&session).await, Ok(3));
    setting.pool.remove(setting.ids[3]);
    let Err(Error::NoCredential { detail }) = setting.spend(&session).await else {
        panic!("nobody is left");
    };
    assert!(
        detail.contains(
            "c0: does not see the repository; c1: paused; c2: refused by its host: Bad credentials"
        ),
        "{detail}"
    );
}

#[tokio::test]
async fn a_token_never_goes_to_another_host() {
    let setting = setting(&[(90, 600)]);
    let mut session = setting.session(Duration::ZERO);
    session.host = "evil.test".to_owned();
    assert!(matches!(
        setting.spend(&session).await,
        Err(Error::NoCredential { .. })
    ));
}

#[tokio::test]
async fn a_dead_credential_is_announced_once() {
    let setting = setting(&[(90, 600)]);
    let mut events = setting.pool.events();
    setting.kill(0, "a token that was replaced meanwhile");
    assert!(events.try_recv().is_err());
    setting.kill(0, "token-0");
    setting.kill(0, "token-0");
    let died = Event::Died {
        credential: setting.ids[0],
        reason: "Bad credentials".to_owned(),
    };
    assert_eq!(events.try_recv(), Ok(died));
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn a_dropped_lease_counts_as_spent() {
    let setting = setting(&[(2, 600)]);
    let session = setting.session(Duration::ZERO);
    drop(setting.lease(&session).await.unwrap());
    assert!(setting.spend(&session).await.is_ok());
    assert!(matches!(
        setting.spend(&session).await,
        Err(Error::Throttled { .. })
    ));
}

#[tokio::test]
async fn two_tokens_of_one_user_are_one_bucket() {
    let setting = setting(&[(2, 600)]);
    let second = CredentialId::new();
    let first = setting.pool.members().remove(0);
    setting.pool.insert(Member {
        id: second,
        name: "second".to_owned(),
        bucket: first.bucket,
        token: Secret::new("other"),
        reserve_percent: 0,
        health: Health::Healthy,
        renewable: false,
    });
    let mut session = setting.session(Duration::ZERO);
    session.scope.credentials.push(second);
    assert!(setting.spend(&session).await.is_ok());
    assert!(setting.spend(&session).await.is_ok());
    assert!(matches!(
        setting.spend(&session).await,
        Err(Error::Throttled { .. })
    ));
}

#[tokio::test]
async fn knowledge_survives_a_restart() {
    let before = setting(&[(0, 600), (5, 600)]);
    let stored = before.pool.buckets();
    let after = setting(&[]);
    after.pool.restore(stored.clone());
    assert_eq!(after.pool.buckets(), stored);
}

#[tokio::test]
async fn git_is_spread_over_those_that_see() {
    let setting = setting(&[(0, 600), (0, 600), (0, 600)]);
    let session = setting.session(Duration::ZERO);
    setting.pool.learn_access(setting.ids[1], REPOSITORY, false);
    let picks: Vec<_> = (0..4)
        .map(|_| setting.pool.pick_for_git(&session).unwrap().0)
        .collect();
    assert_eq!(picks.iter().filter(|id| **id == setting.ids[0]).count(), 2);
    assert_eq!(picks.iter().filter(|id| **id == setting.ids[2]).count(), 2);
    session.refuse_git(setting.ids[0]);
    session.refuse_git(setting.ids[2]);
    let error = setting.pool.pick_for_git(&session).unwrap_err().to_string();
    assert!(
        error.contains("c0: refused by the host's git; c1: does not see the repository"),
        "{error}"
    );
}

#[test]
fn no_debug_text_holds_a_token() {
    let setting = setting(&[(1, 600)]);
    let text = format!("{:?} {:?}", setting.pool, setting.pool.members());
    assert!(!text.contains("token-0"), "{text}");
}
