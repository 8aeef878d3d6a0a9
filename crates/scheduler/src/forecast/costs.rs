//! What reading a repository is going to take: what the counts of the host's list suggest, times what that was worth so far.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Kind, PlanId, RepositoryId};
use forge::Repository;
use store::RepositoryCost;

use super::{approximate, whole};
use crate::planner::Known;

/// Items of a page of a list.
const PAGE: u64 = 100;

/// Nothing learnt weighs as much as so many pages.
const TRUSTED: f64 = 20.0;

/// What earlier fetches have taught.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    /// By repository and whether all of it was read: requests and pages.
    own: BTreeMap<(RepositoryId, bool), (f64, f64)>,
    /// The same of all together.
    together: BTreeMap<bool, (f64, f64)>,
}

impl Costs {
    /// What a plan's own fetches have taught, and for what it never read those of others.
    pub(crate) fn learn(costs: &[RepositoryCost], plan: PlanId) -> Self {
        let mut learnt = Self::default();
        for cost in costs {
            let sum = learnt.together.entry(cost.sweep).or_default();
            *sum = (sum.0 + cost.requests, sum.1 + cost.pages);
            let place = (cost.repository, cost.sweep);
            if cost.plan == plan || !learnt.own.contains_key(&place) {
                learnt.own.insert(place, (cost.requests, cost.pages));
            }
        }
        learnt
    }

    /// Requests that work of so many pages is going to take.
    pub(crate) fn expect(&self, repository: RepositoryId, sweep: bool, pages: u64) -> u64 {
        let own = self.own.get(&(repository, sweep));
        let worth = if let Some((requests, pages)) = own.filter(|(_, pages)| *pages > 0.0) {
            requests / pages
        } else {
            let (requests, pages) = self.together.get(&sweep).copied().unwrap_or_default();
            (requests + TRUSTED) / (pages + TRUSTED)
        };
        whole(approximate(pages) * worth)
    }
}

/// Requests that the counts of the list suggest: a page of a hundred for each list of each kind when all is read, and one for each
/// kind that has changed when not.
pub(crate) fn pages(
    listed: &Repository,
    known: Option<&Known>,
    kinds: &BTreeSet<Kind>,
    sweep: bool,
) -> u64 {
    let lists = |kind: &&Kind| !matches!(kind, Kind::Git | Kind::Wiki | Kind::Lfs);
    if let (Some(known), false) = (known, sweep) {
        let changed = listed.marks.changed(&known.marks);
        let count = changed.intersection(kinds).filter(lists).count();
        return u64::try_from(count).unwrap_or_default().max(1);
    }
    let count = |kind: Kind| {
        let mark = listed.marks.0.get(&kind);
        mark.and_then(|mark| mark.count).unwrap_or_default()
    };
    // The list of issues holds pull requests too, and their conversation is comments.
    let conversations = count(Kind::Issues) + count(Kind::PullRequests);
    let items = |kind: &Kind| match kind {
        Kind::Issues | Kind::IssueComments => conversations,
        Kind::Reviews | Kind::ReviewComments => count(Kind::PullRequests),
        Kind::Assets => count(Kind::Releases) * PAGE,
        Kind::Git
        | Kind::Wiki
        | Kind::Lfs
        | Kind::Settings
        | Kind::Labels
        | Kind::Milestones
        | Kind::PullRequests
        | Kind::Releases
        | Kind::Boards
        | Kind::Snippets
        | Kind::Uploads
        | Kind::Members
        | Kind::ProtectedBranches
        | Kind::ProtectedTags
        | Kind::Hooks
        | Kind::Variables
        | Kind::PipelineSchedules
        | Kind::DeployKeys => count(*kind),
    };
    let lists = kinds.iter().filter(lists);
    lists.map(|kind| 1 + items(kind) / PAGE).sum()
}
