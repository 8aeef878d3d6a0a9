use domain::bucket::Subject;
use domain::{ForgeKind, Host, Resource, Secret};
use forge::Error;
use forge_sim::{Effect, Fault};

use crate::world::{World, acme, user};

async fn world() -> World {
    World::new(acme(vec![]).with_user(user("ann", 100))).await
}

fn ann(world: &World) -> Secret {
    Secret::new(world.control().token("ann").unwrap())
}

#[tokio::test]
async fn a_token_tells_who_is_behind_it_and_what_is_left() {
    let world = world().await;
    let identity = world
        .forge
        .identify(&world.host, &ann(&world))
        .await
        .unwrap();
    assert_eq!(identity.login, "ann");
    assert_eq!(identity.bucket.subject, Subject::User(identity.user_id));
    assert_eq!(identity.bucket.host, world.host.authority());
    assert!(identity.scopes.unwrap().contains(&"repo".to_owned()));
    let (_, core) = identity
        .readings
        .iter()
        .find(|(resource, _)| *resource == Resource::core())
        .unwrap();
    assert_eq!((core.limit, core.remaining), (100, 98));
    assert!(!identity.unlimited);
}

#[tokio::test]
async fn each_way_of_being_no_identity_is_told_apart() {
    let world = world().await;
    let wrong = Secret::new("ghp_wrong");
    let refused = world.forge.identify(&world.host, &wrong).await.unwrap_err();
    assert!(
        matches!(&refused, Error::NoCredential { detail } if detail.contains("Bad credentials")),
        "{refused}"
    );

    let broken = Secret::new("ghp_line\nbreak");
    let refused = world
        .forge
        .identify(&world.host, &broken)
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::NoCredential { detail } if detail.contains("line break")),
        "{refused}"
    );

    let nowhere = Host::parse(ForgeKind::GitHub, "http://127.0.0.1:9", &[]).unwrap();
    let refused = world
        .forge
        .identify(&nowhere, &ann(&world))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::Transient { detail } if detail.contains("cannot be reached")),
        "{refused}"
    );

    world
        .control()
        .fault(Fault::new("/user", Effect::Html { status: 200 }).times(1));
    let refused = world
        .forge
        .identify(&world.host, &ann(&world))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, Error::Protocol { detail } if detail.contains("not a GitHub API")),
        "{refused}"
    );

    for effect in [
        Effect::SsoRequired,
        Effect::ClassicTokensForbidden,
        Effect::IpAllowList,
    ] {
        world.control().clear_faults();
        world.control().fault(Fault::new("/user", effect));
        let refused = world
            .forge
            .identify(&world.host, &ann(&world))
            .await
            .unwrap_err();
        assert!(matches!(refused, Error::Denied { .. }), "{refused}");
    }
}

#[tokio::test]
async fn no_error_holds_the_token() {
    let world = world().await;
    let wrong = Secret::new("ghp_planted0000");
    let refused = world.forge.identify(&world.host, &wrong).await.unwrap_err();
    assert!(
        !format!("{refused} {refused:?}").contains("planted"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn accounts_are_told_apart() {
    let world = world().await;
    let find = async |login| world.forge.account(&world.host, &ann(&world), login).await;
    assert!(find("acme").await.unwrap().unwrap().is_organization);
    assert!(!find("ann").await.unwrap().unwrap().is_organization);
    for nobody in ["nobody", "", "../user", "a b"] {
        assert_eq!(find(nobody).await, Ok(None), "{nobody}");
    }
}
