//! Labels: a short list without dates.

use domain::Kind;

use super::{Collection, List, Source, Walk};

pub(super) static LABELS: Collection = Collection {
    kind: Kind::Labels,
    walk: Walk::Whole,
    key: super::id,
    updated_at: super::undated,
    source: Source::Rest(List {
        path: "labels",
        query: "",
    }),
};
