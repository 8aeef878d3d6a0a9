//! What may call a host's API.

use serde::{Deserialize, Serialize};

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
            (Self::Main | Self::Additional, CredentialKind::AccessToken) => 10,
        }
    }
}

/// What kind of thing a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A user's token.
    AccessToken,
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
