//! Decides, without I/O, what a run does about each repository: nothing, a fetch of what changed, or a full sweep.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Kind, RepositoryName, Selection};
use forge::{Marks, Repository};
use store::PlanState;

/// A repository is read in full at least this often, because some changes move no mark.
const SWEEP_EVERY: TimeDelta = TimeDelta::days(7);

/// Sweeps of repositories that were first backed up together are spread over this time before they are due.
const SWEEP_SPREAD: TimeDelta = TimeDelta::days(2);

/// What the plan's last successful fetch of a repository left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The marks that the list showed then.
    pub(crate) marks: Marks,
    /// When everything was last read.
    pub(crate) swept_at: Option<DateTime<Utc>>,
    /// Digest of the wiki's refs, if there was a wiki.
    pub(crate) wiki: Option<String>,
    /// Whether the snapshot lacks nothing.
    pub(crate) is_whole: bool,
    /// Whether the host has told of a push since.
    pub(crate) is_pushed_to: bool,
    /// The kinds that were asked for.
    pub(crate) kinds: BTreeSet<Kind>,
}

impl Known {
    /// Reads what the store kept. Nothing, if it cannot be understood: then everything is read again.
    pub(crate) fn read(state: &PlanState) -> Option<Self> {
        Some(Self {
            marks: serde_json::from_value(state.marks.clone()).ok()?,
            swept_at: state.swept_at,
            wiki: state.wiki.clone(),
            is_whole: state.omissions.is_empty(),
            is_pushed_to: state.is_pushed_to,
            kinds: state.kinds.clone(),
        })
    }
}

/// What a run does about one repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The plan's newest snapshot still is the repository's state.
    Unchanged,
    /// Nothing has changed so far as the list can tell; the wiki, which the list does not show, must be looked at.
    AskWiki,
    /// Fetch what changed.
    Fetch,
    /// Fetch everything.
    Sweep,
}

/// Decides from the marks of the list and what is known.
pub(crate) fn decide(
    listed: &Repository,
    known: Option<&Known>,
    kinds: &BTreeSet<Kind>,
    now: DateTime<Utc>,
) -> Decision {
    let Some(known) = known else {
        return Decision::Sweep;
    };
    if sweep_due(listed.id, known.swept_at, now) {
        return Decision::Sweep;
    }
    match &known.wiki {
        _ if !listed.marks.changed(&known.marks).is_disjoint(kinds) => Decision::Fetch,
        // A list may be older than the push that the host has told of.
        _ if known.is_pushed_to && kinds.contains(&Kind::Git) => Decision::Fetch,
        // What the plan takes from now on was never read.
        _ if !kinds.is_subset(&known.kinds) => Decision::Fetch,
        // A snapshot that lacks something must not let a later run be called complete; what it lacks is asked for again.
        _ if !known.is_whole => Decision::Fetch,
        _ if !kinds.contains(&Kind::Wiki) => Decision::Unchanged,
        // The list speaks of it.
        _ if listed.marks.0.contains_key(&Kind::Wiki) => Decision::Unchanged,
        Some(_) if listed.has_wiki => Decision::AskWiki,
        Some(_) => Decision::Fetch,
        None => Decision::Unchanged,
    }
}

/// Whether everything is to be read again, whatever the marks say.
fn sweep_due(forge_id: i64, swept_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let Some(swept_at) = swept_at else {
        return true;
    };
    let early = TimeDelta::seconds(forge_id.rem_euclid(SWEEP_SPREAD.num_seconds()));
    now - swept_at >= SWEEP_EVERY - early
}

/// The names that a plan asks for and the host does not list. Only meaningful after a whole listing.
pub(crate) fn vanished(
    selection: &Selection,
    listed: &BTreeSet<RepositoryName>,
) -> Vec<RepositoryName> {
    let Selection::Chosen(chosen) = selection else {
        return Vec::new();
    };
    let listed: BTreeSet<String> = listed
        .iter()
        .map(|name| name.to_string().to_ascii_lowercase())
        .collect();
    chosen
        .iter()
        .filter(|name| !listed.contains(&name.to_string().to_ascii_lowercase()))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests;
