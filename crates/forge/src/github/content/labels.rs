//! Labels: a short list without dates.

use domain::Kind;

use crate::content::{self, Collection, List, Source, Walk};

pub(super) static LABELS: Collection = Collection {
    kind: Kind::Labels,
    walk: Walk::Whole,
    key: content::id,
    updated_at: content::undated,
    source: Source::Rest(List {
        path: "labels",
        query: "",
    }),
};
