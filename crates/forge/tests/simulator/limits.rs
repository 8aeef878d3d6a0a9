use std::time::Duration;

use chrono::TimeDelta;
use domain::{Health, Kind, Resource};
use forge::{Error, Event, Pool, Sharing};
use forge_sim::{Effect, Fault, Mutation, RepositoryRecipe};

use crate::world::{World, account, acme, forge, read, user};

/// A repository of which a full reading costs about two dozen requests.
fn repository() -> RepositoryRecipe {
    RepositoryRecipe {
        issues: 900,
        comments_per_issue: 1,
        ..RepositoryRecipe::tiny("web")
    }
}

#[tokio::test]
async fn one_runs_dry_and_the_other_goes_on_and_the_host_refuses_nothing() {
    let world = World::new(
        acme(vec![repository()])
            .with_user(user("ann", 8))
            .with_user(user("bob", 5_000)),
    )
    .await;
    let repository = world.repository("web").await;
    // Ann has the most left to lose: her window ends first.
    world.advance(3_500);
    world
        .forge
        .refresh(&world.host, world.ids[1])
        .await
        .unwrap();
    let client = world.about(&repository, Duration::ZERO);
    assert_eq!(
        read(&client, Kind::IssueComments, &repository)
            .await
            .unwrap()
            .len(),
        900
    );
    assert_eq!(
        read(&client, Kind::Issues, &repository)
            .await
            .unwrap()
            .len(),
        900
    );
    assert_eq!(world.control().statistics().refused, 0);
    let usage = client.take_usage();
    assert!(usage.credentials.values().all(|spent| spent.refused == 0));
    assert_eq!(usage.throttled, []);
}

#[tokio::test]
async fn the_pool_moves_at_the_very_request_where_the_first_ran_low() {
    let world = World::new(
        acme(vec![repository()])
            .with_user(user("ann", 9))
            .with_user(user("bob", 9)),
    )
    .await;
    let repository = world.repository("web").await;
    let client = world.about(&repository, Duration::ZERO);
    // Nine each, of which one went for finding out who they are.
    assert_eq!(
        read(&client, Kind::Issues, &repository)
            .await
            .unwrap()
            .len(),
        900
    );
    let usage = client.take_usage();
    let requests: Vec<u64> = world
        .ids
        .iter()
        .map(|id| usage.credentials[id].requests)
        .collect();
    assert_eq!(
        requests.iter().sum::<u64>(),
        world.control().statistics().requests
    );
    assert!(
        requests.iter().all(|requests| (1..=8).contains(requests)),
        "{requests:?}"
    );
    assert_eq!(world.control().statistics().refused, 0);
    assert!(!usage.choices.is_empty());
}

#[tokio::test]
async fn when_all_are_spent_it_says_until_when_and_goes_on_then() {
    let world = World::new(acme(vec![repository()]).with_user(user("ann", 5))).await;
    let repository = world.repository("web").await;
    let client = world.about(&repository, Duration::ZERO);
    let throttled = read(&client, Kind::Issues, &repository).await.unwrap_err();
    let Error::Throttled { until } = throttled else {
        panic!("{throttled}")
    };
    let wait = until - world.clock.now();
    assert!(
        wait > TimeDelta::minutes(59) && wait <= TimeDelta::seconds(3_602),
        "{wait}"
    );
    assert_eq!(world.control().statistics().refused, 0);

    // Stored and taken up again, as over a restart.
    let after = Pool::new(world.clock.clone(), Sharing::Alone);
    after.restore(world.pool.buckets());
    let spent = after
        .buckets()
        .into_iter()
        .find(|bucket| bucket.resource == Resource::core())
        .unwrap();
    assert_eq!(spent.reading.unwrap().remaining, 0);

    world.advance(3_602);
    assert_eq!(
        client
            .page(Kind::Labels, &repository, &forge::Cursor::default())
            .await
            .map(|page| page.next),
        Ok(None)
    );
    assert_eq!(world.control().statistics().refused, 0);
}

