use std::time::Duration;

use domain::Kind;
use forge::Cursor;
use forge::{Error, Event};
use forge_sim::{Effect, Fault, Mutation, RepositoryRecipe, UserRecipe};

use crate::world::{World, account, acme, user};

fn private(name: &str) -> RepositoryRecipe {
    RepositoryRecipe {
        private: true,
        ..RepositoryRecipe::small(name)
    }
}

/// Ann has more left but does not see the repository; bob does.
async fn blind() -> World {
    let ann = UserRecipe {
        sees: Some(vec![]),
        ..user("ann", 5_000)
    };
    let world = World::new(
        acme(vec![private("web")])
            .with_user(ann)
            .with_user(user("bob", 500)),
    )
    .await;
    world.control().reset_statistics();
    world
}

async fn repository(world: &World) -> forge::Repository {
    let mut scope = world.scope();
    scope.credentials = vec![world.ids[1]];
    let client = world.forge.session(&world.host, scope);
    client
        .repositories(&account("acme"), None)
        .await
        .unwrap()
        .repositories
        .remove(0)
}

#[tokio::test]
async fn who_does_not_see_a_repository_is_found_out_once() {
    let world = blind().await;
    let repository = repository(&world).await;
    let mut events = world.pool.events();
    let client = world.about(&repository, Duration::ZERO);
    for _ in 0..3 {
        assert!(client.settings(&repository).await.is_ok());
    }
    let usage = client.take_usage();
    assert_eq!(usage.credentials[&world.ids[0]].requests, 1);
    assert_eq!(usage.credentials[&world.ids[1]].requests, 3);
    let learnt: Vec<Event> = std::iter::from_fn(|| events.try_recv().ok()).collect();
    let access = |index: usize, sees| Event::Access {
        credential: world.ids[index],
        repository: repository.id,
        sees,
    };
    assert!(
        learnt.contains(&access(0, false)) && learnt.contains(&access(1, true)),
        "{learnt:?}"
    );

    // Another session knows it from the start.
    let client = world.about(&repository, Duration::ZERO);
    assert!(client.settings(&repository).await.is_ok());
    assert!(!client.take_usage().credentials.contains_key(&world.ids[0]));
}

#[tokio::test]
async fn a_list_that_shows_a_repository_ends_the_blindness() {
    let world = blind().await;
    let repository = repository(&world).await;
    world.pool.learn_access(world.ids[0], repository.id, false);
    world.mutate(&Mutation::SetVisible {
        login: "ann".to_owned(),
        repositories: None,
    });
    assert_eq!(world.list("acme").await.len(), 1);
    let client = world.about(&repository, Duration::ZERO);
    assert!(client.settings(&repository).await.is_ok());
    assert!(client.take_usage().credentials.contains_key(&world.ids[0]));
}

#[tokio::test]
async fn what_nobody_sees_is_missing_and_nobody_is_called_blind() {
    let world = World::new(
        acme(vec![private("web")])
            .with_user(user("ann", 5_000))
            .with_user(user("bob", 5_000)),
    )
    .await;
    let repository = world.repository("web").await;
    world.mutate(&Mutation::DeleteRepository {
        repository: "acme/web".to_owned(),
    });
    let mut events = world.pool.events();
    let client = world.about(&repository, Duration::ZERO);
    let missing = client.settings(&repository).await.unwrap_err();
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn each_refusal_of_one_kind_has_its_own_name() {
    let world = World::new(acme(vec![private("web")]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    let ask = async |effect| {
        world.control().clear_faults();
        world
            .control()
            .fault(Fault::new("/repos/acme/web/milestones", effect));
        let client = world.about(&repository, Duration::ZERO);
        client
            .page(Kind::Milestones, &repository, &Cursor::default())
            .await
            .unwrap_err()
    };
    for effect in [
        Effect::ResourceNotAccessible,
        Effect::SsoRequired,
        Effect::IpAllowList,
        Effect::ClassicTokensForbidden,
    ] {
        assert!(
            matches!(ask(effect.clone()).await, Error::Denied { .. }),
            "{effect:?}"
        );
    }
    for reason in ["dmca", "tos", "unavailable"] {
        let blocked = ask(Effect::Blocked {
            reason: reason.to_owned(),
        })
        .await;
        assert!(
            matches!(blocked, Error::Blocked { .. }),
            "{reason}: {blocked}"
        );
    }
    assert!(matches!(
        ask(Effect::Status { status: 410 }).await,
        Error::Disabled { .. }
    ));
    assert!(matches!(
        ask(Effect::Status { status: 404 }).await,
        Error::Missing { .. }
    ));
    assert!(matches!(
        ask(Effect::Html { status: 200 }).await,
        Error::Protocol { .. }
    ));
    world.control().clear_faults();
    let client = world.about(&repository, Duration::ZERO);
    assert!(
        client
            .page(Kind::Milestones, &repository, &Cursor::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_renamed_repository_is_followed() {
    let world =
        World::new(acme(vec![RepositoryRecipe::small("web")]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    world.mutate(&Mutation::RenameRepository {
        repository: "acme/web".to_owned(),
        name: "site".to_owned(),
    });
    let client = world.about(&repository, Duration::ZERO);
    assert_eq!(
        client.settings(&repository).await.unwrap()["full_name"],
        "acme/site"
    );
    let labels = client
        .page(Kind::Labels, &repository, &Cursor::default())
        .await
        .unwrap();
    assert_eq!(labels.items.len(), 5);
}

#[tokio::test]
async fn a_name_that_was_given_away_is_not_followed() {
    let world =
        World::new(acme(vec![RepositoryRecipe::small("web")]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    world.mutate(&Mutation::RenameRepository {
        repository: "acme/web".to_owned(),
        name: "site".to_owned(),
    });
    world.mutate(&Mutation::CreateRepository {
        owner: "acme".to_owned(),
        recipe: RepositoryRecipe::small("web"),
    });
    let client = world.about(&repository, Duration::ZERO);
    let moved = client.settings(&repository).await.unwrap_err();
    assert!(matches!(moved, Error::Moved { .. }), "{moved}");
    let moved = client
        .page(Kind::Reviews, &repository, &Cursor::default())
        .await
        .unwrap_err();
    assert!(matches!(moved, Error::Moved { .. }), "{moved}");
}

#[tokio::test]
async fn git_gets_a_credential_and_learns_from_refusals() {
    let world = blind().await;
    let repository = repository(&world).await;
    let client = world.about(&repository, Duration::ZERO);
    let access = client.git_access(&repository, false).unwrap();
    assert_eq!(
        access.url.as_str(),
        format!("{}acme/web.git", world.host.web())
    );
    assert_eq!(access.credential, world.ids[0]);
    client.git_refused(&access, 404);
    for _ in 0..2 {
        assert_eq!(
            client.git_access(&repository, true).unwrap().credential,
            world.ids[1]
        );
    }
    let wiki = client.git_access(&repository, true).unwrap();
    assert!(wiki.url.as_str().ends_with("/acme/web.wiki.git"));
    client.git_refused(&wiki, 404);
    assert!(
        client.git_access(&repository, false).is_ok(),
        "a missing wiki says nothing of the repository"
    );
    client.git_refused(&wiki, 401);
    assert!(matches!(
        client.git_access(&repository, false),
        Err(Error::NoCredential { .. })
    ));
}
