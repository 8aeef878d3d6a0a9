//! Changes that can be made to a running world.

use serde::{Deserialize, Serialize};

use crate::recipe::RepositoryRecipe;
use crate::world::{ReviewState, TokenFormat};

/// A change. Repositories are named `owner/name`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mutation {
    /// Makes a repository.
    CreateRepository {
        /// The organization.
        owner: String,
        /// What it is made of.
        recipe: RepositoryRecipe,
    },
    /// Gives a repository another name; the old one redirects.
    RenameRepository {
        /// The repository.
        repository: String,
        /// The new name.
        name: String,
    },
    /// Deletes a repository.
    DeleteRepository {
        /// The repository.
        repository: String,
    },
    /// Takes every branch and tag away.
    EmptyRepository {
        /// The repository.
        repository: String,
    },
    /// Blocks a repository, or ends that when there is no reason.
    BlockRepository {
        /// The repository.
        repository: String,
        /// `dmca`, `tos` or `unavailable`.
        reason: Option<String>,
    },
    /// Changes settings of a repository; what is absent stays.
    EditRepository {
        /// The repository.
        repository: String,
        /// One line about it.
        #[serde(default)]
        description: Option<String>,
        /// Seen by members only.
        #[serde(default)]
        private: Option<bool>,
        /// Read only.
        #[serde(default)]
        archived: Option<bool>,
        /// Whether issues are switched on.
        #[serde(default)]
        has_issues: Option<bool>,
        /// Topics.
        #[serde(default)]
        topics: Option<Vec<String>>,
    },
    /// Pushes commits to a branch.
    Push {
        /// The repository.
        repository: String,
        /// The branch; the default branch when absent.
        #[serde(default)]
        branch: Option<String>,
        /// How many commits.
        #[serde(default = "one")]
        commits: u64,
        /// Overwrites the branch with an unrelated history.
        #[serde(default)]
        forced: bool,
    },
    /// Edits a page of the wiki, which is created if there is none.
    PushWiki {
        /// The repository.
        repository: String,
    },
    /// Writes an issue.
    AddIssue {
        /// The repository.
        repository: String,
        /// The title.
        title: String,
        /// The text.
        #[serde(default)]
        body: Option<String>,
    },
    /// Changes an issue or pull request; what is absent stays.
    EditIssue {
        /// The repository.
        repository: String,
        /// The number.
        number: u64,
        /// The title.
        #[serde(default)]
        title: Option<String>,
        /// The text.
        #[serde(default)]
        body: Option<String>,
        /// Closes (true) or opens (false) it.
        #[serde(default)]
        closed: Option<bool>,
    },
    /// Deletes an issue.
    DeleteIssue {
        /// The repository.
        repository: String,
        /// The number.
        number: u64,
    },
    /// Comments on an issue or pull request.
    AddComment {
        /// The repository.
        repository: String,
        /// The number.
        number: u64,
        /// The text.
        body: String,
    },
    /// Changes a comment.
    EditComment {
        /// The repository.
        repository: String,
        /// The id of the comment.
        id: u64,
        /// The text.
        body: String,
    },
    /// Deletes a comment.
    DeleteComment {
        /// The repository.
        repository: String,
        /// The id of the comment.
        id: u64,
    },
    /// Opens a pull request with one new commit.
    AddPull {
        /// The repository.
        repository: String,
        /// The title.
        title: String,
    },
    /// Reviews a pull request.
    AddReview {
        /// The repository.
        repository: String,
        /// The number.
        number: u64,
        /// The text.
        body: String,
        /// The verdict.
        state: ReviewState,
    },
    /// Comments on a line of a pull request.
    AddReviewComment {
        /// The repository.
        repository: String,
        /// The number.
        number: u64,
        /// The text.
        body: String,
    },
    /// Makes a label.
    AddLabel {
        /// The repository.
        repository: String,
        /// The name.
        name: String,
    },
    /// Changes a label; what is absent stays.
    EditLabel {
        /// The repository.
        repository: String,
        /// The name.
        name: String,
        /// The new name.
        #[serde(default)]
        new_name: Option<String>,
        /// Six hexadecimal digits.
        #[serde(default)]
        color: Option<String>,
    },
    /// Deletes a label.
    DeleteLabel {
        /// The repository.
        repository: String,
        /// The name.
        name: String,
    },
    /// Publishes a release.
    AddRelease {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
        /// Files of the release.
        #[serde(default)]
        assets: u64,
        /// Size of each file.
        #[serde(default)]
        asset_bytes: u64,
    },
    /// Changes the notes of a release.
    EditRelease {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
        /// The notes.
        body: String,
    },
    /// Deletes a release.
    DeleteRelease {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
    },
    /// Revokes all tokens of a user.
    RevokeTokens {
        /// The user.
        login: String,
    },
    /// Revokes one token.
    RevokeToken {
        /// The token in clear.
        token: String,
    },
    /// Takes a user out of every organization.
    RemoveMember {
        /// The user.
        login: String,
    },
    /// Chooses which private repositories a user sees; all when absent.
    SetVisible {
        /// The user.
        login: String,
        /// Names of repositories.
        repositories: Option<Vec<String>>,
    },
    /// Gives an account another name; every App on it is told.
    RenameAccount {
        /// The account.
        login: String,
        /// The new name.
        to: String,
    },
    /// Installs an App on an account, or changes what it covers there.
    Install {
        /// The App, by its name in addresses.
        app: String,
        /// The account.
        account: String,
        /// Names of the account's repositories; all when absent.
        #[serde(default)]
        repositories: Option<Vec<String>>,
        /// Who does it; the account itself when absent.
        #[serde(default)]
        sender: Option<String>,
    },
    /// Takes an App off an account.
    Uninstall {
        /// The App.
        app: String,
        /// The account.
        account: String,
    },
    /// Suspends an App on an account, or ends that.
    Suspend {
        /// The App.
        app: String,
        /// The account.
        account: String,
        /// Whether it is suspended from here on.
        suspended: bool,
    },
    /// Ends every token of an App's installations at once.
    EndInstallationTokens {
        /// The App.
        app: String,
    },
    /// Ends every token that people have granted to an app; what renews them still works.
    EndGrantedTokens {
        /// The app.
        app: String,
    },
    /// Asks an owner of an organization to install an App, as somebody who may not.
    RequestInstallation {
        /// The App.
        app: String,
        /// The organization.
        account: String,
        /// Who asks.
        requester: String,
    },
    /// Loses messages to hooks on their way, or stops doing so.
    LoseMessages {
        /// Whether they are lost from here on.
        lost: bool,
    },
    /// Chooses the shape of new installation tokens.
    SetTokenFormat {
        /// The shape.
        format: TokenFormat,
    },
    /// Gives an installation another quota.
    SetInstallationQuota {
        /// The App.
        app: String,
        /// The account.
        account: String,
        /// REST requests and GraphQL points per window each.
        limit: u64,
    },
    /// Gives a user another quota.
    SetQuota {
        /// The user.
        login: String,
        /// REST requests per window.
        core: u64,
        /// GraphQL points per window; as many when absent.
        #[serde(default)]
        graphql: Option<u64>,
    },
}

fn one() -> u64 {
    1
}

/// What a change made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutated {
    /// The id of what was made or changed.
    pub id: Option<u64>,
    /// Its number in the repository.
    pub number: Option<u64>,
    /// The new commit.
    pub sha: Option<String>,
}

impl Mutated {
    pub(super) fn id(id: u64) -> Self {
        Self {
            id: Some(id),
            ..Self::default()
        }
    }

    pub(super) fn sha(sha: String) -> Self {
        Self {
            sha: Some(sha),
            ..Self::default()
        }
    }
}
