//! Comments on lines of pull requests, from the repository-wide list.

use domain::Kind;

use super::{Collection, List, Source, Walk};

pub(super) static REVIEW_COMMENTS: Collection = Collection {
    kind: Kind::ReviewComments,
    walk: Walk::Since,
    key: super::id,
    updated_at: super::updated_at,
    source: Source::Rest(List {
        path: "pulls/comments",
        query: "sort=updated&direction=asc&",
    }),
};
