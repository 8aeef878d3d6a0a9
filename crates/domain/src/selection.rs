//! Which of an organization's repositories a plan backs up.

use serde::{Deserialize, Serialize};

use crate::RepositoryName;

/// The repositories of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "select", content = "repositories", rename_all = "snake_case")]
pub enum Selection {
    /// All of them; new ones join by themselves.
    All,
    /// Those named, and no others.
    Chosen(Vec<RepositoryName>),
}

impl Selection {
    /// Whether a repository belongs to the plan. Hosts compare names without regard to case.
    pub fn includes(&self, name: &RepositoryName) -> bool {
        match self {
            Self::All => true,
            Self::Chosen(names) => names
                .iter()
                .any(|chosen| chosen.to_string().eq_ignore_ascii_case(&name.to_string())),
        }
    }
}
