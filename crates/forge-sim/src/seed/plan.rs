//! Gives every repository its id, its random seed and its place on disk before anything is written.

use std::path::{Path, PathBuf};

use super::profile;
use crate::error::Error;
use crate::git::history::Written;
use crate::recipe::{Recipe, RepositoryRecipe};
use crate::world::World;

/// A repository about to be made.
#[derive(Debug)]
pub(crate) struct RepositoryPlan {
    pub(crate) id: u64,
    pub(crate) owner_id: u64,
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) source: Plan,
    pub(crate) git: PathBuf,
    pub(crate) wiki: Option<PathBuf>,
    pub(crate) written: Written,
}

/// Where its history comes from.
#[derive(Debug)]
pub(crate) enum Plan {
    /// It is on disk already.
    Existing,
    /// It is made up.
    Grown(RepositoryRecipe),
}

pub(super) fn lay_out(
    world: &mut World,
    recipe: &Recipe,
    root: &Path,
) -> Result<Vec<RepositoryPlan>, Error> {
    let mut plans = Vec::new();
    for organization in &recipe.organizations {
        let owner_id = owner(world, &organization.login)?;
        let mut random = fastrand::Rng::with_seed(recipe.seed ^ 0x9e40);
        let made_up = (0..organization.repositories)
            .map(|index| profile::recipe(organization.profile, index, &mut random))
            .collect::<Vec<_>>();
        for repository in made_up
            .into_iter()
            .chain(organization.named.iter().cloned())
        {
            plans.push(grown(world, owner_id, repository, recipe.seed, root)?);
        }
        for source in &organization.git {
            plans.push(RepositoryPlan {
                id: world.next_id(),
                owner_id,
                name: source.name.clone(),
                seed: recipe.seed,
                source: Plan::Existing,
                git: git_directory(&source.path)?,
                wiki: None,
                written: Written::default(),
            });
        }
    }
    Ok(plans)
}

/// A plan for one made-up repository.
pub(crate) fn grown(
    world: &mut World,
    owner_id: u64,
    recipe: RepositoryRecipe,
    seed: u64,
    root: &Path,
) -> Result<RepositoryPlan, Error> {
    if recipe.name.is_empty() || recipe.name.contains('/') {
        return Err(Error::Invalid(format!(
            "{:?} is no repository name",
            recipe.name
        )));
    }
    let id = world.next_id();
    let git = root.join(format!("{id}.git"));
    let wiki = recipe.wiki.then(|| root.join(format!("{id}.wiki.git")));
    Ok(RepositoryPlan {
        id,
        owner_id,
        name: recipe.name.clone(),
        seed: seed.wrapping_mul(0x5851_f42d).wrapping_add(id),
        source: Plan::Grown(recipe),
        git,
        wiki,
        written: Written::default(),
    })
}

fn owner(world: &World, login: &str) -> Result<u64, Error> {
    world
        .account(login)
        .map(|account| account.id)
        .ok_or_else(|| Error::Unknown(format!("organization {login}")))
}

/// The folder with `HEAD`, of a bare repository or of one with a work tree.
fn git_directory(path: &Path) -> Result<PathBuf, Error> {
    [path.to_owned(), path.join(".git")]
        .into_iter()
        .find(|candidate| candidate.join("HEAD").is_file())
        .ok_or_else(|| Error::Invalid(format!("{} is no git repository", path.display())))
        .and_then(|found| found.canonicalize().map_err(Error::file(path)))
}
