//! Access tokens, in the two shapes that GitHub gives to people.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The secret itself; its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenValue(String);

impl TokenValue {
    pub(crate) fn new(value: String) -> Self {
        Self(value)
    }

    /// The secret in clear.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The shape of a personal access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// `ghp_` and 36 characters, with scopes.
    #[default]
    Classic,
    /// `github_pat_`, 22 and 59 characters, with permissions.
    FineGrained,
}

/// A personal access token of a user.
#[derive(Debug, Clone)]
pub struct Token {
    /// The secret.
    pub value: TokenValue,
    /// Whose it is: all tokens of one user share one quota.
    pub user_id: u64,
    /// Its shape.
    pub kind: TokenKind,
    /// Scopes of a classic token.
    pub scopes: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it was revoked.
    pub revoked: bool,
}

impl Token {
    /// Whether the token still authenticates.
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        !self.revoked && self.expires_at.is_none_or(|at| now < at)
    }

    /// Whether the token reaches private repositories at all.
    pub fn reads_private(&self) -> bool {
        self.kind == TokenKind::FineGrained || self.scopes.iter().any(|scope| scope == "repo")
    }
}
