//! Milestones, open and closed.

use domain::Kind;

use crate::content::{self, Collection, List, Source, Walk};

pub(super) static MILESTONES: Collection = Collection {
    kind: Kind::Milestones,
    walk: Walk::Whole,
    key: content::id,
    updated_at: content::updated_at,
    source: Source::Rest(List {
        path: "milestones",
        query: "state=all&",
    }),
};
