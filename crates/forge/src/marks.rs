//! Fingerprints from the organization's list, which tell what has changed without a request per repository.

use std::collections::{BTreeMap, BTreeSet};

use domain::Kind;
use serde::{Deserialize, Serialize};

/// What the list says of one kind of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Differs when the data differs, as far as a list can tell.
    pub fingerprint: String,
    /// How many items there are, where the list says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// The marks of one repository, by the kind that the list speaks of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marks(pub BTreeMap<Kind, Mark>);

impl Marks {
    /// The kinds to be read again, given the marks of the last reading.
    pub fn changed(&self, since: &Self) -> BTreeSet<Kind> {
        let both = self.0.keys().chain(since.0.keys());
        both.filter(|kind| self.0.get(kind) != since.0.get(kind))
            .flat_map(|kind| dependents(*kind))
            .copied()
            .collect()
    }
}

/// What a changed mark means: a comment shows in its issue's date only, an asset in its release only.
fn dependents(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::Git | Kind::Lfs => &[Kind::Git, Kind::Lfs],
        Kind::Wiki => &[Kind::Wiki],
        Kind::Settings => &[Kind::Settings],
        Kind::Labels => &[Kind::Labels],
        Kind::Milestones => &[Kind::Milestones],
        Kind::Issues | Kind::IssueComments => &[Kind::Issues, Kind::IssueComments],
        // The host's issue list holds pull requests too, and their conversation is issue comments.
        Kind::PullRequests | Kind::Reviews | Kind::ReviewComments => &[
            Kind::Issues,
            Kind::IssueComments,
            Kind::PullRequests,
            Kind::Reviews,
            Kind::ReviewComments,
        ],
        Kind::Releases => &[Kind::Releases, Kind::Assets],
        Kind::Uploads => &[Kind::Uploads, Kind::Assets],
        Kind::Assets => &[Kind::Assets],
        Kind::Boards => &[Kind::Boards],
        Kind::Snippets => &[Kind::Snippets],
        Kind::Members => &[Kind::Members],
        Kind::ProtectedBranches => &[Kind::ProtectedBranches],
        Kind::ProtectedTags => &[Kind::ProtectedTags],
        Kind::Hooks => &[Kind::Hooks],
        Kind::Variables => &[Kind::Variables],
        Kind::PipelineSchedules => &[Kind::PipelineSchedules],
        Kind::DeployKeys => &[Kind::DeployKeys],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(list: &[(Kind, &str)]) -> Marks {
        let mark = |text: &str| Mark {
            fingerprint: text.to_owned(),
            count: None,
        };
        Marks(
            list.iter()
                .map(|(kind, text)| (*kind, mark(text)))
                .collect(),
        )
    }

    #[test]
    fn a_changed_mark_brings_its_dependents() {
        let before = marks(&[
            (Kind::Git, "a"),
            (Kind::PullRequests, "1"),
            (Kind::Releases, "1"),
        ]);
        let after = marks(&[
            (Kind::Git, "a"),
            (Kind::PullRequests, "2"),
            (Kind::Releases, "1"),
        ]);
        assert_eq!(after.changed(&after), BTreeSet::new());
        assert_eq!(
            after.changed(&before),
            BTreeSet::from([
                Kind::Issues,
                Kind::IssueComments,
                Kind::PullRequests,
                Kind::Reviews,
                Kind::ReviewComments
            ])
        );
    }

    #[test]
    fn a_mark_that_appears_or_goes_is_a_change() {
        let some = marks(&[(Kind::Releases, "1")]);
        let all = BTreeSet::from([Kind::Releases, Kind::Assets]);
        assert_eq!(some.changed(&Marks::default()), all);
        assert_eq!(Marks::default().changed(&some), all);
    }
}
