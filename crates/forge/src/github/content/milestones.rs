//! Milestones, open and closed.

use domain::Kind;

use super::{Collection, List, Source, Walk};

pub(super) static MILESTONES: Collection = Collection {
    kind: Kind::Milestones,
    walk: Walk::Whole,
    key: super::id,
    updated_at: super::updated_at,
    source: Source::Rest(List {
        path: "milestones",
        query: "state=all&",
    }),
};
