//! What a rule compares a name or a topic with.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use crate::{Invalid, RepositoryName};

/// A pattern for names: `*` and `?` stand for any characters, `[ab]` for one of them, `{a,b}` for one of several words.
///
/// With a slash it is compared with `owner/name`, without one with the name alone; never with regard to case.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(GlobMatcher);

impl Pattern {
    /// Longest pattern, in characters.
    pub const MAX: usize = 200;

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        self.0.glob().glob()
    }

    /// Whether a repository's name fits.
    pub fn fits(&self, name: &RepositoryName) -> bool {
        if self.as_str().contains('/') {
            self.0.is_match(name.to_string())
        } else {
            self.0.is_match(name.name())
        }
    }
}

impl FromStr for Pattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        let shown = crate::name::shown(text);
        if text.is_empty() || text.chars().count() > Self::MAX {
            return Err(Invalid::new(format!(
                "{shown} is not a pattern: use 1 to {} characters.",
                Self::MAX
            )));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Invalid::new(format!(
                "{shown} is not a pattern: names have no spaces, so write one pattern a line."
            )));
        }
        if text.matches('/').count() > 1 {
            return Err(Invalid::new(format!(
                "{shown} is not a pattern for a repository: write name-* or owner/name-*."
            )));
        }
        GlobBuilder::new(text)
            .case_insensitive(true)
            .literal_separator(true)
            .build()
            .map(|glob| Self(glob.compile_matcher()))
            .map_err(|error| {
                Invalid::new(format!(
                    "{shown} is not a pattern ({}): use * and ? for any characters.",
                    error.kind()
                ))
            })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

impl TryFrom<String> for Pattern {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.as_str().to_owned()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A topic, as hosts write them: small letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(String);

impl Topic {
    /// Longest topic, in characters (GitHub docs, "Classifying your repository with topics").
    pub const MAX: usize = 50;

    /// The topic as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Topic {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let topic = text.trim().to_lowercase();
        let fits = (1..=Self::MAX).contains(&topic.chars().count())
            && topic.chars().all(|c| c.is_alphanumeric() || c == '-');
        if fits {
            Ok(Self(topic))
        } else {
            Err(Invalid::new(format!(
                "{} is not a topic: use 1 to {} letters, digits or hyphens.",
                crate::name::shown(text.trim()),
                Self::MAX
            )))
        }
    }
}

impl TryFrom<String> for Topic {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> Self {
        topic.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
