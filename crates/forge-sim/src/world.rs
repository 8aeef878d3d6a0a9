//! The simulated world as plain structs. HTTP, GraphQL and git are views of it; nothing else holds state about repositories.

use std::collections::BTreeMap;

pub use account::{Account, AccountKind, Membership, Role};
pub use app::{
    App, Apps, Code, Delivery, Hook, Installation, InstallationRequest, InstallationToken,
    Permissions, RefreshToken, TokenFormat, Voucher,
};
pub use content::Content;
pub use issue::{Comment, Issue, IssueState, Label, Milestone, StateReason};
pub use pull::{Pull, Review, ReviewComment, ReviewState};
pub use release::{Asset, Release};
pub use repository::{Block, LfsObject, License, Repository};
pub use token::{Token, TokenKind, TokenValue};

mod account;
mod app;
mod content;
mod issue;
pub mod node_id;
mod pull;
mod release;
mod repository;
mod token;

/// Everything that exists.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// People and organizations, by id.
    pub accounts: BTreeMap<u64, Account>,
    /// Who belongs to which organization.
    pub memberships: Vec<Membership>,
    /// Every token ever issued, revoked ones included.
    pub tokens: Vec<Token>,
    /// Repositories, by id.
    pub repositories: BTreeMap<u64, Repository>,
    /// Former full names in lower case, and the repository that had them last.
    pub redirects: BTreeMap<String, u64>,
    /// Apps and where they are installed.
    pub apps: Apps,
    last_id: u64,
}

impl World {
    /// The next free id; ids are unique over all kinds of things.
    pub fn next_id(&mut self) -> u64 {
        self.last_id = self.last_id.max(1_000_000) + 1;
        self.last_id
    }

    /// The account with this login, in any case.
    pub fn account(&self, login: &str) -> Option<&Account> {
        self.accounts
            .values()
            .find(|account| account.login.eq_ignore_ascii_case(login))
    }

    /// The login of an account; ghosts of deleted accounts are called as on GitHub.
    pub fn login(&self, id: u64) -> &str {
        self.accounts
            .get(&id)
            .map_or("ghost", |account| account.login.as_str())
    }

    /// The repository that has this name today.
    pub fn repository(&self, owner: &str, name: &str) -> Option<&Repository> {
        self.repositories.values().find(|repository| {
            repository.name.eq_ignore_ascii_case(name)
                && self.login(repository.owner_id).eq_ignore_ascii_case(owner)
        })
    }

    /// The repository that once had this name, unless another took it over.
    pub fn renamed(&self, owner: &str, name: &str) -> Option<&Repository> {
        let key = format!("{owner}/{name}").to_lowercase();
        self.redirects
            .get(&key)
            .and_then(|id| self.repositories.get(id))
    }

    /// `owner/name`.
    pub fn full_name(&self, repository: &Repository) -> String {
        format!("{}/{}", self.login(repository.owner_id), repository.name)
    }

    /// The repositories of an account, by id.
    pub fn repositories_of(&self, owner_id: u64) -> impl Iterator<Item = &Repository> {
        self.repositories
            .values()
            .filter(move |repository| repository.owner_id == owner_id)
    }

    /// A user's membership of an organization.
    pub fn membership(&self, user_id: u64, organization_id: u64) -> Option<&Membership> {
        self.memberships
            .iter()
            .find(|m| m.user_id == user_id && m.organization_id == organization_id)
    }

    /// The token with this value, revoked or not.
    pub fn token(&self, value: &str) -> Option<&Token> {
        self.tokens
            .iter()
            .find(|token| token.value.reveal() == value)
    }
}