#[tokio::test]
async fn a_patient_session_waits_within_the_request() {
    let world = World::new(acme(vec![repository()]).with_user(user("ann", 5))).await;
    let repository = world.repository("web").await;
    let client = world.about(&repository, Duration::from_hours(2));
    let from = world.clock.now();
    let reading = read(&client, Kind::Issues, &repository);
    tokio::pin!(reading);
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let mut throttled = Vec::new();
    let items = loop {
        tokio::select! {
            items = &mut reading => break items.unwrap(),
            _ = look.tick() => {}
        }
        let usage = client.take_usage();
        throttled.extend(usage.throttled);
        if usage.waits > 0 {
            world.advance(3_602);
        }
    };
    throttled.extend(client.take_usage().throttled);
    assert_eq!(items.len(), 900);
    assert_eq!(world.control().statistics().refused, 0);
    assert!(
        !throttled.is_empty() && throttled[0].0 >= from,
        "{throttled:?}"
    );
}

#[tokio::test]
async fn a_token_that_dies_half_way_is_parked_at_its_first_401() {
    let world = World::new(
        acme(vec![repository()])
            .with_user(user("ann", 5_000))
            .with_user(user("bob", 100)),
    )
    .await;
    let repository = world.repository("web").await;
    let mut events = world.pool.events();
    let revoke = Mutation::RevokeTokens {
        login: "ann".to_owned(),
    };
    let fault = Fault::new(
        "/repos/acme/web/issues",
        Effect::Mutate { mutation: revoke },
    );
    world.control().fault(fault.after(2).times(1));
    let client = world.about(&repository, Duration::ZERO);
    assert_eq!(
        read(&client, Kind::Issues, &repository)
            .await
            .unwrap()
            .len(),
        900
    );
    assert!(
        matches!(events.try_recv(), Ok(Event::Died { credential, .. }) if credential == world.ids[0])
    );
    let view = world
        .pool
        .members()
        .into_iter()
        .find(|member| member.id == world.ids[0])
        .unwrap();
    assert!(matches!(view.health, Health::Dead { .. }));
    assert_eq!(client.take_usage().credentials[&world.ids[0]].refused, 1);
    // Anonymous: the host did not know the token.
    assert!(
        world
            .control()
            .statistics()
            .by_user
            .get("anonymous")
            .is_none_or(|user| user.requests <= 1)
    );
}

