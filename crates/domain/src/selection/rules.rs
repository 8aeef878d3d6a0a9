//! Rules by which repositories belong to a plan.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Pattern, Topic, Traits};
use crate::Invalid;

/// What a repository must be like to belong. It belongs if every part of the rules lets it; parts that say nothing let all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// By its name.
    #[serde(skip_serializing_if = "Terms::is_silent")]
    pub names: Terms<Pattern>,
    /// By its topics.
    #[serde(skip_serializing_if = "Terms::is_silent")]
    pub topics: Terms<Topic>,
    /// By its being archived.
    #[serde(skip_serializing_if = "Stance::is_silent")]
    pub archived: Stance,
    /// By its being a fork.
    #[serde(skip_serializing_if = "Stance::is_silent")]
    pub forks: Stance,
    /// By its being private.
    #[serde(skip_serializing_if = "Stance::is_silent")]
    pub private: Stance,
}

/// Words of which at least one must fit, and words of which none may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms<T> {
    /// At least one of these fits; all do if there is none.
    pub include: Vec<T>,
    /// None of these fits, whatever is included.
    pub exclude: Vec<T>,
}

/// What to do with repositories that have a property.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// With it or without it.
    #[default]
    Either,
    /// Those that have it alone.
    Only,
    /// Those that do not have it alone.
    Without,
}

impl Rules {
    /// Whether a repository belongs.
    pub fn fit(&self, repository: &Traits) -> bool {
        let has_topic = |topic: &Topic| {
            let found = repository.topics.iter();
            found
                .map(|one| one.to_lowercase())
                .any(|one| one == topic.as_str())
        };
        self.names
            .let_pass(|pattern| pattern.fits(&repository.name))
            && self.topics.let_pass(has_topic)
            && self.archived.lets_pass(repository.archived)
            && self.forks.lets_pass(repository.fork)
            && self.private.lets_pass(repository.private)
    }

    /// Whether the rules say nothing, so that every repository fits.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    /// The rules in one line.
    pub fn summary(&self) -> String {
        let stances = [
            (self.archived, "archived", "not archived"),
            (self.forks, "forks", "no forks"),
            (self.private, "private", "public"),
        ];
        let stances = stances
            .into_iter()
            .filter_map(|(stance, only, without)| match stance {
                Stance::Either => None,
                Stance::Only => Some(only.to_owned()),
                Stance::Without => Some(without.to_owned()),
            });
        let parts: Vec<String> = [
            self.names.summary("named"),
            self.topics.summary("with topic"),
        ]
        .into_iter()
        .flatten()
        .chain(stances)
        .collect();
        if parts.is_empty() {
            "All repositories".to_owned()
        } else {
            format!("Repositories that fit: {}", parts.join("; "))
        }
    }
}

impl<T> Default for Terms<T> {
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
        }
    }
}

impl<T> Terms<T> {
    /// Most words on one side.
    pub const MAX: usize = 100;

    fn is_silent(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    fn let_pass(&self, fits: impl Fn(&T) -> bool) -> bool {
        (self.include.is_empty() || self.include.iter().any(&fits))
            && !self.exclude.iter().any(fits)
    }
}

impl<T: FromStr<Err = Invalid>> Terms<T> {
    /// Reads one side: words on lines of their own, or with commas or spaces between them. A comma inside braces belongs to the word.
    pub fn words(text: &str) -> Result<Vec<T>, Invalid> {
        let mut depth = 0_i32;
        let words = text.split(|c: char| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            c.is_whitespace() || (c == ',' && depth <= 0)
        });
        let words: Vec<T> = words
            .filter(|word| !word.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if words.len() > Self::MAX {
            return Err(Invalid::new(format!(
                "These are {} lines: use at most {}.",
                words.len(),
                Self::MAX
            )));
        }
        Ok(words)
    }
}

impl<T: Display> Terms<T> {
    fn summary(&self, what: &str) -> Option<String> {
        let list = |terms: &[T]| {
            terms
                .iter()
                .map(T::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        match (self.include.is_empty(), self.exclude.is_empty()) {
            (true, true) => None,
            (false, true) => Some(format!("{what} {}", list(&self.include))),
            (true, false) => Some(format!("not {what} {}", list(&self.exclude))),
            (false, false) => Some(format!(
                "{what} {}, but not {}",
                list(&self.include),
                list(&self.exclude)
            )),
        }
    }
}

impl Stance {
    /// The word in forms and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Either => "either",
            Self::Only => "only",
            Self::Without => "without",
        }
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over a reference"
    )]
    fn is_silent(&self) -> bool {
        *self == Self::Either
    }

    fn lets_pass(self, has_it: bool) -> bool {
        match self {
            Self::Either => true,
            Self::Only => has_it,
            Self::Without => !has_it,
        }
    }
}

impl FromStr for Stance {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        [Self::Either, Self::Only, Self::Without]
            .into_iter()
            .find(|stance| stance.as_str() == text)
            .ok_or_else(|| {
                Invalid::new(format!(
                    "{} is not a choice: use either, only or without.",
                    crate::name::shown(text)
                ))
            })
    }
}
