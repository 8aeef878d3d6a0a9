//! Names given by people and by hosts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// The name of a tenant, organization, credential, plan or storage: usable in paths and on a command line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Longest name, in characters.
    pub const MAX: usize = 63;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let first = text.chars().next();
        let fits = first.is_some_and(|c| c.is_ascii_alphanumeric())
            && text.len() <= Self::MAX
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(format!(
                "{} cannot be a name: use 1 to {} letters, digits, \"-\", \"_\" or \".\", beginning with a letter or digit.",
                shown(text),
                Self::MAX
            )))
        }
    }
}

impl TryFrom<String> for Name {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository's full name on its host: `owner/name`, and on GitLab also `group/subgroup/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepositoryName {
    owner: String,
    name: String,
}

impl RepositoryName {
    /// The account that owns the repository; of a subgroup, with the groups above it.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The name below the owner.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a host would take both for one: hosts compare names without regard to case.
    pub fn is_same(&self, other: &Self) -> bool {
        self.owner.eq_ignore_ascii_case(&other.owner) && self.name.eq_ignore_ascii_case(&other.name)
    }
}

/// Longest text that an error repeats, in characters.
const SHOWN: usize = 60;

/// A text given by a person as an error may repeat it: quoted, cut, without control characters.
pub(crate) fn shown(text: &str) -> String {
    let mut start: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(SHOWN)
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        start.push('…');
    }
    format!("\"{start}\"")
}

/// Whether a part of a full name can stand in a URL path and in a file path without changing its meaning.
fn is_path_segment(part: &str) -> bool {
    !part.is_empty()
        && part != "."
        && part != ".."
        && part
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

impl FromStr for RepositoryName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.rsplit_once('/') {
            Some((owner, name))
                if owner.split('/').all(is_path_segment) && is_path_segment(name) =>
            {
                Ok(Self {
                    owner: owner.to_owned(),
                    name: name.to_owned(),
                })
            }
            Some(_) | None => Err(Invalid::new(format!(
                "{} is not a repository: write it as owner/name.",
                shown(text)
            ))),
        }
    }
}

impl TryFrom<String> for RepositoryName {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<RepositoryName> for String {
    fn from(name: RepositoryName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_a_path() {
        for good in ["acme", "Acme-2.backup", "0"] {
            assert_eq!(
                good.parse::<Name>().map(|n| n.to_string()),
                Ok(good.to_owned())
            );
        }
        for bad in ["", "-x", "../etc", "a b", "ä", &"x".repeat(64)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_repository_name_has_safe_parts() {
        assert_eq!(
            "o/.github".parse::<RepositoryName>().unwrap().name(),
            ".github"
        );
        let nested: RepositoryName = "group/sub/tool".parse().unwrap();
        assert_eq!((nested.owner(), nested.name()), ("group/sub", "tool"));
        for bad in ["o", "o/", "/r", "o/..", "o//b", "../a/b", "o/r?x"] {
            assert!(bad.parse::<RepositoryName>().is_err(), "{bad:?}");
        }
    }
}
