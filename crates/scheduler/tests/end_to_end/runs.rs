use domain::{RunState, Selection};
use forge_sim::{Mutation, Profile, Recipe, RepositoryRecipe};
use sqlx::PgPool;

use crate::world::{LOGIN, Setting, World};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_hundred_unchanged_repositories_cost_three_requests(pool: PgPool) {
    let recipe = Recipe::organization(LOGIN, 100, Profile::Tiny);
    let world = World::make(&pool, Setting::of(recipe)).await;
    let plan = world.add_plan(&[]).await;
    let scheduler = world.start("a", 16).await;

    let first = world.run(plan).await;
    assert_eq!(first.state, RunState::Complete, "{first:#?}");
    assert_eq!(first.tally.complete, 100);
    assert_eq!(world.snapshots().await.len(), 100);

    world.simulator.control().reset_statistics();
    let second = world.run(plan).await;
    assert_eq!(second.state, RunState::Complete, "{second:#?}");
    assert_eq!(second.tally.unchanged, 100);
    let statistics = world.simulator.control().statistics();
    assert!(statistics.requests <= 3, "{statistics:#?}");
    assert_eq!(
        second
            .credentials
            .iter()
            .map(|one| one.requests)
            .sum::<u64>(),
        statistics.requests
    );
    assert_eq!(world.snapshots().await.len(), 100);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_changed_is_fetched_and_nothing_else(pool: PgPool) {
    let recipe = Recipe::named(
        LOGIN,
        vec![
            RepositoryRecipe::small("one"),
            RepositoryRecipe {
                wiki: true,
                ..RepositoryRecipe::small("two")
            },
            RepositoryRecipe::small("three"),
        ],
    );
    let world = World::make(&pool, Setting::of(recipe)).await;
    let plan = world.add_plan(&[]).await;
    let scheduler = world.start("a", 4).await;
    let first = world.run(plan).await;
    assert_eq!(first.state, RunState::Complete, "{first:#?}");

    let control = world.simulator.control();
    let repository = |name: &str| format!("{LOGIN}/{name}");
    control
        .mutate(&Mutation::AddIssue {
            repository: repository("one"),
            title: "new".to_owned(),
            body: None,
        })
        .unwrap();
    control
        .mutate(&Mutation::PushWiki {
            repository: repository("two"),
        })
        .unwrap();
    let second = world.run(plan).await;
    assert_eq!(second.tally.complete, 2, "{second:#?}");
    assert_eq!(second.tally.unchanged, 1);
    assert_eq!(world.snapshots().await.len(), 5);
    assert_eq!(world.refused(), 0);
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_chosen_repository_that_is_not_listed_fails_with_a_sentence_and_keeps_its_snapshots(
    pool: PgPool,
) {
    let recipe = Recipe::organization(LOGIN, 0, Profile::Tiny);
    let mut recipe = recipe;
    recipe.organizations[0].named = vec![
        RepositoryRecipe::tiny("stays"),
        RepositoryRecipe::tiny("goes"),
    ];
    let world = World::make(&pool, Setting::of(recipe)).await;
    let chosen = ["acme/stays", "acme/goes", "acme/never"];
    let selection = Selection::Chosen(chosen.map(|name| name.parse().unwrap()).to_vec());
    let plan = world.add_plan_for(selection, None, &[]).await;
    let scheduler = world.start("a", 4).await;

    let first = world.run(plan).await;
    assert_eq!(first.state, RunState::Failed);
    assert_eq!(
        (first.tally.complete, first.tally.failed),
        (2, 1),
        "{first:#?}"
    );
    assert!(first.cause.unwrap().contains("does not list acme/never"));

    world
        .simulator
        .control()
        .mutate(&Mutation::DeleteRepository {
            repository: "acme/goes".to_owned(),
        })
        .unwrap();
    let second = world.run(plan).await;
    assert_eq!(
        (second.tally.unchanged, second.tally.failed),
        (1, 2),
        "{second:#?}"
    );
    let snapshots = world.snapshots().await;
    assert_eq!(snapshots.len(), 2);
    assert!(snapshots.iter().any(|one| one.repository_gone));
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_storage_that_is_away_fails_the_run_with_what_to_do(pool: PgPool) {
    let recipe = Recipe::organization(LOGIN, 3, Profile::Tiny);
    let world = World::make(&pool, Setting::of(recipe)).await;
    let storage = world.folder.path().join("storage");
    std::fs::remove_dir(&storage).unwrap();
    let plan = world.add_plan(&[]).await;
    let scheduler = world.start("a", 4).await;
    let run = world.run(plan).await;
    assert_eq!(run.state, RunState::Failed, "{run:#?}");
    assert!(
        run.cause
            .unwrap()
            .contains("Check that the storage \"disk\" is there")
    );

    std::fs::create_dir(&storage).unwrap();
    let mended = world.run(plan).await;
    assert_eq!(mended.state, RunState::Complete, "{mended:#?}");
    scheduler.drain().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_plan_keeps_as_many_snapshots_as_its_rule_says(pool: PgPool) {
    let recipe = Recipe::named(LOGIN, vec![RepositoryRecipe::tiny("one")]);
    let world = World::make(&pool, Setting::of(recipe)).await;
    let plan = world.add_plan(&[]).await;
    world
        .scoped
        .edit_plan(
            plan,
            store::PlanChange {
                retention: Some(domain::Retention::parse("last=1").unwrap()),
                ..store::PlanChange::default()
            },
        )
        .await
        .unwrap();
    let scheduler = world.start("a", 4).await;
    assert_eq!(world.run(plan).await.state, RunState::Complete);
    let first = world.snapshots().await;
    world
        .simulator
        .control()
        .mutate(&Mutation::Push {
            repository: "acme/one".to_owned(),
            branch: None,
            commits: 1,
            forced: false,
        })
        .unwrap();
    assert_eq!(world.run(plan).await.state, RunState::Complete);
    world
        .eventually("the first snapshot is forgotten", async || {
            let now = world.snapshots().await;
            now.len() == 1 && now[0].restic_id != first[0].restic_id
        })
        .await;
    scheduler.drain().await;
}
