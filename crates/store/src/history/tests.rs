use domain::Subject;
use sqlx::PgPool;

use super::*;
use crate::Trigger;
use crate::samples::{Sample, credential, noon, sample, tenant};
use domain::exchange::Exchange;
use domain::{Reading, Role};

fn key(user: i64) -> BucketKey {
    BucketKey {
        host: "github.com".to_owned(),
        subject: Subject::User(user),
    }
}

async fn main_of(sample: &Sample) -> CredentialId {
    let all = sample.scoped.credentials(sample.organization).await;
    all.unwrap()[0].id
}

async fn run(sample: &Sample) -> RunId {
    let run = sample.scoped.request_run(sample.plan, Trigger::Person);
    run.await.unwrap()
}

fn spent(sample: &Sample, run: RunId, credential: CredentialId, requests: u64) -> SpendingRow {
    SpendingRow {
        tenant: sample.scoped.tenant_id(),
        run,
        credential,
        key: key(1),
        resource: Resource::core(),
        at: sample.now(),
        requests,
        refused: 0,
        waits: 0,
    }
}

async fn past(sample: &Sample, span: Span) -> Vec<PastPoint> {
    let credential = main_of(sample).await;
    let core = Resource::core();
    let past = sample.scoped.bucket_past(credential, &core, span).await;
    past.unwrap().unwrap().points
}

