use domain::Role;
use sqlx::PgPool;

use super::*;
use crate::samples::{credential, name, noon, sample, tenant};

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
