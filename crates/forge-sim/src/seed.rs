//! Makes a world from a recipe: first what people wrote, which is quick and in order, then the git repositories side by side.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::Error;
use crate::git::history::{self, Written};
use crate::lock::lock;
use crate::recipe::Recipe;
use crate::world::World;

mod accounts;
pub(crate) mod metadata;
pub(crate) mod plan;
mod profile;
pub(crate) mod words;

pub(crate) use accounts::Contributors;
pub(crate) use plan::{Plan, RepositoryPlan};

/// A quota that a recipe gives to a user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuotaOverride {
    pub(crate) user_id: u64,
    pub(crate) core: u64,
    pub(crate) graphql: u64,
}

/// The beginning of history: worlds do not depend on the day they are made.
pub(crate) fn epoch() -> DateTime<Utc> {
    DateTime::from_timestamp(1_577_836_800, 0).unwrap_or_default()
}

/// `days` after the beginning of history, with a made-up time of day.
pub(crate) fn day(days: i64, random: &mut fastrand::Rng) -> DateTime<Utc> {
    epoch() + TimeDelta::days(days) + TimeDelta::seconds(random.i64(0..86_400))
}

/// A new world whose git repositories lie under `root`.
pub(crate) fn grow(
    recipe: &Recipe,
    root: &Path,
    now: DateTime<Utc>,
) -> Result<(World, Vec<QuotaOverride>), Error> {
    let mut world = World::default();
    let (contributors, quotas) = accounts::grow(&mut world, recipe, now)?;
    let mut plans = plan::lay_out(&mut world, recipe, root)?;
    write_histories(&mut plans, &contributors, &world)?;
    for plan in plans {
        let repository = metadata::grow(&mut world, plan, &contributors)?;
        world.repositories.insert(repository.id, repository);
    }
    Ok((world, quotas))
}

/// Writes the git side of every plan, a few at a time: each is mostly the start of a process.
fn write_histories(
    plans: &mut [RepositoryPlan],
    contributors: &Contributors,
    world: &World,
) -> Result<(), Error> {
    let threads = std::thread::available_parallelism().map_or(2, NonZeroUsize::get) * 2;
    let queue = Mutex::new(plans.iter_mut());
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(plan) = lock(&queue).next() else {
                        return;
                    };
                    match write_history(plan, contributors, world) {
                        Ok(written) => plan.written = written,
                        Err(error) => {
                            lock(&failure).get_or_insert(error);
                            return;
                        }
                    }
                }
            });
        }
    });
    failure
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .map_or(Ok(()), Err)
}

fn write_history(
    plan: &RepositoryPlan,
    contributors: &Contributors,
    world: &World,
) -> Result<Written, Error> {
    match &plan.source {
        Plan::Existing => Ok(history::read_existing(&plan.git)),
        Plan::Grown(recipe) => {
            if recipe.wiki {
                history::write_wiki(plan, contributors, world)?;
            }
            history::write(plan, recipe, contributors, world)
        }
    }
}
