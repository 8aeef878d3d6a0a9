//! Releases with the descriptions of their assets.

use domain::Kind;

use super::{Collection, List, Source, Walk};

pub(super) static RELEASES: Collection = Collection {
    kind: Kind::Releases,
    walk: Walk::Whole,
    key: super::id,
    updated_at: super::undated,
    source: Source::Rest(List {
        path: "releases",
        query: "",
    }),
};