#[tokio::test]
async fn with_the_last_token_dead_the_work_ends() {
    let world = World::new(acme(vec![repository()]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    world.mutate(&Mutation::RevokeTokens {
        login: "ann".to_owned(),
    });
    let client = world.about(&repository, Duration::ZERO);
    for _ in 0..3 {
        let ended = client.settings(&repository).await.unwrap_err();
        assert!(
            matches!(&ended, Error::NoCredential { detail } if detail.contains("Bad credentials")),
            "{ended}"
        );
    }
    assert_eq!(client.take_usage().credentials[&world.ids[0]].requests, 1);
}

#[tokio::test]
async fn a_secondary_limit_stills_one_bucket_and_the_others_go_on() {
    for retry_after in [Some(90), None] {
        let world = World::new(
            acme(vec![repository()])
                .with_user(user("ann", 5_000))
                .with_user(user("bob", 200)),
        )
        .await;
        let repository = world.repository("web").await;
        let slow = Effect::SecondaryLimit {
            status: 403,
            retry_after,
        };
        world.control().fault(
            Fault::new("/repos/acme/web/issues", slow)
                .of("ann")
                .times(1),
        );
        let client = world.about(&repository, Duration::ZERO);
        assert_eq!(
            read(&client, Kind::Issues, &repository)
                .await
                .unwrap()
                .len(),
            900
        );
        assert_eq!(
            client.take_usage().credentials[&world.ids[0]].requests,
            1,
            "ann is left in peace"
        );

        let backoff = world
            .pool
            .buckets()
            .into_iter()
            .find_map(|bucket| bucket.backoff_until)
            .unwrap();
        let wait = (backoff - world.clock.now()).num_seconds();
        assert_eq!(wait, i64::try_from(retry_after.unwrap_or(60)).unwrap());
    }
}

#[tokio::test]
async fn a_secondary_limit_of_the_only_one_is_waited_for() {
    let world = World::new(acme(vec![repository()]).with_user(user("ann", 5_000))).await;
    let repository = world.repository("web").await;
    let slow = Effect::SecondaryLimit {
        status: 429,
        retry_after: Some(30),
    };
    world
        .control()
        .fault(Fault::new("/repos/acme/web", slow).times(1));
    let throttled = world
        .about(&repository, Duration::ZERO)
        .settings(&repository)
        .await
        .unwrap_err();
    assert_eq!(
        throttled,
        Error::Throttled {
            until: world.clock.now() + TimeDelta::seconds(30)
        }
    );
    world.advance(30);
    assert!(
        world
            .about(&repository, Duration::ZERO)
            .settings(&repository)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn graphql_has_a_budget_of_its_own() {
    let recipe = forge_sim::UserRecipe {
        graphql_quota: Some(3),
        ..user("ann", 100)
    };
    let world = World::new(acme(vec![RepositoryRecipe::small("web")]).with_user(recipe)).await;
    let throttled = world
        .client()
        .repositories(&account("acme"), None)
        .await
        .unwrap_err();
    assert!(
        matches!(throttled, Error::Throttled { .. }),
        "the query would cost more than is left: {throttled}"
    );
    assert_eq!(world.control().statistics().requests, 0);
    assert!(
        world
            .forge
            .account(
                &world.host,
                &domain::Secret::new(world.control().token("ann").unwrap()),
                "acme"
            )
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_primary_refusal_that_nobody_foresaw_moves_the_request_on() {
    let world = World::new(
        acme(vec![repository()])
            .with_user(user("ann", 5_000))
            .with_user(user("bob", 100)),
    )
    .await;
    let repository = world.repository("web").await;
    world.control().fault(
        Fault::new(
            "/repos/acme/web",
            Effect::PrimaryLimit {
                status: 429,
                reset_in: 600,
            },
        )
        .of("ann"),
    );
    let client = world.about(&repository, Duration::ZERO);
    for _ in 0..3 {
        assert!(client.settings(&repository).await.is_ok());
    }
    let usage = client.take_usage();
    assert_eq!(usage.credentials[&world.ids[0]].requests, 1);
    assert_eq!(usage.credentials[&world.ids[1]].requests, 3);
}

#[tokio::test]
async fn many_at_once_stay_within_the_limits() {
    let recipe = acme(vec![repository()])
        .with_user(user("ann", 200))
        .with_user(user("bob", 200));
    let mut options = forge_sim::Options::new(recipe);
    options.latency = Duration::from_millis(5);
    let world = World::with(options).await;
    world.let_time_pass();
    let repository = world.repository("web").await;
    let sessions = (0..25).map(|_| {
        let client = world.about(&repository, Duration::ZERO);
        let repository = repository.clone();
        tokio::spawn(async move {
            read(&client, Kind::Issues, &repository)
                .await
                .map(|items| items.len())
        })
    });
    for session in sessions.collect::<Vec<_>>() {
        assert_eq!(session.await.unwrap(), Ok(900));
    }
    let statistics = world.control().statistics();
    assert_eq!(statistics.refused, 0);
    assert!(statistics.max_in_flight <= 25, "{statistics:#?}");
}

#[tokio::test]
async fn a_restarted_process_sends_nothing_to_a_bucket_that_must_be_empty() {
    let world = World::new(acme(vec![repository()]).with_user(user("ann", 5))).await;
    let repository = world.repository("web").await;
    assert!(
        read(
            &world.about(&repository, Duration::ZERO),
            Kind::Issues,
            &repository
        )
        .await
        .is_err()
    );
    let requests = world.control().statistics().requests;

    let pool = Pool::new(world.clock.clone(), Sharing::Alone);
    pool.restore(world.pool.buckets());
    let bucket = world.pool.members().remove(0).bucket;
    let token = domain::Secret::new(world.control().token("ann").unwrap());
    pool.insert(crate::world::member(world.ids[0], "ann", bucket, token));
    let forge = forge(&pool, &world.clock);
    let throttled = forge
        .session(&world.host, world.scope())
        .settings(&repository)
        .await;
    assert!(
        matches!(throttled, Err(Error::Throttled { .. })),
        "{throttled:?}"
    );
    assert_eq!(world.control().statistics().requests, requests);
}
