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
    let token = ann(&world);
    let owner = world.forge.owner(&world.host, &token).await.unwrap();
    assert_eq!(owner.login, "ann");
    assert_eq!(owner.bucket.subject, Subject::User(owner.user_id));
    assert_eq!(owner.bucket.host, world.host.authority());
    assert!(owner.scopes.unwrap().contains(&"repo".to_owned()));
    let budgets = world.forge.budgets(&world.host, &token).await.unwrap();
    let (_, core) = budgets
        .readings
        .iter()
        .find(|(resource, _)| *resource == Resource::core())
        .unwrap();
    assert_eq!((core.limit, core.remaining), (100, 98));
    assert!(!budgets.unlimited);
    let member = world.forge.memberships(&world.host, &token).await.unwrap();
    let member = member.unwrap();
    assert_eq!(
        (member.logins, member.sso_missing),
        (vec!["acme".to_owned()], false)
    );
}

#[tokio::test]
async fn a_token_that_may_not_list_its_organizations_is_no_error() {
    let world = world().await;
    world
        .control()
        .fault(Fault::new("/user/orgs", Effect::SsoRequired));
    let token = ann(&world);
    assert_eq!(world.forge.memberships(&world.host, &token).await, Ok(None));
}

#[tokio::test]
async fn each_way_of_being_no_identity_is_told_apart() {
    let world = world().await;
    let wrong = Secret::new("ghp_wrong");
    let refused = world.forge.owner(&world.host, &wrong).await.unwrap_err();
    assert!(
        matches!(&refused, Error::NoCredential { detail } if detail.contains("Bad credentials")),
        "{refused}"
    );

    let broken = Secret::new("ghp_line\nbreak");
    let refused = world.forge.owner(&world.host, &broken).await.unwrap_err();
    assert!(
        matches!(&refused, Error::NoCredential { detail } if detail.contains("line break")),
        "{refused}"
    );

    let nowhere = Host::parse(ForgeKind::GitHub, "http://127.0.0.1:9", &[]).unwrap();
    let refused = world.forge.owner(&nowhere, &ann(&world)).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Transient { detail } if detail.contains("cannot be reached")),
        "{refused}"
    );

    world
        .control()
        .fault(Fault::new("/user", Effect::Html { status: 200 }).times(1));
    let refused = world
        .forge
        .owner(&world.host, &ann(&world))
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
            .owner(&world.host, &ann(&world))
            .await
            .unwrap_err();
        assert!(matches!(refused, Error::Denied { .. }), "{refused}");
    }
}

#[tokio::test]
async fn no_error_holds_the_token() {
    let world = world().await;
    let wrong = Secret::new("ghp_planted0000");
    let refused = world.forge.owner(&world.host, &wrong).await.unwrap_err();
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
