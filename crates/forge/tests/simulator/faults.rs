use std::time::Duration;

use domain::Kind;
use forge::Cursor;
use forge::Error;
use forge_sim::{Cut, Effect, Fault, RepositoryRecipe};

use crate::world::{World, acme, hurried_forge, user};

async fn world() -> World {
    World::new(acme(vec![RepositoryRecipe::small("web")]).with_user(user("ann", 5_000))).await
}

const PATHS: [(Kind, &str); 2] = [
    (Kind::Labels, "/repos/acme/web/labels"),
    (Kind::Reviews, "/graphql"),
];

#[tokio::test]
async fn what_fails_for_a_moment_is_repeated_and_counted() {
    let world = world().await;
    world.let_time_pass();
    let repository = world.repository("web").await;
    let cuts = [Cut::Declared, Cut::Chunked, Cut::Honest, Cut::Reset];
    let effects = cuts
        .map(|how| Effect::Cut { how })
        .into_iter()
        .chain([Effect::Status { status: 500 }]);
    for effect in effects {
        for (kind, path) in PATHS {
            world.control().clear_faults();
            world
                .control()
                .fault(Fault::new(path, effect.clone()).times(3));
            let client = world.about(&repository, Duration::ZERO);
            let page = client.page(kind, &repository, &Cursor::default()).await;
            assert!(page.is_ok(), "{kind} {effect:?}: {page:?}");
            assert_eq!(
                client.take_usage().credentials[&world.ids[0]].requests,
                4,
                "{kind} {effect:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_goes_on_failing_is_named() {
    let world = world().await;
    let repository = world.repository("web").await;
    for (kind, path) in PATHS {
        for (effect, is_corrupt) in [
            (Effect::Status { status: 500 }, false),
            (Effect::Cut { how: Cut::Honest }, true),
            (Effect::Cut { how: Cut::Declared }, true),
        ] {
            world.control().clear_faults();
            world.control().fault(Fault::new(path, effect.clone()));
            let client = world.about(&repository, Duration::ZERO);
            let error = client
                .page(kind, &repository, &Cursor::default())
                .await
                .unwrap_err();
            let is_named = match &error {
                Error::Corrupt { .. } => is_corrupt,
                Error::Transient { .. } => !is_corrupt,
                _ => false,
            };
            assert!(is_named, "{kind} {effect:?}: {error:?}");
            assert_eq!(
                client.take_usage().credentials[&world.ids[0]].requests,
                4,
                "{kind} {effect:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_not_waited_for_endlessly() {
    let world = world().await;
    let repository = world.repository("web").await;
    let late = Effect::Latency {
        milliseconds: 600_000,
    };
    world
        .control()
        .fault(Fault::new("/repos/acme/web", late).times(1));
    let forge = hurried_forge(&world.pool, &world.clock, Duration::from_secs(1));
    let client = forge.session(&world.host, world.scope());
    assert!(client.settings(&repository).await.is_ok());
    assert!(client.take_usage().credentials[&world.ids[0]].requests >= 2);
}

#[tokio::test]
async fn a_heavy_list_is_read_in_smaller_pages() {
    let recipe = RepositoryRecipe {
        labels: 130,
        ..RepositoryRecipe::tiny("web")
    };
    let world = World::new(acme(vec![recipe]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    world
        .control()
        .fault(Fault::new("/repos/acme/web/labels", Effect::Status { status: 504 }).times(2));
    let client = world.about(&repository, Duration::ZERO);
    let labels = crate::world::read(&client, Kind::Labels, &repository)
        .await
        .unwrap();
    assert_eq!(labels.len(), 130);
    assert_eq!(
        world.control().statistics().requests,
        2 + 3,
        "100 twice, then 50, 50 and 30"
    );
}

#[tokio::test]
async fn a_cancelled_session_ends_at_once() {
    let world = world().await;
    let repository = world.repository("web").await;
    world.control().fault(Fault::new(
        "/repos/acme/web",
        Effect::Latency {
            milliseconds: 600_000,
        },
    ));
    let mut scope = world.scope();
    scope.repository = Some(repository.id);
    let cancel = scope.cancel.clone();
    let client = world.forge.session(&world.host, scope);
    let (ended, ()) = tokio::join!(client.settings(&repository), async {
        while world.control().statistics().requests == 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    });
    assert_eq!(ended, Err(Error::Cancelled));
}
