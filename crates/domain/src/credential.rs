//! What may call a host's API.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::Secret;

/// How a credential came to an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The organization was registered with it; every plan may use it.
    Main,
    /// It enlarges the pool of the plans that switch it on.
    Additional,
}

impl Role {
    /// Share of a bucket, in percent, that is left to the person behind the credential unless the admin says otherwise.
    pub fn default_reserve_percent(self, kind: CredentialKind) -> u8 {
        match (self, kind) {
            (
                Self::Main | Self::Additional,
                CredentialKind::AccessToken | CredentialKind::Oauth,
            ) => 10,
            // Nobody else spends the requests of an installation.
            (Self::Main | Self::Additional, CredentialKind::AppInstallation) => 0,
        }
    }
}

/// What kind of thing a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A user's token.
    AccessToken,
    /// What a user has granted to our OAuth app.
    Oauth,
    /// A GitHub App on an account.
    AppInstallation,
}

impl CredentialKind {
    /// The name on pages.
    pub fn label(self) -> &'static str {
        match self {
            Self::AccessToken => "Access Token",
            Self::Oauth => "OAuth",
            Self::AppInstallation => "GitHub App",
        }
    }
}

/// What a user has granted to our OAuth app. It is kept as a whole, sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    access_token: String,
    refresh_token: Option<String>,
    /// When the access token ends; never, if the host does not say so.
    pub expires_at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Grant {
    /// Puts together what the host has handed out.
    pub fn new(
        access_token: &Secret,
        refresh_token: Option<&Secret>,
        expires_at: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            access_token: access_token.expose().to_owned(),
            refresh_token: refresh_token.map(|token| token.expose().to_owned()),
            expires_at,
        }
    }

    /// What is sent.
    pub fn access_token(&self) -> Secret {
        Secret::new(self.access_token.as_str())
    }

    /// What renews it, if the host gives such.
    pub fn refresh_token(&self) -> Option<Secret> {
        self.refresh_token.as_deref().map(Secret::new)
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.access_token.zeroize();
        self.refresh_token.zeroize();
    }
}

/// Whether a credential may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Health {
    /// It works, as far as is known.
    Healthy,
    /// An admin has set it aside.
    Paused,
    /// The host refused it; it is not tried again until somebody edits it or asks.
    Dead {
        /// The host's words.
        reason: String,
    },
}
