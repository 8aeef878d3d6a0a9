use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::samples::{Sample, sample, tenant};

fn act<'a>(action: &'static str, name: &'a str) -> Act<'a> {
    Act {
        action,
        subject: ("plan", Uuid::nil(), name),
        before: Some(json!({ "reserve": 10 })),
        after: Some(json!({ "reserve": 20 })),
    }
}

fn ada() -> Actor {
    Actor {
        person: None,
        name: "Ada".to_owned(),
        address: Some([192, 0, 2, 7].into()),
    }
}

async fn found(acme: &Sample, filter: AuditFilter) -> Vec<String> {
    let entries = acme.scoped.audit(&filter, None, 50).await.unwrap();
    entries
        .into_iter()
        .map(|entry| entry.subject_name)
        .collect()
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn an_entry_says_who_from_where_and_how_it_was(pool: PgPool) {
    let acme = sample(&pool).await;
    let scoped = acme.scoped.clone().acting(ada());
    scoped.record(act("plan.edit", "nightly")).await.unwrap();
    let filter = AuditFilter {
        action: Some("plan.edit".to_owned()),
        ..AuditFilter::default()
    };
    let entries = scoped.audit(&filter, None, 50).await.unwrap();
    let [entry] = &entries[..] else {
        panic!("{entries:?}")
    };
    assert_eq!(entry.person_name, "Ada");
    assert_eq!(entry.address.as_deref(), Some("192.0.2.7"));
    assert_eq!(entry.at, acme.now());
    assert_eq!(entry.before, Some(json!({ "reserve": 10 })));
    assert_eq!(entry.after, Some(json!({ "reserve": 20 })));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_change_that_is_rolled_back_leaves_no_entry(pool: PgPool) {
    let acme = sample(&pool).await;
    let mut tx = acme.scoped.begin().await.unwrap();
    acme.scoped
        .note(&mut tx, act("plan.edit", "nightly"))
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    let filter = AuditFilter {
        action: Some("plan.edit".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(found(&acme, filter).await, Vec::<String>::new());
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn nobody_changes_what_is_written(pool: PgPool) {
    let acme = sample(&pool).await;
    acme.scoped
        .record(act("plan.edit", "nightly"))
        .await
        .unwrap();
    for statement in [
        "UPDATE audit SET person_name = 'Eve'",
        "DELETE FROM audit",
        "TRUNCATE audit",
    ] {
        let mut tx = acme.scoped.begin().await.unwrap();
        let refused = sqlx::query(statement).execute(&mut *tx).await.unwrap_err();
        assert!(
            refused.to_string().contains("permission denied"),
            "{refused}"
        );
        // The owner of the table has every right on it, and is refused all the same.
        let refused = sqlx::query(statement).execute(&pool).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_tenant_reads_its_own_log_alone(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    acme.scoped.record(act("plan.edit", "ours")).await.unwrap();
    let theirs = found(&other, AuditFilter::default()).await;
    assert!(!theirs.contains(&"ours".to_owned()), "{theirs:?}");
    let mut tx = other.scoped.begin().await.unwrap();
    let seen: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audit WHERE subject_name IN ('ours', 'acme')")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    assert_eq!(seen, 0, "neither another tenant's nor the installation's");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn pages_follow_each_other_without_gap_or_repetition(pool: PgPool) {
    let acme = sample(&pool).await;
    for index in 0..7 {
        // Two entries of the same instant each.
        if index % 2 == 0 {
            acme.clock.advance(TimeDelta::seconds(1));
        }
        acme.scoped
            .record(act("plan.edit", &format!("plan-{index}")))
            .await
            .unwrap();
    }
    let filter = AuditFilter {
        action: Some("plan.edit".to_owned()),
        ..AuditFilter::default()
    };
    let all = acme.scoped.audit(&filter, None, 50).await.unwrap();
    assert_eq!(all.len(), 7);
    assert!(all.is_sorted_by_key(|entry| std::cmp::Reverse((entry.at, entry.id))));
    let mut pages = Vec::new();
    let mut place = None;
    loop {
        let page = acme.scoped.audit(&filter, place, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        place = Some(last.place());
        pages.extend(page);
    }
    assert_eq!(pages, all);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_search_finds_words_anywhere_and_a_filter_narrows(pool: PgPool) {
    let acme = sample(&pool).await;
    let by_ada = acme.scoped.clone().acting(ada());
    by_ada.record(act("plan.edit", "Nightly-1")).await.unwrap();
    acme.pass(10);
    acme.scoped
        .record(act("plan.remove", "weekly"))
        .await
        .unwrap();
    let search = |text: &str| AuditFilter {
        search: text.to_owned(),
        from: Some(acme.now() - TimeDelta::hours(1)),
        ..AuditFilter::default()
    };
    assert_eq!(found(&acme, search("NIGHTLY ada")).await, ["Nightly-1"]);
    assert_eq!(found(&acme, search("192.0.2")).await, ["Nightly-1"]);
    assert_eq!(found(&acme, search("plan.remove")).await, ["weekly"]);
    assert_eq!(found(&acme, search("100%_")).await, Vec::<String>::new());
    let narrowed = [
        AuditFilter {
            person_name: Some("Ada".to_owned()),
            ..AuditFilter::default()
        },
        AuditFilter {
            subject: Some(Uuid::nil()),
            until: Some(acme.now()),
            ..AuditFilter::default()
        },
    ];
    for filter in narrowed {
        assert_eq!(found(&acme, filter).await, ["Nightly-1"]);
    }
    let words = acme.scoped.audit_words().await.unwrap();
    assert_eq!(words.person_names, ["Ada", "Holdfast"]);
    assert!(words.actions.is_sorted());
    assert!(words.actions.contains(&"plan.remove".to_owned()));
}
