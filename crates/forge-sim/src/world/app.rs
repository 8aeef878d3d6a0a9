//! GitHub Apps, OAuth apps, where they are installed, and what was granted to them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::TokenValue;

/// Permissions by name, each `read`, `write` or `admin`.
pub type Permissions = BTreeMap<String, String>;

/// A GitHub App, or an OAuth app, which is one that cannot be installed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as GitHub has them"
)]
#[derive(Debug, Clone)]
pub struct App {
    /// The numeric id.
    pub id: u64,
    /// The name in addresses.
    pub slug: String,
    /// The name for people.
    pub name: String,
    /// Whose it is.
    pub owner_id: u64,
    /// What it calls itself in OAuth.
    pub client_id: String,
    /// What proves that.
    pub client_secret: TokenValue,
    /// Public halves of its keys, in DER as PKCS#1 has it; a removed one is gone.
    pub keys: Vec<Vec<u8>>,
    /// Whether it can be installed: an OAuth app cannot.
    pub installable: bool,
    /// Whether accounts other than its owner may install it.
    pub public: bool,
    /// Where people are sent back to; the first one counts unless they name another.
    pub callback_urls: Vec<String>,
    /// Where people are sent after an installation that asks for no authorization.
    pub setup_url: Option<String>,
    /// Whether who installs it also authorizes it.
    pub request_oauth_on_install: bool,
    /// Whether its users' tokens end after eight hours and come with a refresh token.
    pub expiring_user_tokens: bool,
    /// What it asks for.
    pub permissions: Permissions,
    /// Events that it is told of, beside those that every App is told of.
    pub events: BTreeSet<String>,
    /// Where it is told.
    pub hook: Option<Hook>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Where an App is told of events.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The address.
    pub url: String,
    /// What deliveries are signed with.
    pub secret: TokenValue,
}

/// An App on an account.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The numeric id.
    pub id: u64,
    /// Which App.
    pub app_id: u64,
    /// On whose repositories.
    pub account_id: u64,
    /// The repositories that were selected; all when absent.
    pub selected: Option<BTreeSet<u64>>,
    /// What the account's owner has agreed to.
    pub permissions: Permissions,
    /// When it was installed.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Who has suspended it, and when.
    pub suspended: Option<(u64, DateTime<Utc>)>,
}

impl Installation {
    /// Whether a repository of the account belongs to it.
    pub fn covers(&self, repository_id: u64) -> bool {
        self.selected
            .as_ref()
            .is_none_or(|selected| selected.contains(&repository_id))
    }
}

/// Somebody who may not install an App has asked an owner to.
#[derive(Debug, Clone)]
pub struct InstallationRequest {
    /// The numeric id.
    pub id: u64,
    /// Which App.
    pub app_id: u64,
    /// On which account.
    pub account_id: u64,
    /// Who asks.
    pub requester_id: u64,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A token that an App was given for an installation.
#[derive(Debug, Clone)]
pub struct InstallationToken {
    /// The secret.
    pub value: TokenValue,
    /// For which installation.
    pub installation_id: u64,
    /// What it may do, which is never more than the installation.
    pub permissions: Permissions,
    /// The repositories that it was narrowed to.
    pub repositories: Option<BTreeSet<u64>>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// What a code that was handed to a browser can be exchanged for.
#[derive(Debug, Clone)]
pub enum Voucher {
    /// A token of the person who authorized an app.
    Authorization {
        /// Which app.
        app_id: u64,
        /// Who.
        user_id: u64,
        /// Scopes, for an OAuth app.
        scopes: Vec<String>,
        /// Where the code was sent to.
        redirect_uri: String,
        /// The challenge of PKCE, if there was one.
        challenge: Option<String>,
    },
    /// The keys of an App that was made from a manifest.
    Manifest {
        /// Which App.
        app_id: u64,
        /// Its first private key.
        pem: TokenValue,
    },
}

/// A code and how long it counts.
#[derive(Debug, Clone)]
pub struct Code {
    /// The secret.
    pub value: TokenValue,
    /// What for.
    pub voucher: Voucher,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// What renews a token of a person.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The secret.
    pub value: TokenValue,
    /// The token that ends when this is used.
    pub renews: TokenValue,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A message to an App's hook.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The numeric id of this attempt.
    pub id: u64,
    /// What all attempts have in common.
    pub guid: String,
    /// To which App.
    pub app_id: u64,
    /// The event.
    pub event: String,
    /// What happened, for events that say so.
    pub action: Option<String>,
    /// The installation that it is about.
    pub installation_id: Option<u64>,
    /// The repository that it is about.
    pub repository_id: Option<u64>,
    /// What is sent.
    pub payload: String,
    /// When.
    pub delivered_at: DateTime<Utc>,
    /// Whether it was sent before.
    pub redelivery: bool,
    /// Whether it is still to be sent.
    pub pending: bool,
    /// What the hook answered; zero if nothing.
    pub status_code: u16,
}

/// Which of the two shapes installation tokens have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    /// `ghs_` and 36 characters.
    #[default]
    Opaque,
    /// `ghs_`, the App's id, and a signed statement of some 500 characters.
    Stateless,
}

/// Everything about apps.
#[derive(Debug, Clone, Default)]
pub struct Apps {
    /// GitHub Apps and OAuth apps, by id.
    pub all: BTreeMap<u64, App>,
    /// Installations, by id; what was deleted is gone.
    pub installations: BTreeMap<u64, Installation>,
    /// Requests that nobody has answered yet.
    pub requests: Vec<InstallationRequest>,
    /// Every installation token ever issued.
    pub tokens: Vec<InstallationToken>,
    /// Codes that nobody has used yet.
    pub codes: Vec<Code>,
    /// Refresh tokens that nobody has used yet.
    pub refresh_tokens: Vec<RefreshToken>,
    /// Messages to hooks, oldest first.
    pub deliveries: Vec<Delivery>,
    /// The address of the host's pages, which messages lead to.
    pub web: String,
    /// Whether messages get lost on their way.
    pub lossy: bool,
    /// The shape of new installation tokens.
    pub token_format: TokenFormat,
}

impl Apps {
    /// The app with this name in addresses.
    pub fn by_slug(&self, slug: &str) -> Option<&App> {
        self.all.values().find(|app| app.slug == slug)
    }

    /// The app that calls itself so in OAuth.
    pub fn by_client_id(&self, client_id: &str) -> Option<&App> {
        self.all.values().find(|app| app.client_id == client_id)
    }

    /// An App's installation on an account.
    pub fn installation(&self, app_id: u64, account_id: u64) -> Option<&Installation> {
        self.installations
            .values()
            .find(|one| one.app_id == app_id && one.account_id == account_id)
    }

    /// The installation token with this value, if it still works.
    pub fn token(&self, value: &str, now: DateTime<Utc>) -> Option<&InstallationToken> {
        self.tokens
            .iter()
            .find(|token| token.value.reveal() == value)
            .filter(|token| !token.revoked && now < token.expires_at)
            .filter(|token| {
                self.installations
                    .get(&token.installation_id)
                    .is_some_and(|installation| installation.suspended.is_none())
            })
    }
}
