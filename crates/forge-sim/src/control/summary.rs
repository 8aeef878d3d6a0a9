//! What exists, in counts and references: enough to compare a copy with its source.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::git::refs;
use crate::world::{Account, AccountKind, Repository, World};

/// Everything that exists.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorldSummary {
    /// Organizations by login.
    pub organizations: Vec<OrganizationSummary>,
    /// Users that have a token, without their tokens.
    pub users: Vec<UserSummary>,
}

/// An organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrganizationSummary {
    /// The login.
    pub login: String,
    /// The id.
    pub id: u64,
    /// Its repositories, by name.
    pub repositories: Vec<RepositorySummary>,
}

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UserSummary {
    /// The login.
    pub login: String,
    /// The id.
    pub id: u64,
}

/// A repository.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, as GitHub lists them"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositorySummary {
    /// The id.
    pub id: u64,
    /// The name.
    pub name: String,
    /// `owner/name`.
    pub full_name: String,
    /// Seen by members only.
    pub private: bool,
    /// Read only.
    pub archived: bool,
    /// A fork.
    pub fork: bool,
    /// Blocked by the host.
    pub blocked: bool,
    /// Whether there is no branch.
    pub empty: bool,
    /// The default branch.
    pub default_branch: String,
    /// Topics.
    pub topics: Vec<String>,
    /// How much of everything there is.
    pub counts: Counts,
    /// References and the objects they name.
    pub refs: BTreeMap<String, String>,
    /// The same of the wiki; none when it has no page.
    pub wiki_refs: Option<BTreeMap<String, String>>,
    /// Sizes of Git LFS objects by SHA-256.
    pub lfs_objects: BTreeMap<String, u64>,
    /// SHA-256 of release files by `tag/name`.
    pub assets: BTreeMap<String, String>,
    /// Where the git repository lies.
    pub git: PathBuf,
}

/// How much there is in a repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Labels.
    pub labels: usize,
    /// Milestones.
    pub milestones: usize,
    /// Issues, pull requests not counted.
    pub issues: usize,
    /// Pull requests.
    pub pulls: usize,
    /// Comments on issues and pull requests.
    pub issue_comments: usize,
    /// Reviews.
    pub reviews: usize,
    /// Comments on lines.
    pub review_comments: usize,
    /// Releases.
    pub releases: usize,
    /// Files of releases.
    pub assets: usize,
}

impl WorldSummary {
    pub(super) fn of(world: &World) -> Self {
        let accounts = world.accounts.values();
        let organizations = accounts
            .clone()
            .filter(|account| account.kind == AccountKind::Organization)
            .map(|account| OrganizationSummary::of(account, world))
            .collect();
        let users = accounts
            .filter(|account| world.tokens.iter().any(|token| token.user_id == account.id))
            .map(|account| UserSummary {
                login: account.login.clone(),
                id: account.id,
            })
            .collect();
        Self {
            organizations,
            users,
        }
    }

    /// All repositories.
    pub fn repositories(&self) -> impl Iterator<Item = &RepositorySummary> {
        self.organizations
            .iter()
            .flat_map(|organization| &organization.repositories)
    }

    /// The repository `owner/name`.
    pub fn repository(&self, full_name: &str) -> Option<&RepositorySummary> {
        self.repositories()
            .find(|repository| repository.full_name == full_name)
    }
}

impl OrganizationSummary {
    fn of(account: &Account, world: &World) -> Self {
        let mut repositories = world
            .repositories_of(account.id)
            .map(|repository| RepositorySummary::of(repository, world))
            .collect::<Vec<_>>();
        repositories.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            login: account.login.clone(),
            id: account.id,
            repositories,
        }
    }
}

impl RepositorySummary {
    fn of(repository: &Repository, world: &World) -> Self {
        let assets = repository.releases.iter().flat_map(|release| {
            release.assets.iter().map(|asset| {
                (
                    format!("{}/{}", release.tag_name, asset.name),
                    asset.sha256.clone(),
                )
            })
        });
        Self {
            id: repository.id,
            name: repository.name.clone(),
            full_name: world.full_name(repository),
            private: repository.private,
            archived: repository.archived,
            fork: repository.fork,
            blocked: repository.block.is_some(),
            empty: refs::is_empty(&repository.git),
            default_branch: repository.default_branch.clone(),
            topics: repository.topics.clone(),
            counts: Counts::of(repository),
            refs: refs::all(&repository.git),
            wiki_refs: repository.wiki.as_deref().map(refs::all),
            lfs_objects: repository
                .lfs_objects
                .iter()
                .map(|(oid, object)| (oid.clone(), object.content.size))
                .collect(),
            assets: assets.collect(),
            git: repository.git.clone(),
        }
    }
}

impl Counts {
    fn of(repository: &Repository) -> Self {
        let pulls = || repository.pulls().filter_map(|issue| issue.pull.as_ref());
        Self {
            labels: repository.labels.len(),
            milestones: repository.milestones.len(),
            issues: repository.plain_issues().count(),
            pulls: pulls().count(),
            issue_comments: repository
                .issues
                .values()
                .map(|issue| issue.comments.len())
                .sum(),
            reviews: pulls().map(|pull| pull.reviews.len()).sum(),
            review_comments: pulls().map(|pull| pull.comments.len()).sum(),
            releases: repository.releases.len(),
            assets: repository
                .releases
                .iter()
                .map(|release| release.assets.len())
                .sum(),
        }
    }
}
