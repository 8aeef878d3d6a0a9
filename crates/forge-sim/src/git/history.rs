//! Makes up histories: commits, branches, tags, pull request heads, wikis, and later pushes to them.

use std::path::Path;

use chrono::TimeDelta;

use super::refs;
use super::stream::{Commit, Parent, Signature, Stream};
use crate::error::Error;
use crate::recipe::RepositoryRecipe;
use crate::seed::{Contributors, RepositoryPlan, day, words};
use crate::world::{Content, World};

/// What was written, for the things that refer to commits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    /// The default branch.
    pub(crate) default_branch: String,
    /// Its commits, oldest first; only the newest of a repository that existed before.
    pub(crate) commits: Vec<String>,
    /// Both ends of each pull request, in the order of their numbers.
    pub(crate) pulls: Vec<PullEnds>,
    /// Git LFS objects by SHA-256.
    pub(crate) lfs: Vec<(String, Content)>,
}

/// Where a pull request begins and ends.
#[derive(Debug, Clone)]
pub(crate) struct PullEnds {
    pub(crate) number: u64,
    pub(crate) head_sha: String,
    pub(crate) base_sha: String,
}

/// The name of the branch of a pull request.
pub(crate) fn head_ref(number: u64) -> String {
    format!("topic-{number}")
}

/// What happened to a made-up pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    Merged,
    Closed,
}

/// The fate is decided by the number alone, so that git and metadata agree.
pub(crate) fn fate(number: u64) -> Fate {
    match number % 3 {
        0 => Fate::Open,
        1 => Fate::Merged,
        _ => Fate::Closed,
    }
}

/// Spreads pull requests evenly over the numbers that they share with issues.
pub(crate) fn pull_numbers(issues: u64, pulls: u64) -> Vec<u64> {
    let total = issues + pulls;
    (1..=total)
        .filter(|number| number * pulls / total > (number - 1) * pulls / total)
        .collect()
}

/// Writes the bare repository of a plan.
pub(crate) fn write(
    plan: &RepositoryPlan,
    recipe: &RepositoryRecipe,
    contributors: &Contributors,
    world: &World,
) -> Result<Written, Error> {
    create(&plan.git, "main")?;
    let mut written = Written {
        default_branch: "main".to_owned(),
        ..Written::default()
    };
    if recipe.commits == 0 {
        return Ok(written);
    }
    let mut random = fastrand::Rng::with_seed(plan.seed);
    let mut stream = Stream::default();
    written.lfs = lfs_contents(plan.seed, recipe.lfs_objects);

    let mut signature = sign(contributors, world, &mut random, 0);
    let mut main = 0;
    for index in 0..recipe.commits {
        let date_index = i64::try_from(index).unwrap_or(0);
        signature = sign(contributors, world, &mut random, date_index);
        let mut files = changed_files(recipe, index, &mut random);
        if index == 0 {
            files.extend(lfs_pointers(&written.lfs));
        }
        let message = words::title(&mut random);
        main = stream.commit(&Commit {
            reference: "refs/heads/main",
            parent: (index > 0).then_some(Parent::Mark(main)),
            signature: &signature,
            message: &message,
            files: &files,
        });
    }
    for release in 1..=recipe.releases {
        stream.tag(&tag_name(release), main, &signature, "A release");
    }
    if recipe.commits > 2 {
        stream.reset("refs/heads/develop", main - 1);
        stream.reset("refs/heads/feature/first", 1);
        stream.reset("refs/tags/begin", 1);
    }
    let mut ends = Vec::new();
    for number in pull_numbers(recipe.issues, recipe.pulls) {
        let base = random.usize(1..=main);
        let file = (
            format!("topics/{number}.txt"),
            words::lines(&mut random, 300),
        );
        let head = stream.commit(&Commit {
            reference: &format!("refs/pull/{number}/head"),
            parent: Some(Parent::Mark(base)),
            signature: &signature,
            message: &words::title(&mut random),
            files: &[file],
        });
        if fate(number) == Fate::Open {
            stream.reset(&format!("refs/heads/{}", head_ref(number)), head);
        }
        ends.push((number, head, base));
    }
    let ids = stream.import(&plan.git)?;
    let id = |mark: usize| ids.get(&mark).cloned().unwrap_or_default();
    written.commits = (1..=main).map(id).collect();
    written.pulls = ends
        .into_iter()
        .map(|(number, head, base)| PullEnds {
            number,
            head_sha: id(head),
            base_sha: id(base),
        })
        .collect();
    Ok(written)
}

