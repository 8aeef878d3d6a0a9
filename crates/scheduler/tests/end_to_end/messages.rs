//! What a host could not tell: messages that got lost, and approvals that nothing told of.

use std::time::Duration;

use domain::{Clock, Health};
use forge_sim::world::TokenFormat;
use forge_sim::{Mutation, OrganizationRecipe, Profile, Recipe, UserRecipe};
use sqlx::PgPool;
use store::NewInstallationRequest;

use crate::applications::{SLUG, Stage};
use crate::world::{LOGIN, Setting, World};

/// How often a host is asked for what it could not tell, and a bit.
const AGAIN: Duration = Duration::from_secs(5 * 60 + 1);

const DELIVERIES: &str = "GET /app/hook/deliveries";
const REQUESTS: &str = "GET /app/installation-requests";
const ON_ACCOUNT: &str = "GET /orgs/{org}/installation";

/// A world on a clock that is moved by hand, with somebody who may not install anything.
async fn world(pool: &PgPool) -> World {
    let mut recipe =
        Recipe::organization(LOGIN, 1, Profile::Tiny).with_user(UserRecipe::member("asker"));
    recipe.organizations.push(OrganizationRecipe {
        login: "later".to_owned(),
        ..OrganizationRecipe::default()
    });
    let setting = Setting {
        clock: Clock::manual(Clock::system().now()),
        ..Setting::of(recipe)
    };
    World::make(pool, setting).await
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_message_that_got_lost_is_found_by_the_next_look_and_acted_upon_once(pool: PgPool) {
    let hook = Some("http://127.0.0.1:9/nobody");
    let stage = Stage::in_world(world(&pool).await, TokenFormat::Opaque, hook).await;
    let world = &stage.world;
    let control = world.simulator.control();
    control
        .mutate(&Mutation::LoseMessages { lost: true })
        .unwrap();
    let scheduler = world.start("a", 1).await;
    world
        .eventually("the host was asked for the first time", async || {
            world.asked(DELIVERIES) == 1
        })
        .await;
    let suspend = |suspended| Mutation::Suspend {
        app: SLUG.to_owned(),
        account: LOGIN.to_owned(),
        suspended,
    };
    control.mutate(&suspend(true)).unwrap();
    assert_eq!(stage.health().await, Health::Healthy, "nobody has told");
    world.pass(AGAIN);
    scheduler.ring();
    let reason = "This installation has been suspended by acme".to_owned();
    world
        .eventually("the suspension is known", async || {
            stage.health().await
                == Health::Dead {
                    reason: reason.clone(),
                }
        })
        .await;

    // Both are in the list now. The older one, acted upon again, would suspend it again.
    control.mutate(&suspend(false)).unwrap();
    world.pass(AGAIN);
    scheduler.ring();
    world
        .eventually("so is its end", async || {
            stage.health().await == Health::Healthy
        })
        .await;
    assert_eq!(world.asked(DELIVERIES), 3, "once in five minutes");
    scheduler.drain().await;
}

/// What somebody asked an owner of an organization for.
async fn ask_an_owner(stage: &Stage, account: &str) {
    let control = stage.world.simulator.control();
    let id = |login: &str| control.with_world(|world| world.account(login).unwrap().id);
    let new = NewInstallationRequest {
        organization: stage.world.organization.id,
        application: stage.application,
        account_id: i64::try_from(id(account)).unwrap(),
        account: account.to_owned(),
        requester: i64::try_from(id("asker")).unwrap(),
    };
    let scoped = &stage.world.scoped;
    scoped.note_installation_request(&new).await.unwrap();
}

async fn offered(stage: &Stage) -> Option<i64> {
    let organization = stage.world.organization.id;
    let all = stage.world.scoped.installation_requests(organization).await;
    all.unwrap().first().unwrap().installation
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_approval_that_nothing_told_of_is_offered(pool: PgPool) {
    // Without a hook, the host has nothing to send and no list of what it sent.
    let stage = Stage::in_world(world(&pool).await, TokenFormat::Opaque, None).await;
    let world = &stage.world;
    let control = world.simulator.control();
    ask_an_owner(&stage, "later").await;
    control
        .mutate(&Mutation::RequestInstallation {
            app: SLUG.to_owned(),
            account: "later".to_owned(),
            requester: "asker".to_owned(),
        })
        .unwrap();
    let scheduler = world.start("a", 1).await;
    world
        .eventually("the request is seen to be open", async || {
            world.asked(REQUESTS) == 1
        })
        .await;
    world.pass(AGAIN);
    let number = control
        .mutate(&Mutation::Install {
            app: SLUG.to_owned(),
            account: "later".to_owned(),
            repositories: None,
            sender: None,
        })
        .unwrap()
        .id
        .unwrap();
    scheduler.ring();
    world
        .eventually("the approval is offered", async || {
            offered(&stage).await == i64::try_from(number).ok()
        })
        .await;
    let credentials = world.scoped.credentials(world.organization.id).await;
    assert_eq!(credentials.unwrap().len(), 2, "nothing is added by itself");
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_installation_from_before_somebody_asked_is_no_answer_to_her(pool: PgPool) {
    let stage = Stage::in_world(world(&pool).await, TokenFormat::Opaque, None).await;
    let world = &stage.world;
    world.pass(AGAIN);
    ask_an_owner(&stage, LOGIN).await;
    let scheduler = world.start("a", 1).await;
    world.pass(AGAIN);
    scheduler.ring();
    world
        .eventually("the host has said that it is installed", async || {
            world.asked(ON_ACCOUNT) > 0
        })
        .await;
    // What is found is written down before the next round begins.
    world.pass(AGAIN);
    scheduler.ring();
    world
        .eventually("it has said so twice", async || world.asked(ON_ACCOUNT) > 1)
        .await;
    assert_eq!(offered(&stage).await, None);
    scheduler.drain().await;
}
