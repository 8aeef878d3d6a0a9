//! How large made-up repositories are.

use super::words;
use crate::recipe::{Profile, RepositoryRecipe};

/// The largest repository of a mixed organization, in units of the smallest.
const LARGEST: f64 = 120.0;

/// The recipe of the made-up repository with this index.
pub(super) fn recipe(
    profile: Profile,
    index: usize,
    random: &mut fastrand::Rng,
) -> RepositoryRecipe {
    let name = words::slug(random, index + 1);
    match profile {
        Profile::Tiny => RepositoryRecipe::tiny(&name),
        Profile::Small => RepositoryRecipe {
            private: random.u8(0..5) > 0,
            ..RepositoryRecipe::small(&name)
        },
        Profile::Mixed => mixed(&name, index, random),
    }
}

fn mixed(name: &str, index: usize, random: &mut fastrand::Rng) -> RepositoryRecipe {
    let weight = pareto(0.8, random);
    let mut recipe = RepositoryRecipe {
        name: name.to_owned(),
        commits: 3 + weight * 3,
        files: 2 + weight,
        issues: weight * 2,
        pulls: weight,
        comments_per_issue: weight.min(4),
        reviews_per_pull: weight.min(2),
        review_comments_per_pull: weight.min(3),
        labels: 3 + weight.min(12),
        milestones: weight.min(5),
        releases: weight.min(8) / 2,
        assets_per_release: 2,
        asset_bytes: 8_000 * weight,
        private: random.u8(0..5) > 0,
        ..RepositoryRecipe::default()
    };
    match index % 20 {
        2 => recipe.wiki = true,
        5 => recipe.lfs_objects = 3,
        8 => {
            recipe = RepositoryRecipe {
                name: recipe.name,
                private: recipe.private,
                ..RepositoryRecipe::default()
            };
        }
        11 => recipe.archived = true,
        14 => recipe.fork = true,
        17 => {
            recipe.wiki = true;
            recipe.lfs_objects = 2;
        }
        _ => {}
    }
    recipe
}

/// A whole number from 1 on, small mostly and large seldom.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped between 1 and the largest"
)]
fn pareto(alpha: f64, random: &mut fastrand::Rng) -> u64 {
    let uniform = 1.0 - random.f64();
    uniform.powf(-1.0 / alpha).clamp(1.0, LARGEST) as u64
}
