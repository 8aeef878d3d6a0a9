use std::collections::BTreeSet;

use domain::Kind;
use forge::Error;
use forge_sim::{Effect, Fault, Mutation, Profile, Recipe, RepositoryRecipe};

use crate::world::{World, account, acme, user};

#[tokio::test]
async fn a_hundred_repositories_a_request() {
    let world =
        World::new(Recipe::organization("acme", 230, Profile::Tiny).with_user(user("ann", 5_000)))
            .await;
    let client = world.client();
    let first = client.repositories(&account("acme"), None).await.unwrap();
    assert_eq!(first.repositories.len(), 100);
    let usage = client.take_usage();
    let spent = usage.credentials[&world.ids[0]];
    assert_eq!(spent.requests, 1);
    assert!((5..=8).contains(&spent.points), "{} points", spent.points);

    world.control().reset_statistics();
    let all = world.list("acme").await;
    let ids: BTreeSet<i64> = all.iter().map(|repository| repository.id).collect();
    assert_eq!(ids.len(), 230);
    assert_eq!(world.control().statistics().requests, 3);
    assert_eq!(world.list("acme").await, all, "nothing has changed");
}

#[tokio::test]
async fn marks_tell_what_has_changed() {
    let world =
        World::new(acme(vec![RepositoryRecipe::small("web")]).with_user(user("ann", 5_000))).await;
    let repository = || "acme/web".to_owned();
    let changes: [(Mutation, &[Kind]); 6] = [
        (
            Mutation::AddIssue {
                repository: repository(),
                title: "t".to_owned(),
                body: None,
            },
            &[Kind::Issues, Kind::IssueComments],
        ),
        (
            Mutation::AddComment {
                repository: repository(),
                number: 1,
                body: "b".to_owned(),
            },
            &[Kind::Issues, Kind::IssueComments],
        ),
        (
            Mutation::AddLabel {
                repository: repository(),
                name: "new".to_owned(),
            },
            &[Kind::Labels],
        ),
        (
            Mutation::AddRelease {
                repository: repository(),
                tag: "v9".to_owned(),
                assets: 0,
                asset_bytes: 0,
            },
            &[Kind::Releases, Kind::Assets],
        ),
        (
            Mutation::Push {
                repository: repository(),
                branch: None,
                commits: 1,
                forced: false,
            },
            &[Kind::Git, Kind::Lfs],
        ),
        (
            Mutation::EditRepository {
                repository: repository(),
                description: None,
                private: None,
                archived: None,
                has_issues: None,
                topics: Some(vec!["x".to_owned()]),
            },
            &[Kind::Settings],
        ),
    ];
    for (mutation, kinds) in changes {
        let before = world.list("acme").await.remove(0);
        assert_eq!(before.marks.changed(&before.marks), BTreeSet::new());
        world.advance(5);
        world.mutate(&mutation);
        let after = world.list("acme").await.remove(0);
        let kinds_found = after.marks.changed(&before.marks);
        for kind in kinds {
            assert!(kinds_found.contains(kind), "{mutation:?}: {kinds_found:?}");
        }
    }
}

#[tokio::test]
async fn a_list_that_is_too_much_at_once_is_asked_for_in_parts() {
    let world =
        World::new(Recipe::organization("acme", 60, Profile::Tiny).with_user(user("ann", 5_000)))
            .await;
    world
        .control()
        .fault(Fault::new("/graphql", Effect::Status { status: 502 }).times(4));
    assert_eq!(world.list("acme").await.len(), 60);
    let requests = world.control().statistics().requests;
    assert_eq!(requests, 4 + 3, "100 twice, 50 twice, then three of 25");
}

#[tokio::test]
async fn an_account_that_is_not_there_is_missing() {
    let world = World::new(acme(vec![]).with_user(user("ann", 5_000))).await;
    let missing = world
        .client()
        .repositories(&account("nobody"), None)
        .await
        .unwrap_err();
    assert!(matches!(missing, Error::Missing { .. }), "{missing}");
}
