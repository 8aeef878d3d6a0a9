use domain::Role;
use sqlx::PgPool;

use super::*;
use crate::samples::{credential, name, noon, sample, stored, tenant};
use crate::{Actor, AuditFilter, SnapshotFilter};

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_plan_comes_back_as_it_was_given(pool: PgPool) {
    let acme = sample(&pool).await;
    let new = NewPlan {
        selection: Selection::Chosen(vec!["octo/one".parse().unwrap()]),
        schedule: Some(acme.schedule("30 2 * * *", Some(90))),
        retention: Retention::parse("last=3,monthly=12").unwrap(),
        ..acme.new_plan("chosen")
    };
    let id = acme.scoped.add_plan(new.clone()).await.unwrap();
    let plan = acme.scoped.plan_by_name("chosen").await.unwrap().unwrap();
    assert_eq!(plan.id, id);
    assert_eq!(plan.selection, new.selection);
    assert_eq!(plan.schedule, new.schedule);
    assert_eq!(plan.retention, new.retention);
    assert_eq!(
        plan.next_due_at,
        Some("2026-03-03T02:30:00Z".parse().unwrap())
    );
    assert_eq!(plan.created_at, noon());

    let taken = acme.scoped.add_plan(new).await.unwrap_err();
    assert!(
        matches!(taken, Error::NameTaken { what: "a plan", .. }),
        "{taken:?}"
    );
    let change = PlanChange {
        name: Some(name("renamed")),
        schedule: Some(None),
        ..PlanChange::default()
    };
    acme.scoped.edit_plan(id, change).await.unwrap();
    let plan = acme.scoped.plan(id).await.unwrap().unwrap();
    assert_eq!(
        (plan.name, plan.schedule, plan.next_due_at),
        (name("renamed"), None, None)
    );
    assert_eq!(
        plan.retention,
        Retention::parse("last=3,monthly=12").unwrap()
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_pool_is_the_main_credential_and_what_is_switched_on(pool: PgPool) {
    let acme = sample(&pool).await;
    let add = |text, user| {
        acme.scoped.add_credential(
            &acme.sealer,
            acme.organization,
            credential(text, Role::Additional, user),
        )
    };
    let (a, _b) = (add("a", 2).await.unwrap(), add("b", 3).await.unwrap());
    let main = acme.scoped.credentials(acme.organization).await.unwrap()[0].id;
    let switch = |on| PlanChange {
        additional_credentials: Some(on),
        use_credentials: Some(vec![a, a]),
        ..PlanChange::default()
    };
    assert_eq!(acme.scoped.pool_of(acme.plan).await.unwrap(), [main]);
    acme.scoped
        .edit_plan(acme.plan, switch(true))
        .await
        .unwrap();
    assert_eq!(acme.scoped.pool_of(acme.plan).await.unwrap(), [main, a]);
    acme.scoped
        .edit_plan(acme.plan, switch(false))
        .await
        .unwrap();
    assert_eq!(acme.scoped.pool_of(acme.plan).await.unwrap(), [main]);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_plan_takes_nothing_from_another_tenant(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    let theirs = other
        .scoped
        .add_credential(
            &other.sealer,
            other.organization,
            credential("x", Role::Additional, 2),
        )
        .await
        .unwrap();
    let main = acme.scoped.credentials(acme.organization).await.unwrap()[0].id;
    for id in [theirs, main] {
        let new = NewPlan {
            use_credentials: vec![id],
            ..acme.new_plan("p")
        };
        let refused = acme.scoped.add_plan(new).await.unwrap_err();
        assert!(matches!(refused, Error::Missing { .. }), "{refused:?}");
    }
    for (organization, storage, what) in [
        (other.organization, acme.storage, "organization"),
        (acme.organization, other.storage, "storage"),
    ] {
        let new = NewPlan {
            organization,
            storage,
            ..acme.new_plan("p")
        };
        let refused = acme.scoped.add_plan(new).await.unwrap_err();
        assert!(
            matches!(refused, Error::Missing { what: named } if named == what),
            "{refused:?}"
        );
    }
    assert_eq!(acme.scoped.plans().await.unwrap().len(), 1);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_second_of_two_editors_is_told_who_was_first(pool: PgPool) {
    let acme = sample(&pool).await;
    let ann = Actor {
        person: None,
        name: "Ann".to_owned(),
        address: None,
    };
    let seen = acme.scoped.plan(acme.plan).await.unwrap().unwrap().version;
    let rest = |paused| PlanChange {
        paused: Some(paused),
        version: Some(seen),
        ..PlanChange::default()
    };
    let by_ann = acme.scoped.clone().acting(ann);
    by_ann.edit_plan(acme.plan, rest(true)).await.unwrap();
    acme.pass(2);
    let refused = acme.scoped.edit_plan(acme.plan, rest(false)).await;
    match refused {
        Err(Error::Changed { what, by, at }) => {
            assert_eq!((what, by.as_str(), at), ("plan", "Ann", noon()));
        }
        other => panic!("{other:?}"),
    }
    let plan = acme.scoped.plan(acme.plan).await.unwrap().unwrap();
    assert_eq!(plan.paused_at, Some(noon()));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_change_that_changes_nothing_leaves_no_trace(pool: PgPool) {
    let acme = sample(&pool).await;
    let before = acme.scoped.plan(acme.plan).await.unwrap();
    let change = PlanChange {
        name: Some(name("nightly")),
        content: Some(Content::default()),
        use_credentials: Some(Vec::new()),
        ..PlanChange::default()
    };
    acme.scoped.edit_plan(acme.plan, change).await.unwrap();
    assert_eq!(acme.scoped.plan(acme.plan).await.unwrap(), before);
    let log = acme.scoped.audit(&AuditFilter::default(), None, 10).await;
    let actions: Vec<_> = log.unwrap().into_iter().map(|one| one.action).collect();
    assert!(!actions.contains(&"plan.edit".to_owned()), "{actions:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_change_is_noted_with_before_and_after(pool: PgPool) {
    let acme = sample(&pool).await;
    let change = PlanChange {
        content: Some(Content::without([domain::Part::Wiki])),
        ..PlanChange::default()
    };
    acme.scoped.edit_plan(acme.plan, change).await.unwrap();
    let log = acme.scoped.audit(&AuditFilter::default(), None, 1).await;
    let entry = log.unwrap().remove(0);
    assert_eq!(entry.action, "plan.edit");
    let content = |state: Option<serde_json::Value>| state.unwrap()["content"].clone();
    assert_eq!(content(entry.before), serde_json::json!({}));
    assert_eq!(
        content(entry.after),
        serde_json::json!({ "without": ["wiki"] })
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_paused_plan_is_not_due_and_resumes_at_its_next_time(pool: PgPool) {
    let acme = sample(&pool).await;
    let new = NewPlan {
        schedule: Some(acme.schedule("0 13 * * *", None)),
        paused: true,
        ..acme.new_plan("resting")
    };
    let id = acme.scoped.add_plan(new).await.unwrap();
    acme.pass(24 * 60);
    assert_eq!(acme.fleet.fire_due_schedules(acme.now()).await.unwrap(), []);
    acme.scoped
        .request_run(id, crate::Trigger::Person)
        .await
        .unwrap();
    let change = PlanChange {
        paused: Some(false),
        ..PlanChange::default()
    };
    acme.scoped.edit_plan(id, change).await.unwrap();
    let plan = acme.scoped.plan(id).await.unwrap().unwrap();
    assert_eq!(
        plan.next_due_at,
        Some("2026-03-03T13:00:00Z".parse().unwrap())
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_removed_plan_runs_no_more_and_its_snapshots_stay(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    acme.listed_run(worker, 1).await;
    let claim = acme.claim(worker).await.unwrap();
    acme.fleet.settle_fetch(&claim, stored('a')).await.unwrap();
    let open = acme
        .scoped
        .request_run(acme.plan, crate::Trigger::Person)
        .await
        .unwrap();

    acme.scoped.remove_plan(acme.plan).await.unwrap();
    assert_eq!(acme.scoped.plan(acme.plan).await.unwrap(), None);
    let run = acme.scoped.run(open).await.unwrap().unwrap();
    assert_eq!(run.state, domain::RunState::Cancelled);
    let kept = acme.scoped.snapshots(&SnapshotFilter::default()).await;
    assert_eq!(kept.unwrap().len(), 1);
    let refused = acme
        .scoped
        .request_run(acme.plan, crate::Trigger::Person)
        .await;
    assert!(matches!(refused, Err(Error::Missing { .. })), "{refused:?}");
    acme.scoped
        .add_plan(acme.new_plan("nightly"))
        .await
        .unwrap();
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_list_of_plans_tells_of_their_newest_runs(pool: PgPool) {
    let acme = sample(&pool).await;
    let other = tenant(&acme.db, "other").await;
    acme.scoped.add_plan(acme.new_plan("aside")).await.unwrap();
    let worker = acme.worker().await;
    let run = acme.listed_run(worker, 1).await;
    let all = PlanPlace::default();
    let page = acme.scoped.plans_overview(&all, 50).await.unwrap();
    let told: Vec<_> = page
        .iter()
        .map(|plan| {
            (
                plan.name.as_str(),
                plan.last_run.as_ref().map(|run| run.state),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("aside", None),
            ("nightly", Some(domain::RunState::Running))
        ]
    );
    assert_eq!(page[1].last_run.as_ref().map(|last| last.id), Some(run));
    let second = PlanPlace {
        after: Some("aside".to_owned()),
        ..PlanPlace::default()
    };
    assert_eq!(
        acme.scoped.plans_overview(&second, 50).await.unwrap().len(),
        1
    );
    assert_eq!(
        other.scoped.plans_overview(&all, 50).await.unwrap().len(),
        1
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_preview_sees_the_plans_own_snapshots(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    acme.listed_run(worker, 1).await;
    let claim = acme.claim(worker).await.unwrap();
    acme.fleet.settle_fetch(&claim, stored('a')).await.unwrap();
    let shelves = acme.scoped.plan_shelves(acme.plan).await.unwrap();
    assert_eq!(shelves.len(), 1);
    assert!(shelves[0][0].whole);
    let other = acme.scoped.add_plan(acme.new_plan("other")).await.unwrap();
    assert_eq!(acme.scoped.plan_shelves(other).await.unwrap().len(), 0);
}
