use std::time::Duration;

use domain::Kind;
use forge::{Cursor, collection};
use forge_sim::world::ReviewState;
use forge_sim::{Effect, Fault, Mutation, RepositoryRecipe};

use crate::world::{World, acme, read, user};

fn large(name: &str) -> RepositoryRecipe {
    RepositoryRecipe {
        issues: 300,
        pulls: 150,
        comments_per_issue: 1,
        reviews_per_pull: 2,
        review_comments_per_pull: 2,
        labels: 120,
        milestones: 4,
        releases: 20,
        ..RepositoryRecipe::tiny(name)
    }
}

const LISTS: [(Kind, usize); 8] = [
    (Kind::Labels, 120),
    (Kind::Milestones, 4),
    (Kind::Issues, 450),
    (Kind::IssueComments, 450),
    (Kind::PullRequests, 150),
    (Kind::Reviews, 150),
    (Kind::ReviewComments, 300),
    (Kind::Releases, 20),
];

#[tokio::test]
async fn everything_is_read_with_few_requests() {
    let world = World::new(acme(vec![large("web")]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    let client = world.about(&repository, Duration::ZERO);
    for (kind, count) in LISTS {
        let items = read(&client, kind, &repository).await.unwrap();
        assert_eq!(items.len(), count, "{kind}");
    }
    assert_eq!(
        client.settings(&repository).await.unwrap()["id"],
        repository.id
    );
    let reviews = read(&client, Kind::Reviews, &repository).await.unwrap();
    assert!(
        reviews
            .iter()
            .all(|item| item["reviews"].as_array().unwrap().len() == 2)
    );
    let statistics = world.control().statistics();
    assert!(statistics.requests <= 45, "{statistics:#?}");
    assert_eq!(statistics.refused, 0);
    let spent = client.take_usage().credentials[&world.ids[0]];
    assert_eq!(spent.requests, statistics.requests);
}

#[tokio::test]
async fn a_pull_request_with_many_reviews_is_read_to_the_last() {
    let recipe = RepositoryRecipe {
        pulls: 2,
        reviews_per_pull: 230,
        ..RepositoryRecipe::tiny("web")
    };
    let world = World::new(acme(vec![recipe]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    let items = read(
        &world.about(&repository, Duration::ZERO),
        Kind::Reviews,
        &repository,
    )
    .await
    .unwrap();
    let counts: Vec<usize> = items
        .iter()
        .map(|item| item["reviews"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [230, 230]);
}

#[tokio::test]
async fn only_what_is_new_is_read_again() {
    let world = World::new(acme(vec![large("web")]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    let client = world.about(&repository, Duration::ZERO);
    world.advance(10);
    let since = Some(world.clock.now());
    world.advance(10);
    world.mutate(&Mutation::AddComment {
        repository: "acme/web".to_owned(),
        number: 3,
        body: "new".to_owned(),
    });
    for kind in [Kind::Issues, Kind::IssueComments] {
        let page = client
            .page(kind, &repository, &Cursor { since, next: None })
            .await
            .unwrap();
        assert_eq!((page.items.len(), page.next), (1, None), "{kind}");
    }
}

#[tokio::test]
async fn nothing_is_missed_while_the_repository_changes() {
    let world = World::new(acme(vec![large("web")]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    let client = world.about(&repository, Duration::ZERO);
    let pulls = read(&client, Kind::PullRequests, &repository)
        .await
        .unwrap();
    let oldest = pulls
        .iter()
        .map(|pull| pull["number"].as_u64().unwrap())
        .min()
        .unwrap();
    let edit = |number| Mutation::EditIssue {
        repository: "acme/web".to_owned(),
        number,
        title: Some("changed".to_owned()),
        body: None,
        closed: None,
    };
    // The oldest jump ahead while the pages are read.
    for (index, number) in [1, 2, oldest].into_iter().enumerate() {
        for path in [
            "/repos/acme/web/issues",
            "/repos/acme/web/pulls",
            "/graphql",
        ] {
            let fault = Fault::new(
                path,
                Effect::Mutate {
                    mutation: edit(number),
                },
            );
            world
                .control()
                .fault(fault.after(1 + index as u64).times(1));
        }
    }
    for kind in [Kind::Issues, Kind::PullRequests, Kind::Reviews] {
        world.advance(60);
        let items = read(&client, kind, &repository).await.unwrap();
        let count = LISTS.iter().find(|(listed, _)| *listed == kind).unwrap().1;
        assert_eq!(items.len(), count, "{kind}");
    }
}

#[tokio::test]
async fn the_newest_change_comes_first_where_the_reader_stops() {
    let world = World::new(acme(vec![large("web")]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    let client = world.about(&repository, Duration::ZERO);
    let pulls = read(&client, Kind::PullRequests, &repository)
        .await
        .unwrap();
    let number = pulls
        .iter()
        .map(|pull| pull["number"].as_u64().unwrap())
        .min()
        .unwrap();
    world.advance(10);
    let review = Mutation::AddReview {
        repository: "acme/web".to_owned(),
        number,
        body: "fine".to_owned(),
        state: ReviewState::Approved,
    };
    world.mutate(&review);
    for kind in [Kind::PullRequests, Kind::Reviews] {
        let page = client
            .page(kind, &repository, &Cursor::default())
            .await
            .unwrap();
        let dates: Vec<_> = page
            .items
            .iter()
            .map(|item| {
                (collection(domain::ForgeKind::GitHub, kind)
                    .unwrap()
                    .updated_at)(item)
                .unwrap()
            })
            .collect();
        assert!(dates.is_sorted_by(|one, other| one >= other), "{kind}");
        assert_eq!(page.items[0]["number"], number, "{kind}");
    }
}

#[tokio::test]
async fn a_cursor_goes_on_in_another_session() {
    let world = World::new(acme(vec![large("web")]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    for (kind, _) in LISTS {
        let whole = read(&world.about(&repository, Duration::ZERO), kind, &repository)
            .await
            .unwrap();
        let mut keys = std::collections::BTreeSet::new();
        let mut cursor = Cursor::default();
        loop {
            let client = world.about(&repository, Duration::ZERO);
            let page = client.page(kind, &repository, &cursor).await.unwrap();
            keys.extend(
                page.items
                    .iter()
                    .filter_map(collection(domain::ForgeKind::GitHub, kind).unwrap().key),
            );
            let Some(next) = page.next else { break };
            let text = serde_json::to_string(&Cursor {
                since: None,
                next: Some(next),
            })
            .unwrap();
            cursor = serde_json::from_str(&text).unwrap();
        }
        assert_eq!(keys.len(), whole.len(), "{kind}");
    }
}
