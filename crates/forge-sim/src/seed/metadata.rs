//! What people wrote in a repository: labels, milestones, issues, pull requests, releases.

use chrono::{DateTime, Utc};

use super::{Contributors, Plan, RepositoryPlan, day, words};
use crate::error::Error;
use crate::recipe::RepositoryRecipe;
use crate::world::{LfsObject, License, Repository, World};

mod issues;
mod labels;
mod pulls;
mod releases;

const LICENSES: [License; 3] = [
    License {
        key: "mit",
        name: "MIT License",
        spdx_id: "MIT",
    },
    License {
        key: "apache-2.0",
        name: "Apache License 2.0",
        spdx_id: "Apache-2.0",
    },
    License {
        key: "gpl-3.0",
        name: "GNU General Public License v3.0",
        spdx_id: "GPL-3.0",
    },
];

const LANGUAGES: [&str; 5] = ["Rust", "Go", "Python", "TypeScript", "Shell"];

/// Makes things for one repository; holds what all of them need.
struct Grower<'a> {
    world: &'a mut World,
    contributors: &'a Contributors,
    random: fastrand::Rng,
    recipe: RepositoryRecipe,
}

pub(crate) fn grow(
    world: &mut World,
    plan: RepositoryPlan,
    contributors: &Contributors,
) -> Result<Repository, Error> {
    let recipe = match plan.source {
        Plan::Existing => RepositoryRecipe::default(),
        Plan::Grown(recipe) => recipe,
    };
    if recipe.commits == 0 && (recipe.pulls > 0 || recipe.releases > 0 || recipe.lfs_objects > 0) {
        let name = &plan.name;
        return Err(Error::Invalid(format!(
            "{name} has no commit that pull requests, releases or LFS objects could belong to"
        )));
    }
    let mut grower = Grower {
        world,
        contributors,
        random: fastrand::Rng::with_seed(plan.seed ^ 0x6e7a),
        recipe,
    };
    let commits = plan.written.commits;
    let labels = grower.labels();
    let milestones = grower.milestones();
    let issues = grower.issues(&plan.written.pulls, &commits, &labels, &milestones);
    let releases = grower.releases(commits.last());
    let Grower {
        mut random, recipe, ..
    } = grower;
    let commit_days = i64::try_from(recipe.commits).unwrap_or(0);
    let pushed_at = day(commit_days, &mut random);
    Ok(Repository {
        id: plan.id,
        owner_id: plan.owner_id,
        name: plan.name,
        description: (random.u8(0..4) > 0).then(|| words::title(&mut random)),
        homepage: (random.u8(0..4) == 0).then(|| "https://example.com/".to_owned()),
        private: recipe.private,
        archived: recipe.archived,
        disabled: false,
        template: false,
        fork: recipe.fork,
        block: None,
        has_issues: true,
        has_wiki: true,
        default_branch: plan.written.default_branch,
        topics: (0..random.usize(0..4))
            .map(|_| words::word(&mut random).to_owned())
            .collect(),
        license: random
            .bool()
            .then(|| *random.choice(&LICENSES).unwrap_or(&LICENSES[0])),
        language: random.choice(LANGUAGES).map(str::to_owned),
        stars: random.u64(0..500),
        size_kib: recipe.commits * 4 + recipe.files,
        created_at: day(-1, &mut random),
        updated_at: pushed_at,
        pushed_at,
        labels,
        milestones,
        last_number: issues.keys().next_back().copied().unwrap_or(0),
        issues,
        releases,
        lfs_objects: plan
            .written
            .lfs
            .into_iter()
            .map(|(oid, content)| (oid, LfsObject { content }))
            .collect(),
        git: plan.git,
        wiki: plan.wiki,
    })
}

impl Grower<'_> {
    /// Somebody, whose account may be gone by now.
    fn author(&mut self) -> u64 {
        if self.random.u8(0..25) == 0 {
            0
        } else {
            self.contributors.pick(&mut self.random)
        }
    }

    fn moment(&mut self, days: i64) -> DateTime<Utc> {
        day(days + 2, &mut self.random)
    }
}