async fn read(sample: &Sample, remaining: u32, minutes: i64) {
    let worker = sample.worker().await;
    let row = Exchange {
        key: key(1),
        resource: Resource::core(),
        reading: Some(Reading {
            limit: 5_000,
            remaining,
            reset_at: sample.now() + TimeDelta::minutes(minutes),
        }),
        spent: 0,
        want: 0,
        reserve_percent: 10,
        backoff: None,
        returned: false,
    };
    sample.fleet.exchange(worker, &[row]).await.unwrap();
    sample.fleet.note_standings().await.unwrap();
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn two_tenants_on_one_bucket_see_each_other_as_neighbours_alone(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    let (ours, theirs) = (run(&acme).await, run(&other).await);
    let rows = [
        spent(&acme, ours, main_of(&acme).await, 30),
        spent(&other, theirs, main_of(&other).await, 12),
        spent(&acme, ours, main_of(&acme).await, 1),
    ];
    acme.fleet.add_history(&rows[..2], &[]).await.unwrap();
    acme.fleet.add_history(&rows[2..], &[]).await.unwrap();
    for (tenant, own, neighbours) in [(&acme, 31, 12), (&other, 12, 31)] {
        let points = past(tenant, Span::Day).await;
        assert_eq!(points.len(), 1);
        assert_eq!((points[0].own, points[0].neighbours), (own, neighbours));
    }
    let nobodys = other
        .scoped
        .bucket_past(main_of(&acme).await, &Resource::core(), Span::Day)
        .await
        .unwrap();
    assert_eq!(nobodys, None, "another tenant's credential is none");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_minute_ends_with_what_was_left_then(pool: PgPool) {
    let acme = sample(&pool).await;
    read(&acme, 4_000, 30).await;
    acme.clock.advance(TimeDelta::seconds(20));
    read(&acme, 3_900, 30).await;
    acme.pass(1);
    acme.fleet.note_standings().await.unwrap();
    let left: Vec<_> = past(&acme, Span::Day)
        .await
        .iter()
        .map(|point| (point.at, point.left))
        .collect();
    assert_eq!(
        left,
        [
            (noon(), Some((3_900, 5_000))),
            (noon() + TimeDelta::minutes(1), Some((3_900, 5_000)))
        ]
    );
    acme.pass(60);
    acme.fleet.note_standings().await.unwrap();
    assert_eq!(past(&acme, Span::Day).await.len(), 2, "no window runs");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn hours_sum_up_minutes_and_what_is_old_goes(pool: PgPool) {
    let acme = sample(&pool).await;
    let (run, main) = (run(&acme).await, main_of(&acme).await);
    read(&acme, 4_000, 50).await;
    for requests in [5, 7] {
        let rows = [spent(&acme, run, main, requests)];
        acme.fleet.add_history(&rows, &[]).await.unwrap();
        acme.pass(10);
    }
    for _ in 0..2 {
        acme.fleet.tend_history().await.unwrap();
    }
    let hours = past(&acme, Span::Quarter).await;
    assert_eq!(hours.len(), 1, "summing up twice is summing up once");
    assert_eq!((hours[0].at, hours[0].own), (noon(), 12));
    assert_eq!(hours[0].left, Some((4_000, 5_000)));

    acme.clock.advance(TimeDelta::hours(26));
    acme.fleet.tend_history().await.unwrap();
    assert_eq!(past(&acme, Span::Quarter).await, hours);
    for table in ["bucket_minutes", "spendings"] {
        let left: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
                .fetch_one(&acme.db.pool)
                .await
                .unwrap();
        assert_eq!(left, 0, "{table}");
    }
    acme.clock.advance(TimeDelta::days(90));
    acme.fleet.tend_history().await.unwrap();
    assert_eq!(past(&acme, Span::Quarter).await, []);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_somebody_else_took_counts_in_the_hour_in_which_they_took_it(pool: PgPool) {
    let acme = sample(&pool).await;
    let put = async |minutes: i64, others: i64, reset_minutes: i64| {
        sqlx::query(
            "INSERT INTO bucket_minutes (key, resource, minute, request_limit, remaining, reset_at, others_spent)
             VALUES ($1, 'core', $2, 5000, 100, $3, $4)",
        )
        .bind(key(1).to_string())
        .bind(noon() + TimeDelta::minutes(minutes))
        .bind(noon() + TimeDelta::minutes(reset_minutes))
        .bind(others)
        .execute(&acme.db.pool)
        .await
        .unwrap();
    };
    put(-10, 40, 30).await;
    put(5, 70, 30).await;
    put(10, 75, 30).await;
    put(40, 9, 95).await;
    acme.pass(45);
    acme.fleet.tend_history().await.unwrap();
    let hours = past(&acme, Span::Quarter).await;
    let others: Vec<u64> = hours.iter().map(|hour| hour.others).collect();
    assert_eq!(others, [40, 44], "30 and 5 of one window, 9 of the next");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_end_of_one_window_is_one_event_however_many_workers_see_it(pool: PgPool) {
    let acme = sample(&pool).await;
    acme.scoped
        .add_credential(
            &acme.sealer,
            acme.organization,
            credential("bot", Role::Additional, 2),
        )
        .await
        .unwrap();
    let event = BucketEvent {
        key: key(2),
        resource: Some(Resource::core()),
        at: noon(),
        kind: BucketEventKind::Spent {
            until: noon() + TimeDelta::minutes(9),
        },
    };
    for _ in 0..2 {
        let events = std::slice::from_ref(&event);
        acme.fleet.add_history(&[], events).await.unwrap();
    }
    let picture = acme.scoped.throttling(None, 10).await.unwrap();
    assert_eq!(picture.events, [crate::ThrottleEvent::Bucket(event)]);
    assert_eq!(picture.events_of_hour, 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn of_the_choices_of_a_run_the_newest_stay(pool: PgPool) {
    let acme = sample(&pool).await;
    let (run, main) = (run(&acme).await, main_of(&acme).await);
    let work = crate::Work {
        tenant: acme.scoped.tenant_id(),
        run,
        fetch: None,
    };
    let choice = |number: i64| crate::ChoiceRow {
        at: noon() + TimeDelta::seconds(number),
        credential: main,
        resource: Resource::core(),
        remaining: 4_812,
        limit: Some(5_000),
        reset_at: Some(noon() + TimeDelta::hours(1)),
        runners_up: serde_json::json!([
            [CredentialId::new(), null, "does not see it"],
            [main, 7, "has less left"]
        ]),
        why: "main has the most left: 4812.".to_owned(),
        left: None,
    };
    let choices: Vec<_> = (0..230).map(choice).collect();
    acme.fleet.add_choices(work, &choices).await.unwrap();
    acme.fleet.tend_history().await.unwrap();
    let kept = acme.scoped.choices_of(run, 1_000).await.unwrap();
    assert_eq!(kept.len(), 200);
    assert_eq!(kept[0].at, noon() + TimeDelta::seconds(229));
    assert_eq!((kept[0].remaining, kept[0].limit), (4_812, Some(5_000)));
    let runners: Vec<_> = kept[0]
        .runners_up
        .iter()
        .map(|one| (one.credential.as_str(), one.remaining))
        .collect();
    assert_eq!(runners, [("main", Some(7)), ("a removed credential", None)]);
}
