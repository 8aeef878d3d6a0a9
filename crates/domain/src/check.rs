//! Trying a token at its host: what for, in which steps, what is found, and why it is refused.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    ApplicationId, Arrival, CredentialId, ForgeKind, InstallationRequestId, Login, Name,
    OrganizationId, Purpose, Reading, Resource, SecretId, Slot,
};

/// What a token is tried for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Errand {
    /// An organization is to be registered with it as its main credential.
    Register {
        /// What to call the organization.
        name: Name,
        /// The host's address.
        host: String,
        /// Whose software runs there.
        #[serde(default)]
        forge: ForgeKind,
        /// Whose token it is said to be.
        user: Login,
        /// The accounts that belong to it; without any, the one called like the organization.
        accounts: Vec<Login>,
    },
    /// It is to join an organization's pool.
    Add {
        /// The organization.
        organization: OrganizationId,
        /// Whose token it is said to be.
        user: Login,
        /// Share of its quota that is left to the person behind it.
        reserve_percent: u8,
    },
    /// A stored credential is looked at again.
    Recheck {
        /// The credential.
        credential: CredentialId,
    },
    /// Somebody has come back from a host: what was gone for is done if it is proven.
    Return {
        /// The application.
        application: ApplicationId,
        /// What it is for.
        slot: Slot,
        /// The host's address.
        host: String,
        /// Whose software runs there.
        #[serde(default)]
        forge: ForgeKind,
        /// What was gone for.
        purpose: Purpose,
        /// With what.
        arrival: Arrival,
    },
    /// An owner has installed what somebody had asked for, and that person takes it.
    Take {
        /// What was asked for.
        request: InstallationRequestId,
        /// The organization.
        organization: OrganizationId,
        /// The application.
        slot: Slot,
    },
    /// It is to take the place of an entry's value, for every credential that uses the entry.
    Replace {
        /// The entry of the Password Manager.
        secret: SecretId,
    },
    /// The host is to give an entry's token another value, for every credential that uses the entry.
    Rotate {
        /// The entry of the Password Manager.
        secret: SecretId,
    },
}

impl Errand {
    /// The word for it in the database.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Register { .. } => "register",
            Self::Add { .. } => "add",
            Self::Recheck { .. } => "recheck",
            Self::Return { .. } => "return",
            Self::Take { .. } => "take",
            Self::Replace { .. } => "replace",
            Self::Rotate { .. } => "rotate",
        }
    }
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Nobody has begun it yet.
    Queued,
    /// The host is being asked.
    Running,
    /// The token is good, and what it was tried for is done.
    Accepted,
    /// It is not, and nothing was kept.
    Refused,
}

impl CheckState {
    /// Whether nothing happens any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Accepted | Self::Refused)
    }
}

/// One question to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Whose token it is.
    Owner,
    /// Who has come back from the host, and what that person decides there.
    Person,
    /// What is installed where, and with which permissions.
    Installation,
    /// What the token may do; the host has said so in its first answer.
    Rights,
    /// Which accounts it reaches.
    Accounts,
    /// What its bucket has left.
    Quota,
    /// Another value, which ends the old one.
    Rotate,
    /// Writing it down.
    Keep,
}

impl Step {
    /// What is being done, as a sentence's beginning.
    pub fn label(self, host: &str) -> String {
        match self {
            Self::Owner => format!("Asking {host} who this token belongs to"),
            Self::Person => format!("Asking {host} who has come back"),
            Self::Installation => "Looking at the installation".to_owned(),
            Self::Rights => "Reading its scopes and its expiry".to_owned(),
            Self::Accounts => "Listing the accounts that it reaches".to_owned(),
            Self::Quota => "Reading its quota".to_owned(),
            Self::Rotate => "Rotating the token".to_owned(),
            Self::Keep => "Saving".to_owned(),
        }
    }
}

/// What a host said of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// The user behind it, as the host writes the name.
    pub user: String,
    /// Its scopes, if the host tells.
    pub scopes: Option<Vec<String>>,
    /// When it expires, if the host tells.
    pub expires_at: Option<DateTime<Utc>>,
    /// The organizations of the host that its user is a member of; nothing if the host does not tell.
    pub member_of: Option<Vec<String>>,
    /// Whether the host hides some of them until the token is authorized for single sign-on; nothing if it does not tell.
    pub sso_missing: Option<bool>,
    /// What its bucket has left.
    pub quota: Vec<(Resource, Reading)>,
    /// Whether the host counts no requests.
    pub unlimited: bool,
    /// The credential of the pool that shares the bucket: this one adds access, not quota.
    pub same_user_as: Option<Name>,
    /// The accounts that it covers here, when an organization was registered.
    pub accounts: Vec<String>,
    /// How many repositories its user sees as a member, if the host tells.
    #[serde(default)]
    pub repositories: Option<u64>,
    /// Its user's roles in the groups that are backed up, where the host has roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleIn>,
    /// What is installed, if it is an application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed: Option<Installed>,
}

/// A user's role in a group of a GitLab, inherited ones included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleIn {
    /// The whole path of the group.
    pub account: String,
    /// GitLab docs, "Roles": 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner; 0 for no member.
    pub level: u64,
}

impl RoleIn {
    /// Whoever has less reads no code.
    pub const READS_CODE: u64 = 20;
    /// Whoever has less reads neither hooks nor variables, protections, deploy keys and uploads.
    pub const READS_SETTINGS: u64 = 40;

    /// "Reporter in acme".
    pub fn label(&self) -> String {
        let name = match self.level {
            0 => return format!("No member of {}", self.account),
            1..10 => "Minimal access",
            10..15 => "Guest",
            15..20 => "Planner",
            20..30 => "Reporter",
            30..40 => "Developer",
            40..50 => "Maintainer",
            50.. => "Owner",
        };
        format!("{name} in {}", self.account)
    }
}

/// An application on an account, as the host describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// Which application.
    pub slot: Slot,
    /// The account.
    pub account: String,
    /// What its owner has agreed to, as `contents:read`.
    pub permissions: Vec<String>,
    /// Whether it covers all repositories of the account.
    pub covers_all: bool,
}

/// The part of a form that a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The host's address.
    Host,
    /// The name of what is to be added.
    Name,
    /// The user's name.
    User,
    /// The token.
    Token,
    /// The accounts.
    Accounts,
    /// The application.
    Application,
}

/// Why a token, or what came with it, was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What must be changed.
    pub field: Field,
    /// What is wrong and what to do.
    pub sentence: String,
}

impl Refusal {
    /// A refusal that belongs to a field.
    pub fn new(field: Field, sentence: impl Into<String>) -> Self {
        Self {
            field,
            sentence: sentence.into(),
        }
    }
}
