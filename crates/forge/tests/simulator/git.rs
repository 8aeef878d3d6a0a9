use std::process::Command;
use std::time::Duration;

use domain::Secret;
use forge::Error;
use forge_sim::{Mutation, RepositoryRecipe};

use crate::world::{World, acme, user};

async fn world() -> World {
    let recipe = RepositoryRecipe {
        private: true,
        ..RepositoryRecipe::small("web")
    };
    World::new(acme(vec![recipe]).with_user(user("ann", 5_000))).await
}

#[tokio::test]
async fn the_references_are_those_that_git_lists_and_cost_nothing() {
    let world = world().await;
    let repository = world.repository("web").await;
    let client = world.about(&repository, Duration::ZERO);
    let access = client.git_access(&repository, false).unwrap();
    let listed = client.git_references(&access).await.unwrap();
    let path = world.control().world().organizations[0].repositories[0]
        .git
        .clone();
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-remote"])
        .arg(path)
        .output()
        .unwrap();
    let expected: Vec<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.replace('\t', " "))
        .collect();
    let listed: Vec<String> = listed
        .into_iter()
        .map(|(object, name)| format!("{object} {name}"))
        .collect();
    assert!(listed.len() > 1, "{listed:?}");
    assert_eq!(listed, expected);
    assert_eq!(world.control().statistics().requests, 0);
}

#[tokio::test]
async fn each_refusal_of_git_has_its_own_name() {
    let world = world().await;
    let repository = world.repository("web").await;
    let client = world.about(&repository, Duration::ZERO);
    let access = client.git_access(&repository, false).unwrap();

    let mut wiki = access.clone();
    wiki.url.set_path("/acme/web.wiki.git");
    let mut stranger = access.clone();
    stranger.token = Secret::new("ghp_nobody");
    for (asked, expected) in [(&wiki, "Missing"), (&stranger, "NoCredential")] {
        let refused = client.git_references(asked).await.unwrap_err();
        assert!(format!("{refused:?}").starts_with(expected), "{refused:?}");
    }

    world.mutate(&Mutation::BlockRepository {
        repository: "acme/web".to_owned(),
        reason: Some("dmca".to_owned()),
    });
    let blocked = client.git_references(&access).await.unwrap_err();
    assert!(matches!(blocked, Error::Blocked { .. }), "{blocked:?}");
    world.mutate(&Mutation::BlockRepository {
        repository: "acme/web".to_owned(),
        reason: None,
    });

    world.mutate(&Mutation::RenameRepository {
        repository: "acme/web".to_owned(),
        name: "site".to_owned(),
    });
    let moved = client.git_references(&access).await.unwrap_err();
    assert!(matches!(moved, Error::Moved { .. }), "{moved:?}");
}
