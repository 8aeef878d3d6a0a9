//! Releases with the descriptions of their assets.

use domain::Kind;

use crate::content::{self, Collection, List, Source, Walk};

pub(super) static RELEASES: Collection = Collection {
    kind: Kind::Releases,
    walk: Walk::Whole,
    key: content::id,
    updated_at: content::undated,
    source: Source::Rest(List {
        path: "releases",
        query: "",
    }),
};
