//! What of a repository a plan takes, in groups that a person understands.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::{ForgeKind, Invalid};

/// A group of kinds that is switched on or off as one. Code has none: every plan takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Files that git keeps outside its history.
    Lfs,
    /// The wiki.
    Wiki,
    /// Issues with all that was said about them.
    Issues,
    /// Pull requests with all that was said about them.
    PullRequests,
    /// Releases and their notes.
    Releases,
    /// The files of releases.
    Assets,
    /// The repository's settings.
    Settings,
}

impl Part {
    /// Every part, in the order in which forms show them.
    pub const ALL: [Self; 7] = [
        Self::Lfs,
        Self::Wiki,
        Self::Issues,
        Self::PullRequests,
        Self::Releases,
        Self::Assets,
        Self::Settings,
    ];

    /// The word in forms and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lfs => "lfs",
            Self::Wiki => "wiki",
            Self::Issues => "issues",
            Self::PullRequests => "pull_requests",
            Self::Releases => "releases",
            Self::Assets => "assets",
            Self::Settings => "settings",
        }
    }

    /// The name that people see.
    pub fn label(self) -> &'static str {
        match self {
            Self::Lfs => "Large files (LFS)",
            Self::Wiki => "Wiki",
            Self::Issues => "Issues",
            Self::PullRequests => "Pull and merge requests",
            Self::Releases => "Releases",
            Self::Assets => "Attached files",
            Self::Settings => "Settings",
        }
    }

    /// What belongs to it, in half a sentence.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Lfs => "Files that git keeps outside its history. Often most of the bytes.",
            Self::Wiki => "All pages with their history.",
            Self::Issues => "With comments, labels and milestones.",
            Self::PullRequests => {
                "With reviews, comments, labels and milestones. The commits belong to the code."
            }
            Self::Releases => "Names, notes and tags.",
            Self::Assets => {
                "What is attached to releases, and on GitLab to issues and merge requests. Brings the releases with it."
            }
            Self::Settings => {
                "Description, topics, default branch and switches. On GitLab also members, protections, hooks, variables, schedules, keys and snippets."
            }
        }
    }

    /// The kinds that it consists of. A kind may belong to several parts: what is said about pull requests is kept among what is
    /// said about issues.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Lfs => &[Kind::Lfs],
            Self::Wiki => &[Kind::Wiki],
            Self::Issues => &[
                Kind::Issues,
                Kind::IssueComments,
                Kind::Labels,
                Kind::Milestones,
                Kind::Boards,
            ],
            Self::PullRequests => &[
                Kind::PullRequests,
                Kind::Reviews,
                Kind::ReviewComments,
                Kind::IssueComments,
                Kind::Labels,
                Kind::Milestones,
            ],
            Self::Releases => &[Kind::Releases],
            Self::Assets => &[Kind::Releases, Kind::Assets, Kind::Uploads],
            Self::Settings => &[
                Kind::Settings,
                Kind::Members,
                Kind::ProtectedBranches,
                Kind::ProtectedTags,
                Kind::Hooks,
                Kind::Variables,
                Kind::PipelineSchedules,
                Kind::DeployKeys,
                Kind::Snippets,
            ],
        }
    }
}

impl FromStr for Part {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let word = text.trim().replace('-', "_");
        Self::ALL
            .into_iter()
            .find(|part| part.as_str() == word)
            .ok_or_else(|| {
                let known = Self::ALL.map(Self::as_str).join(", ");
                Invalid::new(format!(
                    "{} is not a part of a repository: use some of {known}.",
                    crate::name::shown(text)
                ))
            })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What of each repository a plan takes: all but the parts that are switched off. A part that a later version brings is on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Content {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    without: BTreeSet<Part>,
}

impl Content {
    /// Everything but some parts.
    pub fn without(parts: impl IntoIterator<Item = Part>) -> Self {
        Self {
            without: parts.into_iter().collect(),
        }
    }

    /// The code and these parts alone.
    pub fn only(parts: &BTreeSet<Part>) -> Self {
        Self::without(Part::ALL.into_iter().filter(|part| !parts.contains(part)))
    }

