//! What a world is to be made of, readable from JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::world::{Role, TokenKind};

/// A world to be made. The same recipe and seed give the same world, down to git object ids.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// Decides everything that is random.
    pub seed: u64,
    /// The organizations.
    pub organizations: Vec<OrganizationRecipe>,
    /// The users that hold a token.
    pub users: Vec<UserRecipe>,
}

/// An organization to be made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrganizationRecipe {
    /// Its login.
    pub login: String,
    /// How many repositories to make up.
    pub repositories: usize,
    /// How large those are.
    pub profile: Profile,
    /// Further repositories, described one by one.
    pub named: Vec<RepositoryRecipe>,
    /// Further repositories that exist already on disk.
    pub git: Vec<GitSource>,
}

/// An existing git repository, bare or not, served as a repository of an organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitSource {
    /// The name to serve it by.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// How large made-up repositories are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Five commits, nothing else.
    #[default]
    Tiny,
    /// A dozen commits and a handful of everything.
    Small,
    /// Many small ones and a few large ones; some with wiki or LFS, one empty, one archived, one fork.
    Mixed,
}

/// A repository to be made.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as GitHub has them"
)]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepositoryRecipe {
    /// The name.
    pub name: String,
    /// Commits on the default branch; none makes an empty repository.
    pub commits: u64,
    /// Files in the newest commit.
    pub files: u64,
    /// Issues, pull requests not counted.
    pub issues: u64,
    /// Pull requests.
    pub pulls: u64,
    /// Comments on each issue and each pull request.
    pub comments_per_issue: u64,
    /// Reviews of each pull request.
    pub reviews_per_pull: u64,
    /// Comments on lines of each pull request.
    pub review_comments_per_pull: u64,
    /// Labels.
    pub labels: u64,
    /// Milestones.
    pub milestones: u64,
    /// Releases, each with its tag.
    pub releases: u64,
    /// Files of each release.
    pub assets_per_release: u64,
    /// Size of each of these files.
    pub asset_bytes: u64,
    /// Files kept by Git LFS.
    pub lfs_objects: u64,
    /// Whether the wiki has pages.
    pub wiki: bool,
    /// Whether only members see it.
    pub private: bool,
    /// Whether it is read only.
    pub archived: bool,
    /// Whether it is a fork of another account's repository.
    pub fork: bool,
}

/// A user to be made, with a token.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserRecipe {
    /// The login.
    pub login: String,
    /// The numeric id, if it matters.
    pub id: Option<u64>,
    /// The shape of the token.
    pub token: TokenKind,
    /// The scopes of a classic token; when absent those a backup needs.
    pub scopes: Option<Vec<String>>,
    /// Seconds until the token expires.
    pub expires_in: Option<i64>,
    /// Further tokens of the same user and shape, which share its quota.
    pub more_tokens: usize,
    /// REST requests per window instead of the usual limit, and GraphQL points unless told apart.
    pub quota: Option<u64>,
    /// GraphQL points per window instead of the usual limit.
    pub graphql_quota: Option<u64>,
    /// Member or admin of every organization.
    pub role: Role,
    /// Not a member of anything: sees public repositories only.
    pub outsider: bool,
    /// The private repositories the user can see; all when absent. Public ones are seen by everybody.
    pub sees: Option<Vec<String>>,
}

/// An app to be made while the simulator runs.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as GitHub has them"
)]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppRecipe {
    /// The name for people; the one in addresses follows from it.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// An OAuth app rather than a GitHub App.
    pub oauth: bool,
    /// Whether others may install it.
    pub public: bool,
    /// What it asks for.
    pub permissions: BTreeMap<String, String>,
    /// Events that it is told of.
    pub events: Vec<String>,
    /// Where people are sent back to.
    pub callback_urls: Vec<String>,
    /// Where people are sent after an installation that asks for no authorization.
    pub setup_url: Option<String>,
    /// Where it is told of events.
    pub hook_url: Option<String>,
    /// Whether who installs it also authorizes it.
    pub request_oauth_on_install: bool,
    /// Whether its users' tokens end and come with a refresh token.
    pub expiring_user_tokens: bool,
}

impl Recipe {
    /// One organization of made-up repositories.
    pub fn organization(login: &str, repositories: usize, profile: Profile) -> Self {
        Self {
            organizations: vec![OrganizationRecipe {
                login: login.to_owned(),
                repositories,
                profile,
                ..OrganizationRecipe::default()
            }],
            ..Self::default()
        }
    }

    /// One organization of the described repositories.
    pub fn named(login: &str, named: Vec<RepositoryRecipe>) -> Self {
        Self {
            organizations: vec![OrganizationRecipe {
                login: login.to_owned(),
                named,
                ..OrganizationRecipe::default()
            }],
            ..Self::default()
        }
    }

    /// The same with one more user.
    #[must_use]
    pub fn with_user(mut self, user: UserRecipe) -> Self {
        self.users.push(user);
        self
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

impl UserRecipe {
    /// A member with a classic token.
    pub fn member(login: &str) -> Self {
        Self {
            login: login.to_owned(),
            ..Self::default()
        }
    }

    /// The same with another quota, for REST and GraphQL each.
    #[must_use]
    pub fn with_quota(mut self, limit: u64) -> Self {
        self.quota = Some(limit);
        self
    }
}

impl RepositoryRecipe {
    /// A repository of the size that [`Profile::Tiny`] makes.
    pub fn tiny(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            commits: 5,
            files: 3,
            ..Self::default()
        }
    }

    /// A repository of the size that [`Profile::Small`] makes.
    pub fn small(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            commits: 12,
            files: 8,
            issues: 6,
            pulls: 3,
            comments_per_issue: 2,
            reviews_per_pull: 1,
            review_comments_per_pull: 2,
            labels: 5,
            milestones: 1,
            releases: 1,
            assets_per_release: 1,
            asset_bytes: 10_000,
            ..Self::default()
        }
    }
}
