//! Access tokens of people, in the shapes that GitHub gives them.

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

/// The shape of a person's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// `ghp_` and 36 characters, with scopes.
    #[default]
    Classic,
    /// `github_pat_`, 22 and 59 characters, with permissions.
    FineGrained,
    /// `gho_` and 36 characters, with scopes: an OAuth app's.
    Oauth,
    /// `ghu_` and 36 characters, with an App's permissions where it is installed.
    AppUser,
}

impl TokenKind {
    /// What such a token begins with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Classic => "ghp_",
            Self::FineGrained => "github_pat_",
            Self::Oauth => "gho_",
            Self::AppUser => "ghu_",
        }
    }

    /// Whether it has scopes, rather than permissions.
    pub(crate) fn has_scopes(self) -> bool {
        matches!(self, Self::Classic | Self::Oauth)
    }
}

/// A token of a user.
#[derive(Debug, Clone)]
pub struct Token {
    /// The secret.
    pub value: TokenValue,
    /// Whose it is: all tokens of one user share one quota.
    pub user_id: u64,
    /// Its shape.
    pub kind: TokenKind,
    /// Scopes, of a kind that has them.
    pub scopes: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// The app that it was given to, if it is not the person's own.
    pub app_id: Option<u64>,
}

impl Token {
    /// Whether the token still authenticates.
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        !self.revoked && self.expires_at.is_none_or(|at| now < at)
    }

    /// Whether the token reaches private repositories at all.
    pub fn reads_private(&self) -> bool {
        match self.kind {
            TokenKind::FineGrained => true,
            TokenKind::Classic | TokenKind::Oauth => {
                self.scopes.iter().any(|scope| scope == "repo")
            }
            TokenKind::AppUser => false,
        }
    }
}
