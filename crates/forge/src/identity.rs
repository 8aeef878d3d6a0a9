//! Who is behind a token, and what its bucket has left: the questions that every kind of host answers.

use chrono::{DateTime, Utc};
use domain::{BucketKey, ForgeKind, Host, Reading, Resource, Secret};

use crate::forge::Shared;
use crate::gate::Authority;
use crate::{Error, github, gitlab};

/// Who is behind a token, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The user's number.
    pub user_id: i64,
    /// The user's name.
    pub login: String,
    /// Scopes of a classic token; nothing for tokens that have none to tell.
    pub scopes: Option<Vec<String>>,
    /// When the token ends, if the host says so.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether the host says that no person is behind it, but a machine: nobody else needs its quota.
    pub is_machine: bool,
    /// Who is charged for requests with this token.
    pub bucket: BucketKey,
}

/// The organizations or groups of the host that a token's user is a member of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memberships {
    /// Their names, as far as the token is allowed to see them.
    pub logins: Vec<String>,
    /// Whether the host leaves some out until the token is authorized for their single sign-on.
    pub sso_missing: bool,
    /// How many repositories it sees through them, if the host says so.
    pub repositories: Option<u64>,
}

/// What a host's budgets have left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// What is left at this moment.
    pub readings: Vec<(Resource, Reading)>,
    /// Whether the host tells of no limit.
    pub unlimited: bool,
    /// Whether it is known to count nothing; one that merely tells of no limit may refuse all the same.
    pub uncounted: bool,
}

/// A user, an organization or a group on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The host's number for it.
    pub id: i64,
    /// Its name, as the host writes it.
    pub login: String,
    /// Whether it is an organization or a group.
    pub is_organization: bool,
}

pub(crate) async fn owner(shared: &Shared, host: &Host, token: &Secret) -> Result<Owner, Error> {
    match host.kind() {
        ForgeKind::GitHub => github::owner(shared, host, token).await,
        ForgeKind::GitLab => gitlab::owner(shared, host, token).await,
    }
}

pub(crate) async fn memberships(
    shared: &Shared,
    host: &Host,
    token: &Secret,
) -> Result<Option<Memberships>, Error> {
    match host.kind() {
        ForgeKind::GitHub => github::memberships(shared, host, token).await,
        ForgeKind::GitLab => gitlab::memberships(shared, host, token).await,
    }
}

pub(crate) async fn budgets(
    shared: &Shared,
    host: &Host,
    authority: Authority,
) -> Result<Budgets, Error> {
    let (readings, unlimited) = match host.kind() {
        ForgeKind::GitHub => github::rate_limit(shared, host, authority).await?,
        ForgeKind::GitLab => gitlab::rate_limit(shared, host, authority).await?,
    };
    Ok(Budgets {
        readings,
        unlimited,
        uncounted: unlimited && host.kind() == ForgeKind::GitHub,
    })
}

pub(crate) async fn account(
    shared: &Shared,
    host: &Host,
    token: &Secret,
    login: &str,
) -> Result<Option<Account>, Error> {
    match host.kind() {
        ForgeKind::GitHub => github::account(shared, host, token, login).await,
        ForgeKind::GitLab => gitlab::account(shared, host, token, login).await,
    }
}
