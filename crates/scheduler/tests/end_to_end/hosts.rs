//! Hosts that are not github.com, from the first check to a run.

use domain::check::Field;
use domain::{CheckState, ForgeKind, Host, RunState};
use forge_sim::{Limits, Profile, Recipe};
use sqlx::PgPool;

use crate::checks::{recipe, refusal};
use crate::world::{LOGIN, Setting, World};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_host_with_a_private_authority_is_backed_up_once_the_authority_is_given(pool: PgPool) {
    let setting = Setting {
        tls: true,
        ..Setting::of(recipe())
    };
    let mut world = World::make(&pool, setting).await;
    let secure = world.simulator.secure().unwrap().clone();
    let host = Host::parse(ForgeKind::GitHub, &secure.web, &[]).unwrap();
    let scheduler = world.start("a", 2).await;

    let refused = refusal(world.ask_to_register("early", &secure.web, &[LOGIN]).await);
    assert_eq!(refused.field, Field::Host);
    assert!(
        refused.sentence.contains("is not trusted") && refused.sentence.contains("Applications"),
        "{refused:?}"
    );
    assert_eq!(world.scoped.organizations().await.unwrap().len(), 1);

    let pem = std::fs::read_to_string(&secure.certificate).unwrap();
    let fleet = world.db.fleet();
    fleet
        .set_certificate_authority(&host, Some(&pem))
        .await
        .unwrap();
    // No more than a notification lies between the page and the worker.
    world
        .eventually("the host is trusted", async || {
            let check = world.ask_to_register("secure", &secure.web, &[LOGIN]).await;
            check.state == CheckState::Accepted
        })
        .await;
    let all = world.scoped.organizations().await.unwrap();
    world.organization = all.into_iter().find(|one| one.host == host).unwrap();
    // REST, GraphQL and git all go over TLS.
    let plan = world.add_plan(&[]).await;
    let ended = world.run(plan).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    assert_eq!(world.snapshots().await.len(), 2);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_host_that_counts_nothing_is_known_as_such_and_refuses_nothing(pool: PgPool) {
    let setting = Setting {
        limits: Limits {
            off: true,
            ..Limits::default()
        },
        ..Setting::of(Recipe::organization(LOGIN, 6, Profile::Small))
    };
    let world = World::make(&pool, setting).await;
    let plan = world.add_plan(&[]).await;
    let scheduler = world.start("a", 4).await;
    let ended = world.run(plan).await;
    assert_eq!(ended.state, RunState::Complete, "{ended:#?}");
    assert_eq!(world.refused(), 0);

    let authority = world.organization.host.authority();
    assert!(world.db.fleet().unlimited_hosts().await.unwrap().is_empty());
    let credential = world.scoped.credentials(world.organization.id).await;
    let credential = credential.unwrap().remove(0).id;
    let check = world
        .ask(domain::Errand::Recheck { credential }, None)
        .await;
    let check = world.ended(check).await;
    assert_eq!(check.state, CheckState::Accepted, "{check:?}");
    assert!(check.findings.unwrap().unlimited);
    world
        .eventually("the pages know that nothing is counted", async || {
            let hosts = world.db.fleet().unlimited_hosts().await.unwrap();
            hosts.contains(&authority)
        })
        .await;
    scheduler.drain().await;
}
