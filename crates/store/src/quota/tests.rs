use chrono::TimeDelta;
use domain::Subject;
use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, noon, sample};

fn ask(want: u32) -> Exchange {
    Exchange {
        key: BucketKey {
            host: "github.com".to_owned(),
            subject: Subject::User(1),
        },
        resource: Resource::core(),
        reading: None,
        spent: 0,
        want,
        reserve_percent: 10,
        backoff: None,
        returned: false,
    }
}

fn reading(remaining: u32, reset_at: DateTime<Utc>) -> Reading {
    Reading {
        limit: 100,
        remaining,
        reset_at,
    }
}

async fn granted(acme: &Sample, worker: WorkerId, row: Exchange) -> u32 {
    acme.fleet.exchange(worker, &[row]).await.unwrap()[0].granted
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn two_workers_share_what_is_left_and_a_dead_ones_share_comes_back(pool: PgPool) {
    let acme = sample(&pool).await;
    let (a, b) = (acme.worker().await, acme.worker().await);
    let first = Exchange {
        reading: Some(reading(100, noon() + TimeDelta::hours(1))),
        ..ask(60)
    };
    assert_eq!(granted(&acme, a, first).await, 60);
    assert_eq!(granted(&acme, b, ask(60)).await, 30);
    assert_eq!(granted(&acme, b, ask(60)).await, 0);
    acme.silence(a).await;
    assert_eq!(granted(&acme, b, ask(20)).await, 20);
    let refused = acme.fleet.exchange(a, &[ask(1)]).await.unwrap_err();
    assert!(matches!(refused, Error::LostWorker), "{refused:?}");
    acme.fleet.release_lost().await.unwrap();
    let back = Exchange {
        spent: 5,
        returned: true,
        reading: Some(reading(95, noon() + TimeDelta::hours(1))),
        ..ask(9)
    };
    assert_eq!(granted(&acme, b, back).await, 0);
    assert_eq!(granted(&acme, b, ask(999)).await, 85);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_back_off_is_known_to_all_until_it_ends(pool: PgPool) {
    let acme = sample(&pool).await;
    let (a, b) = (acme.worker().await, acme.worker().await);
    let until = noon() + TimeDelta::minutes(5);
    let row = Exchange {
        backoff: Some((until, "secondary limit".to_owned())),
        ..ask(0)
    };
    acme.fleet.exchange(a, &[row]).await.unwrap();
    let sooner = Exchange {
        backoff: Some((until - TimeDelta::minutes(1), "other".to_owned())),
        ..ask(0)
    };
    let told = acme.fleet.exchange(b, &[sooner]).await.unwrap();
    assert_eq!(told[0].backoff, Some((until, "secondary limit".to_owned())));
    assert_eq!(
        acme.fleet.load_buckets().await.unwrap()[0].backoff,
        told[0].backoff
    );
    acme.pass(5);
    assert_eq!(
        acme.fleet.exchange(b, &[ask(0)]).await.unwrap()[0].backoff,
        None
    );
}

/// A host that counts, and workers that spend what they were granted and learn from its answers.
struct Host {
    limit: u32,
    remaining: u32,
    reset_at: DateTime<Utc>,
    refused: u32,
}

impl Host {
    fn answer(&mut self, now: DateTime<Utc>) -> Reading {
        if now > self.reset_at {
            self.remaining = self.limit;
            self.reset_at = now + TimeDelta::minutes(60);
        }
        if self.remaining == 0 {
            self.refused += 1;
        }
        self.remaining = self.remaining.saturating_sub(1);
        reading(self.remaining, self.reset_at)
    }
}

#[derive(Default)]
struct Spender {
    share: u32,
    spent: u32,
    reading: Option<Reading>,
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn no_sequence_of_exchanges_grants_more_than_the_host_allows(pool: PgPool) {
    let acme = sample(&pool).await;
    for seed in 0..4 {
        sqlx::query("TRUNCATE buckets CASCADE")
            .execute(&pool)
            .await
            .unwrap();
        let mut random = fastrand::Rng::with_seed(seed);
        let mut host = Host {
            limit: 100,
            remaining: 100,
            reset_at: acme.now() + TimeDelta::minutes(60),
            refused: 0,
        };
        let mut spenders = Vec::new();
        for _ in 0..3 {
            let heard = reading(host.remaining, host.reset_at);
            spenders.push((
                acme.worker().await,
                Spender {
                    reading: Some(heard),
                    ..Spender::default()
                },
            ));
        }
        let mut windows = 0;
        for _ in 0..250 {
            let (worker, spender) = &mut spenders[random.usize(..3)];
            let now = acme.now();
            if spender.share > 0 && random.u8(..10) < 7 {
                let before = host.reset_at;
                for _ in 0..random.u32(1..=spender.share) {
                    spender.reading = Some(host.answer(now));
                    spender.share -= 1;
                    spender.spent += 1;
                    let reserve = host.limit / 10;
                    assert!(
                        host.remaining >= reserve,
                        "seed {seed}: the reserve was touched"
                    );
                }
                windows += u32::from(host.reset_at != before);
            } else {
                let returned = random.u8(..10) == 0;
                let row = Exchange {
                    reading: spender.reading,
                    spent: spender.spent,
                    returned,
                    ..ask(random.u32(..40))
                };
                let grants = acme.fleet.exchange(*worker, &[row]).await.unwrap();
                spender.spent = 0;
                spender.share = if returned {
                    0
                } else {
                    spender.share + grants[0].granted
                };
                spender.reading = grants[0].reading.or(spender.reading);
            }
            if random.u8(..20) == 0 {
                acme.pass(random.i64(5..40));
            }
        }
        assert_eq!(host.refused, 0, "seed {seed}");
        assert!(windows > 1, "seed {seed}: {windows} windows are no test");
    }
}