/// The tag of the release with this number.
pub(crate) fn tag_name(release: u64) -> String {
    format!("v0.{release}.0")
}

/// Writes the wiki of a plan.
pub(crate) fn write_wiki(
    plan: &RepositoryPlan,
    contributors: &Contributors,
    world: &World,
) -> Result<(), Error> {
    let Some(wiki) = &plan.wiki else {
        return Ok(());
    };
    create(wiki, "master")?;
    let mut random = fastrand::Rng::with_seed(plan.seed ^ 0x3141);
    let mut stream = Stream::default();
    let mut mark = 0;
    for index in 0..3 {
        let page = if index == 0 {
            "Home.md".to_owned()
        } else {
            format!("Page-{index}.md")
        };
        let signature = sign(contributors, world, &mut random, index);
        mark = stream.commit(&Commit {
            reference: "refs/heads/master",
            parent: (index > 0).then_some(Parent::Mark(mark)),
            signature: &signature,
            message: "Edit a page",
            files: &[(page, words::text(&mut random))],
        });
    }
    stream.import(wiki).map(drop)
}

/// What is known of a repository that the simulator did not make.
pub(crate) fn read_existing(git: &Path) -> Written {
    let branches = refs::branches(git);
    let default_branch = refs::default_branch(git)
        .filter(|name| branches.contains_key(name))
        .or_else(|| branches.keys().next().cloned())
        .unwrap_or_else(|| "main".to_owned());
    let commits = branches.get(&default_branch).cloned().into_iter().collect();
    Written {
        default_branch,
        commits,
        ..Written::default()
    }
}

/// A bare repository without a commit, as `git init --bare` would leave it, less the sample hooks. What an earlier run
/// left there is removed.
pub(crate) fn create(git: &Path, default_branch: &str) -> Result<(), Error> {
    if git.exists() {
        std::fs::remove_dir_all(git).map_err(Error::file(git))?;
    }
    for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        std::fs::create_dir_all(git.join(folder)).map_err(Error::file(git))?;
    }
    let config = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";
    std::fs::write(git.join("config"), config).map_err(Error::file(git))?;
    let head = format!("ref: refs/heads/{default_branch}\n");
    std::fs::write(git.join("HEAD"), head).map_err(Error::file(git))
}

fn sign(
    contributors: &Contributors,
    world: &World,
    random: &mut fastrand::Rng,
    days: i64,
) -> Signature {
    Signature {
        name: world.login(contributors.pick(random)).to_owned(),
        at: day(days, random) + TimeDelta::hours(1),
    }
}

/// The first commit writes every file, the others one or two of them.
fn changed_files(
    recipe: &RepositoryRecipe,
    index: u64,
    random: &mut fastrand::Rng,
) -> Vec<(String, String)> {
    let files = recipe.files.max(1);
    let numbers = if index == 0 {
        (0..files).collect()
    } else {
        vec![random.u64(0..files), random.u64(0..files)]
    };
    let mut changed = Vec::new();
    for number in numbers {
        let path = match number {
            0 => "README.md".to_owned(),
            _ => format!("src/part-{}/file-{number}.txt", number % 7),
        };
        let size = random.usize(100..3_000);
        changed.push((path, words::lines(random, size)));
    }
    changed
}

fn lfs_contents(seed: u64, count: u64) -> Vec<(String, Content)> {
    (0..count)
        .map(|index| {
            let content = Content {
                seed: seed.wrapping_add(index).wrapping_mul(31),
                size: 20_000 + index * 7_001,
            };
            (content.sha256(), content)
        })
        .collect()
}

/// Pointer files as the Git LFS specification has them.
fn lfs_pointers(objects: &[(String, Content)]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for (index, (oid, content)) in objects.iter().enumerate() {
        let pointer = format!(
            "version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {}\n",
            content.size
        );
        files.push((format!("media/file-{index}.bin"), pointer));
    }
    if !files.is_empty() {
        let attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n";
        files.push((".gitattributes".to_owned(), attributes.to_owned()));
    }
    files
}