    /// Whether a part is taken.
    pub fn takes(&self, part: Part) -> bool {
        !self.without.contains(&part)
    }

    /// Whether nothing is switched off.
    pub fn is_everything(&self) -> bool {
        self.without.is_empty()
    }

    /// The kinds to be taken; git always is.
    pub fn kinds(&self) -> BTreeSet<Kind> {
        let parts = Part::ALL.into_iter().filter(|part| self.takes(*part));
        parts
            .flat_map(Part::kinds)
            .copied()
            .chain([Kind::Git])
            .collect()
    }

    /// The kinds to be taken from a vendor's host.
    pub fn kinds_of(&self, forge: ForgeKind) -> BTreeSet<Kind> {
        let mut kinds = self.kinds();
        kinds.retain(|kind| kind.is_of(forge));
        kinds
    }

    /// In a few words: what is taken.
    pub fn summary(&self) -> String {
        let labels = |wanted: bool| {
            let parts = Part::ALL
                .into_iter()
                .filter(|part| self.takes(*part) == wanted);
            let labels: Vec<String> = parts.map(|part| part.label().to_lowercase()).collect();
            labels.join(", ").replace("(lfs)", "(LFS)")
        };
        if self.is_everything() {
            "Everything: code, and all that the host has besides".to_owned()
        } else if self.without.len() == Part::ALL.len() {
            "The code alone".to_owned()
        } else if self.without.len() * 2 > Part::ALL.len() {
            format!("Code, {}", labels(true))
        } else {
            format!("Everything but {}", labels(false))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_taken_and_git_cannot_be_switched_off() {
        assert_eq!(Content::default().kinds(), Kind::ALL.into());
        assert_eq!(
            Content::without(Part::ALL).kinds(),
            BTreeSet::from([Kind::Git])
        );
    }

    #[test]
    fn what_is_said_about_pull_requests_stays_when_issues_are_off() {
        let kinds = Content::without([Part::Issues]).kinds();
        assert!(!kinds.contains(&Kind::Issues));
        assert!(kinds.contains(&Kind::IssueComments));
    }

    #[test]
    fn release_files_bring_the_releases() {
        let kinds = Content::only(&[Part::Assets].into()).kinds();
        assert_eq!(
            kinds,
            BTreeSet::from([Kind::Git, Kind::Releases, Kind::Assets, Kind::Uploads])
        );
    }

    #[test]
    fn a_host_is_asked_for_what_its_vendor_has() {
        let everything = Content::default();
        let github = everything.kinds_of(ForgeKind::GitHub);
        let gitlab = everything.kinds_of(ForgeKind::GitLab);
        assert!(github.contains(&Kind::Reviews) && !gitlab.contains(&Kind::Reviews));
        assert!(gitlab.contains(&Kind::Boards) && !github.contains(&Kind::Boards));
        assert_eq!(&github | &gitlab, everything.kinds());
    }

    #[test]
    fn rows_of_earlier_versions_take_everything() {
        let stored: Content = serde_json::from_str("{}").unwrap();
        assert!(stored.is_everything());
        let some = Content::without([Part::Wiki, Part::PullRequests]);
        let text = serde_json::to_string(&some).unwrap();
        assert_eq!(text, r#"{"without":["wiki","pull_requests"]}"#);
        assert_eq!(serde_json::from_str::<Content>(&text).unwrap(), some);
    }

    #[test]
    fn a_summary_names_the_shorter_side() {
        for (without, summary) in [
            (
                &[Part::Lfs, Part::Wiki][..],
                "Everything but large files (LFS), wiki",
            ),
            (&Part::ALL[1..], "Code, large files (LFS)"),
            (&Part::ALL[..], "The code alone"),
        ] {
            assert_eq!(Content::without(without.iter().copied()).summary(), summary);
        }
    }

    #[test]
    fn a_part_is_read_from_its_word() {
        assert_eq!("pull-requests".parse(), Ok(Part::PullRequests));
        assert!("git".parse::<Part>().is_err());
    }
}
