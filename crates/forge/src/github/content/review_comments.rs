//! Comments on lines of pull requests, from the repository-wide list.

use domain::Kind;

use crate::content::{self, Collection, List, Source, Walk};

pub(super) static REVIEW_COMMENTS: Collection = Collection {
    kind: Kind::ReviewComments,
    walk: Walk::Since,
    key: content::id,
    updated_at: content::updated_at,
    source: Source::Rest(List {
        path: "pulls/comments",
        query: "sort=updated&direction=asc&",
    }),
};
