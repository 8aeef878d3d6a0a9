use domain::{Retention, Role, RunState};
use sqlx::PgPool;

use super::*;
use crate::samples::{credential, name, sample, stored};
use crate::{Leftover, PlanChange, SnapshotFilter, Trigger};

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_removed_organization_keeps_its_snapshots_and_runs_no_more(pool: PgPool) {
    let acme = sample(&pool).await;
    let worker = acme.worker().await;
    acme.listed_run(worker, 1).await;
    let claim = acme.claim(worker).await.unwrap();
    acme.fleet.settle_fetch(&claim, stored('a')).await.unwrap();
    let change = PlanChange {
        schedule: Some(Some(acme.schedule("0 3 * * *", None))),
        retention: Some(Retention {
            last: Some(1),
            ..Retention::default()
        }),
        ..PlanChange::default()
    };
    acme.scoped.edit_plan(acme.plan, change).await.unwrap();
    let open = acme
        .scoped
        .request_run(acme.plan, Trigger::Person)
        .await
        .unwrap();

    let effects = acme
        .scoped
        .removal_effects(acme.organization)
        .await
        .unwrap();
    assert_eq!(
        effects,
        RemovalEffects {
            repositories: 1,
            plans: vec![name("nightly")],
            open_runs: 1,
            credentials: 1,
            tokens: 1,
            snapshots: 1,
            kept_repositories: 1,
        }
    );
    let removal = acme
        .scoped
        .remove_organization(acme.organization, Leftover::DeleteIfUnused)
        .await
        .unwrap();
    assert_eq!(removal.effects, effects);

    assert_eq!(acme.scoped.organizations().await.unwrap(), []);
    assert_eq!(
        acme.scoped.organization(acme.organization).await.unwrap(),
        None
    );
    assert_eq!(acme.scoped.token_entries(9).await.unwrap(), []);
    let run = acme.scoped.run(open).await.unwrap().unwrap();
    assert_eq!(run.state, RunState::Cancelled);
    let snapshots = acme
        .scoped
        .snapshots(&SnapshotFilter::default())
        .await
        .unwrap();
    assert_eq!(snapshots.len(), 1);
    let repository = acme
        .scoped
        .storage_repository(acme.organization, acme.storage)
        .await
        .unwrap();
    assert!(
        repository.is_some(),
        "without its keys nothing can be restored"
    );
    let plan = acme.scoped.plans().await.unwrap().remove(0);
    assert!(plan.paused_at.is_some() && plan.next_due_at.is_none());
    assert!(
        plan.retention.is_forever(),
        "no rule may forget what was promised to stay"
    );
    let asked = acme.scoped.request_run(acme.plan, Trigger::Person).await;
    assert!(
        matches!(asked, Err(Error::OrganizationRemoved { .. })),
        "{asked:?}"
    );
    let again = acme
        .scoped
        .remove_organization(acme.organization, Leftover::Keep)
        .await;
    assert!(matches!(again, Err(Error::Missing { .. })), "{again:?}");
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn the_name_of_a_removed_organization_is_free_again(pool: PgPool) {
    let acme = sample(&pool).await;
    let host = acme.scoped.organizations().await.unwrap().remove(0).host;
    let octo = || NewOrganization {
        name: name("octo"),
        host: host.clone(),
        accounts: Vec::new(),
    };
    let add = |new| {
        acme.scoped
            .add_organization(&acme.sealer, new, credential("main", Role::Main, 1))
    };
    assert!(matches!(add(octo()).await, Err(Error::NameTaken { .. })));
    acme.scoped
        .remove_organization(acme.organization, Leftover::Keep)
        .await
        .unwrap();
    let second = add(octo()).await.unwrap();
    acme.scoped
        .rename_organization(second.id, &name("octo-2"))
        .await
        .unwrap();
    let found = acme.scoped.organization(second.id).await.unwrap().unwrap();
    assert_eq!(found.name, name("octo-2"));
    assert!(acme.scoped.entries(None, 9).await.unwrap().len() >= 2);
}
