//! What a world is to be made of, readable from JSON.

use serde::{Deserialize, Serialize};

/// A group with projects, and who may see them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// Decides everything that is random.
    pub seed: u64,
    /// The path of the top-level group.
    pub group: String,
    /// How many tiny projects to make up in it.
    pub projects: usize,
    /// Further projects; a name such as `sub/tool` makes the subgroup.
    pub named: Vec<ProjectRecipe>,
    /// Who has a token.
    pub users: Vec<UserRecipe>,
    /// Whether what needs a paid tier is there.
    pub premium: bool,
}

/// A project to be made.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as GitLab has them"
)]
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectRecipe {
    /// Its path below the top-level group.
    pub name: String,
    /// Commits on the default branch; none makes an empty repository.
    pub commits: u64,
    /// Issues.
    pub issues: u64,
    /// Merge requests.
    pub merge_requests: u64,
    /// Notes on each of them.
    pub notes: u64,
    /// Of labels, milestones, boards, releases, snippets, hooks, variables, schedules, deploy keys and uploads each.
    pub things: u64,
    /// Objects kept by Git LFS.
    pub lfs_objects: u64,
    /// Whether the wiki has pages.
    pub wiki: bool,
    /// Whether everybody sees it.
    pub public: bool,
    /// Whether it is read-only.
    pub archived: bool,
    /// Whether issues are switched off.
    pub without_issues: bool,
}

impl ProjectRecipe {
    /// A handful of everything.
    pub fn rich(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            commits: 6,
            issues: 5,
            merge_requests: 3,
            notes: 2,
            things: 3,
            lfs_objects: 2,
            wiki: true,
            ..Self::default()
        }
    }

    /// Five commits and nothing else.
    pub fn tiny(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            commits: 5,
            ..Self::default()
        }
    }
}

/// A user to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserRecipe {
    /// The user name.
    pub username: String,
    /// Whether it is the bot of a group or project token, or a service account.
    pub bot: bool,
    /// The role in the top-level group: 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner; 0 is no member.
    pub access_level: u64,
    /// Its tokens.
    pub tokens: Vec<TokenRecipe>,
}

/// A token to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenRecipe {
    /// What it may do.
    pub scopes: Vec<String>,
    /// Days until it ends, if it does.
    pub expires_in_days: Option<i64>,
}

impl Default for TokenRecipe {
    fn default() -> Self {
        Self {
            scopes: vec!["read_api".to_owned(), "read_repository".to_owned()],
            expires_in_days: Some(300),
        }
    }
}

impl Default for UserRecipe {
    fn default() -> Self {
        Self {
            username: String::new(),
            bot: false,
            access_level: 50,
            tokens: vec![TokenRecipe::default()],
        }
    }
}

impl UserRecipe {
    /// An owner of the group who may read.
    pub fn member(username: &str) -> Self {
        Self {
            username: username.to_owned(),
            ..Self::default()
        }
    }

    /// The same with tokens of these scopes.
    #[must_use]
    pub fn with_scopes(mut self, scopes: &[&str]) -> Self {
        self.tokens = vec![TokenRecipe {
            scopes: scopes.iter().map(|one| (*one).to_owned()).collect(),
            ..TokenRecipe::default()
        }];
        self
    }
}

impl Recipe {
    /// A group of tiny projects.
    pub fn group(path: &str, projects: usize) -> Self {
        Self {
            group: path.to_owned(),
            projects,
            ..Self::default()
        }
    }

    /// The same with a described project more.
    #[must_use]
    pub fn with_project(mut self, project: ProjectRecipe) -> Self {
        self.named.push(project);
        self
    }

    /// The same with a user more.
    #[must_use]
    pub fn with_user(mut self, user: UserRecipe) -> Self {
        self.users.push(user);
        self
    }
}
