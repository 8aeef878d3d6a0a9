//! Worlds: the same seed makes the same one, of any size and quickly.

use std::collections::BTreeSet;
use std::process::Command;

use forge_sim::control::RepositorySummary;
use forge_sim::{GitSource, Options, Profile, Recipe, UserRecipe};

use crate::harness::{Sim, recipe};

async fn repositories(recipe: Recipe) -> Vec<RepositorySummary> {
    let sim = Sim::with(Options::new(recipe)).await;
    let world = sim.control().world();
    world
        .repositories()
        .map(|repository| RepositorySummary {
            git: "/".into(),
            ..repository.clone()
        })
        .collect()
}

#[tokio::test]
async fn the_same_seed_makes_the_same_world() {
    let mixed =
        || Recipe::organization("acme", 25, Profile::Mixed).with_user(UserRecipe::member("ann"));
    let one = repositories(mixed().with_seed(7)).await;
    assert_eq!(one, repositories(mixed().with_seed(7)).await);
    assert_ne!(one, repositories(mixed().with_seed(8)).await);
}

#[tokio::test]
async fn a_mixed_organization_has_one_of_everything() {
    let world = repositories(Recipe::organization("acme", 40, Profile::Mixed)).await;
    let sizes = world
        .iter()
        .map(|repository| repository.counts.issues)
        .collect::<BTreeSet<_>>();
    assert!(sizes.len() > 5 && sizes.last().unwrap() > &40, "{sizes:?}");
    assert!(world.iter().any(|repository| repository.empty));
    assert!(world.iter().any(|repository| repository.archived));
    assert!(world.iter().any(|repository| repository.fork));
    assert!(
        world
            .iter()
            .any(|repository| repository.wiki_refs.is_some())
    );
    assert!(
        world
            .iter()
            .any(|repository| !repository.lfs_objects.is_empty())
    );
    assert!(world.iter().any(|repository| repository.private) && world.iter().any(|r| !r.private));
}

#[tokio::test]
async fn tokens_have_the_shapes_of_github() {
    let fine = UserRecipe {
        token: forge_sim::world::TokenKind::FineGrained,
        ..UserRecipe::member("fay")
    };
    let sim = Sim::with(Options::new(recipe().with_user(fine))).await;
    let classic = sim.token("ann");
    assert!(classic.starts_with("ghp_") && classic.len() == 40);
    let fine = sim.token("fay");
    assert!(fine.starts_with("github_pat_") && fine.len() == 93);
    let user = sim.get_as(Some("fay"), "/user", &[]).await;
    assert_eq!(
        user.header("x-oauth-scopes"),
        "",
        "only classic tokens have scopes"
    );
    let shown = sim.control().with_world(|world| format!("{world:?}"));
    assert!(!shown.contains(&classic));
}

#[tokio::test]
async fn an_existing_repository_is_served_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    git(&["init", "-q", "-b", "trunk"]);
    git(&["commit", "-q", "--allow-empty", "-m", "one"]);
    let mut recipe = recipe();
    recipe.organizations[0].git = vec![GitSource {
        name: "real".to_owned(),
        path: folder.path().to_owned(),
    }];
    let sim = Sim::with(Options::new(recipe)).await;
    let world = sim.control().world();
    let real = world.repository("acme/real").unwrap();
    assert_eq!(real.default_branch, "trunk");
    assert_eq!(real.refs.len(), 1);
    let push = forge_sim::Mutation::Push {
        repository: "acme/real".to_owned(),
        branch: None,
        commits: 1,
        forced: false,
    };
    assert!(sim.control().mutate(&push).is_err());
}

#[test]
fn a_recipe_says_what_it_does_not_understand() {
    let error = serde_json::from_str::<Recipe>(r#"{"organisations": []}"#)
        .unwrap_err()
        .to_string();
    assert!(error.contains("unknown field"), "{error}");
}
