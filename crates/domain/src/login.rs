//! Names of accounts on a host.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;
use crate::name::shown;

/// The name of a user or an organization on a host. Hosts do not tell capitals from small letters in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Login(String);

impl Login {
    /// Longest name: GitHub allows 39 characters, and managed users carry the short code of their enterprise.
    pub const MAX: usize = 100;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
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
        let fits = (1..=Self::MAX).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(format!(
                "{} is not a user name: write it as the profile page shows it, with letters, digits and hyphens.",
                shown(text)
            )))
        }
    }
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
        ] {
            assert_eq!(given.parse::<Login>().unwrap().as_str(), read);
        }
        assert!("Octo-Cat".parse::<Login>().unwrap().is("octo-cat"));
        for bad in ["", "@", "a b", "a/b", "<b>", "a\u{0}", &"x".repeat(10_000)] {
            let refused = bad.parse::<Login>().unwrap_err().0;
            assert!(
                refused.len() < 300 && !refused.contains('\u{0}'),
                "{refused}"
            );
        }
    }
}
