//! Which kinds of data a fetch reads, and how much of each is to be expected.

use std::collections::BTreeSet;

use domain::{ForgeKind, Kind};
use forge::{Marks, Repository};

use crate::manifest::{Manifest, State};

/// The lists, those first that others wait for.
pub(super) const LISTS: [Kind; 18] = [
    Kind::Releases,
    Kind::Uploads,
    Kind::PullRequests,
    Kind::Issues,
    Kind::IssueComments,
    Kind::Reviews,
    Kind::ReviewComments,
    Kind::Labels,
    Kind::Milestones,
    Kind::Boards,
    Kind::Snippets,
    Kind::Members,
    Kind::ProtectedBranches,
    Kind::ProtectedTags,
    Kind::Hooks,
    Kind::Variables,
    Kind::PipelineSchedules,
    Kind::DeployKeys,
];

/// The kinds to be read: all that are asked for, or those of them that have changed since the content of the working folder and those that it lacks.
pub(super) fn wanted(
    repository: &Repository,
    content: Option<&(Manifest, Marks)>,
    sweep: bool,
    asked: &BTreeSet<Kind>,
) -> BTreeSet<Kind> {
    let Some((manifest, marks)) = content.filter(|_| !sweep) else {
        return asked.clone();
    };
    let mut wanted = repository.marks.changed(marks);
    let lacking = Kind::ALL.into_iter().filter(|kind| {
        let state = manifest.coverage.get(kind).map(|coverage| coverage.state);
        !matches!(state, Some(State::Complete | State::Absent))
    });
    wanted.extend(lacking);
    // The list says nothing of wikis, and asking git for one costs nothing.
    wanted.insert(Kind::Wiki);
    if wanted.contains(&Kind::Releases) || wanted.contains(&Kind::Uploads) {
        wanted.insert(Kind::Assets);
    }
    wanted.retain(|kind| asked.contains(kind));
    wanted
}

/// How many items the organization's list counts of a kind, as far as it does: GitLab's does not.
///
/// GitHub's issues include every pull request in its issue form; reviews are one item for each pull request.
pub(super) fn expected(forge: ForgeKind, kind: Kind, marks: &Marks) -> Option<u64> {
    let count = |kind| marks.0.get(&kind).and_then(|mark| mark.count);
    if forge == ForgeKind::GitLab {
        return count(kind);
    }
    match kind {
        Kind::Issues => Some(count(Kind::Issues)? + count(Kind::PullRequests)?),
        Kind::PullRequests | Kind::Reviews => count(Kind::PullRequests),
        Kind::Labels | Kind::Milestones | Kind::Releases => count(kind),
        // Comments are not counted, but without something to comment on there are none.
        Kind::IssueComments => {
            (count(Kind::Issues)? + count(Kind::PullRequests)? == 0).then_some(0)
        }
        Kind::ReviewComments => (count(Kind::PullRequests)? == 0).then_some(0),
        Kind::Git
        | Kind::Wiki
        | Kind::Lfs
        | Kind::Settings
        | Kind::Assets
        | Kind::Boards
        | Kind::Snippets
        | Kind::Uploads
        | Kind::Members
        | Kind::ProtectedBranches
        | Kind::ProtectedTags
        | Kind::Hooks
        | Kind::Variables
        | Kind::PipelineSchedules
        | Kind::DeployKeys => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use forge::Mark;

    use super::*;

    fn marks(counts: &[(Kind, u64)]) -> Marks {
        let mark = |count| Mark {
            fingerprint: String::new(),
            count: Some(count),
        };
        Marks(
            counts
                .iter()
                .map(|(kind, count)| (*kind, mark(*count)))
                .collect::<BTreeMap<_, _>>(),
        )
    }

    #[test]
    fn comments_are_expected_only_where_there_is_something_to_comment_on() {
        let quiet = marks(&[(Kind::Issues, 0), (Kind::PullRequests, 0)]);
        let busy = marks(&[(Kind::Issues, 3), (Kind::PullRequests, 2)]);
        let expected = |kind, marks| expected(ForgeKind::GitHub, kind, marks);
        assert_eq!(expected(Kind::IssueComments, &quiet), Some(0));
        assert_eq!(expected(Kind::IssueComments, &busy), None);
        assert_eq!(expected(Kind::Issues, &busy), Some(5));
        assert_eq!(expected(Kind::Reviews, &busy), Some(2));
        assert_eq!(expected(Kind::Issues, &Marks::default()), None);
    }
}
