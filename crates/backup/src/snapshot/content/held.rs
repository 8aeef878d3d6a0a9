//! What a fetch has in the end.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Kind, Omission, Reason};

use crate::git::References;
use crate::manifest::{Asset, Digest};

/// What a fetch holds in the end.
#[derive(Debug, Default)]
pub(in crate::snapshot) struct Held {
    /// The kinds that were read or refused now; the others stand as they were.
    pub(in crate::snapshot) read: BTreeMap<Kind, Now>,
    pub(in crate::snapshot) git: Option<References>,
    pub(in crate::snapshot) wiki_references: Option<References>,
    /// To be compared with the host's next answer.
    pub(in crate::snapshot) wiki: Option<String>,
    pub(in crate::snapshot) lfs: Option<BTreeMap<String, Digest>>,
    pub(in crate::snapshot) assets: Option<BTreeMap<String, Asset>>,
}

/// How one kind stands after this fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::snapshot) enum Now {
    Read,
    /// There is none, or it is switched off.
    Absent,
    /// Something or all of it is missing.
    Lacking(Vec<Omission>),
}

impl Now {
    pub(super) fn of(omissions: Vec<Omission>) -> Self {
        if omissions.is_empty() {
            Self::Read
        } else {
            Self::Lacking(omissions)
        }
    }
}

impl Held {
    pub(super) fn merge(&mut self, part: Self) {
        self.read.extend(part.read);
        self.git = part.git.or(self.git.take());
        self.wiki_references = part.wiki_references.or(self.wiki_references.take());
        self.wiki = part.wiki.or(self.wiki.take());
        self.lfs = part.lfs.or(self.lfs.take());
        self.assets = part.assets.or(self.assets.take());
    }

    /// A blocked repository lacks everything that was wanted and did not come; it is one omission, not a dozen.
    pub(super) fn settle_blocked(&mut self, wanted: &BTreeSet<Kind>) {
        let Some(detail) = self.blocked() else {
            return;
        };
        for kind in wanted {
            let now = self.read.entry(*kind).or_insert(Now::Lacking(Vec::new()));
            if let Now::Lacking(omissions) = now {
                omissions.clear();
            }
        }
        let omission = Omission {
            kind: Kind::Git,
            reason: Reason::Blocked,
            detail,
        };
        self.read.insert(Kind::Git, Now::Lacking(vec![omission]));
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked().is_some()
    }

    /// The host's words, if it blocks the repository.
    fn blocked(&self) -> Option<String> {
        self.read.values().find_map(|now| match now {
            Now::Lacking(omissions) => omissions
                .iter()
                .find(|omission| omission.reason == Reason::Blocked)
                .map(|omission| omission.detail.clone()),
            Now::Read | Now::Absent => None,
        })
    }
}
