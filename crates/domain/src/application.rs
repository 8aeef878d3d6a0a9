//! Applications on a host: the main one, those that enlarge pools, and the way of a person to the host and back.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ForgeKind, Host, Invalid, Login, Name, OrganizationId};

/// What a host's application is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Slot {
    /// Organizations are registered with it.
    Main,
    /// The same with write permissions, for restores.
    Write,
    /// People authorize it, and organizations are registered with what they grant.
    OAuth,
    /// It enlarges pools: #1 to #10.
    Additional(u8),
}

impl Slot {
    /// Additional applications of one host.
    pub const MOST: u8 = 10;

    /// Every slot of a host, in the order of pages.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Main, Self::Write, Self::OAuth]
            .into_iter()
            .chain((1..=Self::MOST).map(Self::Additional))
    }

    /// The name on pages.
    pub fn label(self) -> String {
        match self {
            Self::Main => "Main GitHub App".to_owned(),
            Self::Write => "Main GitHub App with write permissions".to_owned(),
            Self::OAuth => "OAuth app".to_owned(),
            Self::Additional(number) => format!("GitHub App #{number}"),
        }
    }

    /// Whether it is a GitHub App, which can be installed and made from a manifest.
    pub fn is_app(self) -> bool {
        self != Self::OAuth
    }

    /// What a GitHub App for this slot asks for: to read, but where it is for restores.
    ///
    /// GitHub docs, "Permissions required for GitHub Apps".
    pub fn permissions(self) -> BTreeMap<String, String> {
        let write = self == Self::Write;
        let level = |is_written: bool| if write && is_written { "write" } else { "read" };
        [
            ("administration", level(true)),
            ("contents", level(true)),
            ("issues", level(true)),
            ("members", "read"),
            ("metadata", "read"),
            ("pull_requests", level(true)),
        ]
        .into_iter()
        .map(|(name, level)| (name.to_owned(), level.to_owned()))
        .collect()
    }

    /// Events that a GitHub App for this slot is to be told of, beside those that every App is told of.
    pub const EVENTS: [&'static str; 2] = ["push", "repository"];
}

/// Scopes that an OAuth app asks for.
///
/// GitHub docs, "Scopes for OAuth apps": there is no scope to read private repositories only.
const GITHUB_SCOPES: [&str; 3] = ["repo", "read:org", "read:user"];

/// Scopes that an OAuth application of a GitLab asks for: all of them only read (GitLab docs, "Access token scopes").
const GITLAB_SCOPES: [&str; 3] = ["read_api", "read_user", "read_repository"];

/// Scopes that people are asked to grant.
pub fn scopes(forge: ForgeKind) -> &'static [&'static str] {
    match forge {
        ForgeKind::GitHub => &GITHUB_SCOPES,
        ForgeKind::GitLab => &GITLAB_SCOPES,
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Main => f.write_str("main"),
            Self::Write => f.write_str("write"),
            Self::OAuth => f.write_str("oauth"),
            Self::Additional(number) => write!(f, "{number}"),
        }
    }
}

impl FromStr for Slot {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::all()
            .find(|slot| slot.to_string() == text)
            .ok_or_else(|| Invalid::new("Choose one of the applications in the list."))
    }
}

impl TryFrom<String> for Slot {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Slot> for String {
    fn from(slot: Slot) -> Self {
        slot.to_string()
    }
}

/// What somebody goes to a host for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Purpose {
    /// To install the main application, with which an organization is registered.
    RegisterByApp {
        /// What to call the organization.
        name: Name,
    },
    /// To grant access, with which an organization is registered.
    RegisterByOauth {
        /// What to call the organization.
        name: Name,
        /// The accounts that belong to it; without any, the one called like the organization.
        accounts: Vec<Login>,
    },
    /// To install the main application on another account of an organization, or on one that it was taken off.
    Account {
        /// The organization.
        organization: OrganizationId,
    },
    /// To install an additional application.
    Add {
        /// The organization.
        organization: OrganizationId,
    },
}

impl Purpose {
    /// The organization, if there is one already.
    pub fn organization(&self) -> Option<OrganizationId> {
        match self {
            Self::RegisterByApp { .. } | Self::RegisterByOauth { .. } => None,
            Self::Account { organization } | Self::Add { organization } => Some(*organization),
        }
    }
}

/// With what somebody came back, besides a code. None of it is believed before it is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Arrival {
    /// With the code alone.
    Granted,
    /// An installation is said to have been made.
    Installed {
        /// The host's number of it.
        installation: i64,
    },
    /// An owner was asked to install.
    Requested,
}

/// The sentence of the first condition: who installs must be able to without asking.
pub fn must_be_installed_by_owner(account: Option<&str>) -> String {
    let owner = account.map_or_else(
        || "An owner of the account".to_owned(),
        |account| format!("An owner of {account}"),
    );
    format!(
        "You do not have the permissions required to complete this installation. {owner} must install the application."
    )
}

/// The sentence of the second condition: the organization must have main credentials for the account.
pub fn must_be_registered(account: &str) -> String {
    format!("Register {account} with this organization first, then add an application to it.")
}

/// Where people see an application of a host, ending without a slash.
///
/// GitHub docs, "Sharing your GitHub App": `/apps/` on github.com, `/github-apps/` on Enterprise Server.
pub fn page(host: &Host, slug: &str) -> String {
    let is_server = !matches!(host.web().host_str(), Some(name) if name == "github.com" || name.ends_with(".ghe.com"));
    let folder = if is_server { "github-apps" } else { "apps" };
    format!("{host}/{folder}/{slug}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_enough_for_a_backup() {
        for forge in [ForgeKind::GitHub, ForgeKind::GitLab] {
            let asked: Vec<String> = scopes(forge).iter().map(ToString::to_string).collect();
            assert_eq!(crate::missing_rights(forge, &asked), []);
        }
    }

    #[test]
    fn a_slot_survives_its_text_form() {
        for slot in Slot::all() {
            assert_eq!(slot.to_string().parse(), Ok(slot));
        }
        assert_eq!(Slot::all().count(), 13);
        for none in ["0", "11", "#1", ""] {
            assert!(none.parse::<Slot>().is_err(), "{none}");
        }
    }

    #[test]
    fn only_the_one_for_restores_asks_to_write() {
        for slot in Slot::all() {
            let writes = slot.permissions().values().any(|level| level != "read");
            assert_eq!(writes, slot == Slot::Write, "{slot}");
        }
    }

    #[test]
    fn an_enterprise_server_has_its_own_folder_for_apps() {
        let at = |text: &str| {
            page(
                &Host::parse(ForgeKind::GitHub, text, &[]).unwrap(),
                "backup",
            )
        };
        assert_eq!(at("github.com"), "https://github.com/apps/backup");
        assert_eq!(at("octo.ghe.com"), "https://octo.ghe.com/apps/backup");
        assert_eq!(
            at("git.acme.test"),
            "https://git.acme.test/github-apps/backup"
        );
    }
}
