//! Lists of runs.

use chrono::TimeDelta;
use sqlx::PgPool;

use super::super::*;
use crate::samples::{name, noon, sample, stored, tenant};
use crate::{Settlement, UsageRow};

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_list_is_paged_and_filtered(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let mut runs = Vec::new();
    for number in 0..5 {
        let run = acme.listed_run(worker, 1).await;
        let claim = acme.claim(worker).await.unwrap();
        let settlement = if number == 2 {
            let cause = "No.".to_owned();
            Settlement::Failed { cause }
        } else {
            stored('a')
        };
        acme.fleet.settle_fetch(&claim, settlement).await.unwrap();
        runs.insert(0, run);
        acme.pass(1);
    }
    let all = RunFilter::default();
    let mut seen = Vec::new();
    let mut place = None;
    loop {
        let page = acme.scoped.run_page(&all, place, 2).await.unwrap();
        assert!(page.runs.len() <= 2);
        seen.extend(page.runs.iter().map(|run| run.id));
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    assert_eq!(seen, runs);

    let failed = RunFilter {
        group: Some(RunGroup::Failed),
        plan: Some(acme.plan),
    };
    let page = acme.scoped.run_page(&failed, None, 50).await.unwrap();
    assert_eq!(page.runs.len(), 1);
    assert_eq!(page.runs[0].tally.failed, 1);
    let counts = acme.scoped.count_runs(&RunGroup::ALL, 3).await.unwrap();
    assert_eq!(counts[&RunGroup::Failed], 1);
    assert_eq!(counts[&RunGroup::Complete], 3, "counted up to three");
    assert_eq!(counts[&RunGroup::Open], 0);
    let other = tenant(&acme.db, "other").await;
    assert_eq!(
        other.scoped.run_page(&all, None, 50).await.unwrap().runs,
        []
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_a_run_came_to_is_kept_and_equals_what_is_counted(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 2).await;
    let main = acme.scoped.credentials(acme.organization).await.unwrap()[0].id;
    for _ in 0..2 {
        let claim = acme.claim(worker).await.unwrap();
        let spent = UsageRow {
            credential: main,
            requests: 4,
            refused: 0,
            not_modified: 1,
            points: 3,
            core: 0,
        };
        acme.fleet.add_usage(&claim, &[spent]).await.unwrap();
        let until = noon() + TimeDelta::minutes(5);
        acme.fleet
            .add_throttle(&claim, noon(), until)
            .await
            .unwrap();
        acme.pass(10);
        acme.fleet.settle_fetch(&claim, stored('a')).await.unwrap();
    }
    let row = || async {
        let page = acme
            .scoped
            .run_page(&RunFilter::default(), None, 1)
            .await
            .unwrap();
        page.runs[0].clone()
    };
    let kept = row().await;
    assert_eq!((kept.id, kept.requests, kept.tally.complete), (run, 8, 2));
    assert!((kept.throttled_s - 300.0).abs() < 1e-6);
    let view = acme.scoped.run(run).await.unwrap().unwrap();
    assert_eq!(view.credentials[0].name, name("main"));
    // As in an installation that ran an older version.
    sqlx::query("UPDATE runs SET summary = NULL")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(row().await, kept);
    assert_eq!(acme.scoped.run(run).await.unwrap().unwrap(), view);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_run_that_only_waits_is_found_among_the_throttled(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 2).await;
    let throttled = RunFilter {
        group: Some(RunGroup::Throttled),
        plan: None,
    };
    for expected in [0, 1] {
        let claim = acme.claim(worker).await.unwrap();
        let until = noon() + TimeDelta::minutes(30);
        let cause = "Throttled until 12:30 UTC.".to_owned();
        acme.fleet
            .settle_fetch(&claim, Settlement::Throttled { until, cause })
            .await
            .unwrap();
        let page = acme.scoped.run_page(&throttled, None, 9).await.unwrap();
        assert_eq!(page.runs.len(), expected, "the other one is queued still");
    }
    let picture = acme.scoped.run_picture(run, 10, 10).await.unwrap().unwrap();
    assert_eq!(picture.waits.len(), 1, "overlapping waits are one");
    let said = picture
        .log
        .iter()
        .filter(|line| line.sentence.starts_with("Throttled"));
    assert_eq!(said.count(), 1, "and are said once");
    assert_eq!(picture.unfinished, 0);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn pages_of_a_long_history_use_an_index(pool: PgPool) {
    let acme = sample(&pool).await;
    sqlx::query(
        "
        INSERT INTO runs (tenant_id, id, plan_id, trigger, state, requested_at, ended_at, summary)
        SELECT $1, gen_random_uuid(), $2, 'person', 'complete', now(), now(), NULL
        FROM generate_series(1, 20000)
        ",
    )
    .bind(acme.scoped.tenant_id().0)
    .bind(acme.plan.0)
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query("ANALYZE runs").execute(&pool).await.unwrap();
    for (what, condition) in [
        ("all", "TRUE"),
        ("a state", "state = 'failed'"),
        ("a plan", "plan_id = '00000000-0000-0000-0000-000000000000'"),
        ("open ones", "ended_at IS NULL"),
    ] {
        let explain = format!(
            "EXPLAIN SELECT id FROM runs WHERE tenant_id = '{}' AND {condition} \
             ORDER BY requested_at DESC, id DESC LIMIT 51",
            acme.scoped.tenant_id()
        );
        let plan: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(explain))
            .fetch_all(&pool)
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{what}:\n{plan}");
    }
}
