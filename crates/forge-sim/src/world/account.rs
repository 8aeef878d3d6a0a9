//! People and organizations.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// A person, or a machine account.
    User,
    /// An organization.
    Organization,
}

/// The owner of repositories and the author of everything.
#[derive(Debug, Clone)]
pub struct Account {
    /// The numeric id, which survives renames.
    pub id: u64,
    /// The name in URLs.
    pub login: String,
    /// Person or organization.
    pub kind: AccountKind,
    /// The name for display.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads and pushes.
    #[default]
    Member,
    /// Also administers: sees hooks.
    Admin,
}

/// A user's place in an organization.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The member.
    pub user_id: u64,
    /// The organization.
    pub organization_id: u64,
    /// The role.
    pub role: Role,
    /// The names of the private repositories the member can see; `None` is all. Public ones are seen by everybody.
    pub sees: Option<BTreeSet<String>>,
}
