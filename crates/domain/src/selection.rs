//! Which of an organization's repositories a plan backs up.

use serde::{Deserialize, Serialize};

use crate::RepositoryName;

mod pattern;
mod rules;

pub use pattern::{Pattern, Topic};
pub use rules::{Rules, Stance, Terms};

/// The repositories of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "select", content = "repositories", rename_all = "snake_case")]
pub enum Selection {
    /// All of them; new ones join by themselves.
    All,
    /// Those named, and no others.
    Chosen(Vec<RepositoryName>),
    /// Those that fit; new ones join as soon as they fit.
    Rules(Box<Rules>),
}

/// What of a repository a selection looks at, as the organization's list tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traits {
    /// Its full name today.
    pub name: RepositoryName,
    /// Its topics.
    pub topics: Vec<String>,
    /// Whether it is read-only.
    pub archived: bool,
    /// Whether it began as a copy of another.
    pub fork: bool,
    /// Whether only some may see it.
    pub private: bool,
}

impl Selection {
    /// Whether a repository belongs to the plan. Hosts compare names without regard to case.
    pub fn includes(&self, repository: &Traits) -> bool {
        match self {
            Self::All => true,
            Self::Chosen(names) => names.iter().any(|chosen| chosen.is_same(&repository.name)),
            Self::Rules(rules) => rules.fit(repository),
        }
    }

    /// In a few words: which repositories.
    pub fn summary(&self) -> String {
        match self {
            Self::All => "All repositories".to_owned(),
            Self::Chosen(names) if names.len() == 1 => "1 chosen repository".to_owned(),
            Self::Chosen(names) => format!("{} chosen repositories", names.len()),
            Self::Rules(rules) => rules.summary(),
        }
    }
}

#[cfg(test)]
mod tests;
