//! Names of accounts on a host.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::shown;
use crate::{ForgeKind, Invalid};

/// The name of a user, an organization or a group on a host; a subgroup's with those of the groups above it, as in
/// `group/subgroup`. Hosts do not tell capitals from small letters in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Login(String);

impl Login {
    /// Longest name: GitLab allows 255 characters for each part of a path, GitHub 39 in all.
    pub const MAX: usize = 255;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads a name that an account of a vendor's hosts can have: on GitHub it has neither dots nor parts.
    pub fn of(forge: ForgeKind, text: &str) -> Result<Self, Invalid> {
        let login: Self = text.parse()?;
        match forge {
            ForgeKind::GitHub if login.0.contains(['.', '/']) => Err(refusal(text.trim())),
            ForgeKind::GitHub | ForgeKind::GitLab => Ok(login),
        }
    }

    /// Whether a host means the same account by this name.
    pub fn is(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl FromStr for Login {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let text = text.strip_prefix('@').unwrap_or(text);
        let fits = text.len() <= Self::MAX
            && text.split('/').all(|part| {
                part.chars().any(|c| c != '.')
                    && part
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            });
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(refusal(text))
        }
    }
}

fn refusal(text: &str) -> Invalid {
    Invalid::new(format!(
        "{} is not a user name: write it as the profile page shows it, with letters, digits and hyphens.",
        shown(text)
    ))
}

impl TryFrom<String> for Login {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Login> for String {
    fn from(login: Login) -> Self {
        login.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_what_a_profile_page_shows() {
        for (given, read) in [
            ("octocat", "octocat"),
            (" @Octo-Cat ", "Octo-Cat"),
            ("me_acme", "me_acme"),
            ("jane.doe", "jane.doe"),
            ("group/sub-group", "group/sub-group"),
        ] {
            assert_eq!(given.parse::<Login>().unwrap().as_str(), read);
        }
        assert!(Login::of(ForgeKind::GitLab, "jane.doe").is_ok());
        assert!(Login::of(ForgeKind::GitHub, "jane.doe").is_err());
        assert!("Octo-Cat".parse::<Login>().unwrap().is("octo-cat"));
        for bad in [
            "",
            "@",
            "a b",
            "a//b",
            "/a",
            "a/..",
            "<b>",
            "a\u{0}",
            &"x".repeat(10_000),
        ] {
            let refused = bad.parse::<Login>().unwrap_err().0;
            assert!(
                refused.len() < 300 && !refused.contains('\u{0}'),
                "{refused}"
            );
        }
    }
}
